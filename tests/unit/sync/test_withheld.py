"""Blocks that nobody gives, and the chain that is brought in the meantime."""

from __future__ import annotations

from headway.chain.blocks import BlockChain
from headway.chain.headers import HeaderTree
from headway.sync.sources import Sources
from headway.sync.window import Window
from headway.sync.withheld import MAX_WITHHELD, PATIENCE, Withheld
from tests.toynet import TOYNET, toy_chain, toy_headers

NOW = 1_700_000_000.0
MAIN = toy_chain(20)
FORK = toy_chain(6, salt=1, parent=MAIN[9])
"""Heights 11 to 16: positions 21 to 26."""
SHORT = toy_chain(2, salt=2, parent=MAIN[9])
"""Positions 27 and 28."""


class Story:
    def __init__(self, *bests: int, held: int = 10) -> None:
        self.tree = HeaderTree(TOYNET)
        for chain in (MAIN, FORK, SHORT):
            self.tree.add(toy_headers(chain), NOW)
        self.chain = BlockChain(self.tree)
        for position in range(1, held + 1):
            self.chain.mark(position)
        self.chain.advance()
        window = Window(self.tree, self.chain, typical_size=1_000, ceiling=None)
        self.sources = Sources(self.tree, self.chain.goal, window, most=16)
        for peer, best in enumerate(bests, 1):
            self.sources.add(peer, keeps=None)
            self.sources.know(peer, best)
        self.withheld = Withheld(self.tree, self.chain, self.sources)

    def wait(self, position: int = 11, *, since: float = 0.0) -> bool:
        """Nobody gives this block for long enough."""
        self.withheld.watch(position, since, since, is_owed=True)
        return self.withheld.watch(position, since, since + PATIENCE, is_owed=True)


def test_it_is_withheld_after_some_time_not_before() -> None:
    story = Story(20, 26)
    assert story.withheld.due() is None
    assert not story.withheld.watch(11, 0.0, 3.0, is_owed=True)
    assert story.withheld.due() == 3.0 + PATIENCE
    assert not story.withheld.watch(11, 0.0, 3.0 + PATIENCE - 0.01, is_owed=True)
    assert not story.withheld
    assert story.withheld.watch(11, 0.0, 3.0 + PATIENCE, is_owed=True)
    assert story.withheld
    assert story.withheld.best_goal() == 26


def test_what_comes_in_between_begins_the_time_anew() -> None:
    story = Story(20, 26)
    story.withheld.watch(11, 0.0, 0.0, is_owed=True)
    assert not story.withheld.watch(11, 4.0, PATIENCE, is_owed=True)
    assert not story.withheld.watch(12, 0.0, 4.0 + PATIENCE, is_owed=True)
    story.withheld.rest()
    assert story.withheld.due() is None
    assert not story.withheld.watch(12, 0.0, 100.0, is_owed=True)


def test_without_a_chain_to_bring_instead_nothing_is_withheld() -> None:
    for bests in ((20,), (20, 12), (20, 20), (20, 10)):
        story = Story(*bests)
        assert not story.wait()
        assert story.withheld.best_goal() is None
    story = Story(20, 28, held=10)
    assert story.wait()
    assert story.withheld.best_goal() == 28


def test_a_chain_that_does_not_outweigh_what_we_have_is_none_to_bring() -> None:
    story = Story(20, 28, held=12)
    assert not story.wait(13)


def test_the_heaviest_that_a_peer_has_shown_is_chosen() -> None:
    story = Story(20, 28, 26, 24)
    story.wait()
    assert story.withheld.best_goal() == 26


def test_the_best_chain_may_be_brought_as_far_as_it_goes() -> None:
    """The block that is withheld lies far up; below it is more than on any other chain."""
    story = Story(19, 28, 18)
    story.withheld.watch(11, 0.0, 0.0, is_owed=True)
    story.withheld._positions[19] = False
    assert story.withheld.best_goal() == 18


def test_with_all_of_them_withheld_the_goal_stays_where_it_is() -> None:
    story = Story(20, 26)
    story.wait()
    story.chain.goal.turn(26)
    story.sources.turn()
    story.withheld._positions[21] = False
    assert story.withheld.best_goal() is None


def test_a_block_that_comes_is_withheld_no_more() -> None:
    story = Story(20, 26)
    story.wait()
    assert not story.withheld.discard(12)
    assert story.withheld.discard(11)
    assert not story.withheld.discard(11)
    assert story.withheld.best_goal() is None


def test_it_may_be_coming_until_who_was_asked_has_failed() -> None:
    story = Story(20, 26)
    seen = [story.withheld.is_coming]
    story.wait()
    seen.append(story.withheld.is_coming)
    for position in (12, 11):
        story.withheld.failed(position)
        seen.append(story.withheld.is_coming)
    assert seen == [False, True, True, False]
    assert story.withheld


def test_what_nobody_was_asked_for_is_not_coming() -> None:
    story = Story(20, 26)
    story.withheld.watch(11, 0.0, 0.0, is_owed=False)
    assert story.withheld.watch(11, 0.0, PATIENCE, is_owed=False)
    assert not story.withheld.is_coming


def test_something_new_is_looked_at_once() -> None:
    story = Story(20, 26, 20)
    story.wait()
    assert story.withheld.probes(PATIENCE + 0.1) == []
    story.withheld.hurry()
    assert story.withheld.probes(PATIENCE + 0.1) == [(1, 11)]


def test_who_shows_the_chain_is_asked_for_the_block_one_at_a_time() -> None:
    story = Story(20, 26, 20, 20)
    story.sources[1].allowance.ask([11], 0.0)
    story.wait()
    start = PATIENCE
    assert story.withheld.probes(start) == []
    assert story.withheld.due() == start + PATIENCE
    assert story.withheld.probes(start + PATIENCE) == [(3, 11)]
    story.sources[3].allowance.ask([11], 0.0)
    assert story.withheld.probes(start + PATIENCE + 1.0) == []
    story.sources[4].missing.add(11)
    assert story.withheld.probes(start + 2 * PATIENCE) == []


def test_a_slow_peer_is_not_asked_for_it() -> None:
    story = Story(20, 26, 20)
    story.wait()
    for peer in (1, 3):
        story.sources.slow(peer, 1.0)
    assert story.withheld.probes(3 * PATIENCE) == []


def test_what_was_condemned_is_forgotten() -> None:
    story = Story(20, 26)
    story.wait()
    story.tree.invalidate(11)
    story.withheld.renew()
    assert not story.withheld


def test_no_more_are_remembered_than_some() -> None:
    story = Story(20, 26)
    for number in range(MAX_WITHHELD + 5):
        chain = toy_chain(15 + number, salt=10 + number, parent=MAIN[9])
        last = story.tree.add(toy_headers(chain), NOW).last
        assert story.wait(last - 14 - number, since=number * 10.0)
    assert len(story.withheld._positions) == MAX_WITHHELD
