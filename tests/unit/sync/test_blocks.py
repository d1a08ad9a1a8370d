"""Which blocks are asked of whom."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence

import pytest

from headway.chain.blocks import Advance, BlockChain
from headway.chain.headers import HeaderTree
from headway.sync.allowance import LEAST, START
from headway.sync.blocks import BlockScheduler
from headway.sync.hedge import UNKNOWN, patience
from headway.sync.output import AskBlocks, Stalled
from headway.sync.sources import MAX_SKIPS
from headway.sync.staller import TIMEOUT
from headway.sync.window import WINDOW, WINDOW_BYTES
from headway.sync.withheld import PATIENCE
from tests.toynet import TOYNET, toy_chain, toy_headers

NOW = 1_700_000_000.0
BLOCKS = toy_chain(1_100)
LATE = patience(None)
"""Seconds after which a second peer is asked of which nothing is known yet."""


class Story:
    """Peers that know the main chain, where a position is a height. Time stands still unless it is told."""

    def __init__(self, length: int = 100, *, size: int = 1_000, most: int = 1_024, peers: int = 0) -> None:
        self.tree = HeaderTree(TOYNET)
        self.tree.add(toy_headers(BLOCKS[:length]), NOW)
        self.chain = BlockChain(self.tree)
        self.blocks = BlockScheduler(self.tree, self.chain, typical_size=size, max_in_flight=most)
        self.blocks.rebase()
        self.blocks.enabled = True
        self.now = 0.0
        self.stalled: list[Stalled] = []
        self.moved: list[Advance] = []
        for peer in range(1, peers + 1):
            self.meet(peer, length)

    def meet(self, peer: int, best: int | None = None, *, keeps: int | None = None) -> None:
        self.blocks.add_peer(peer, keeps=keeps)
        if best is not None:
            self.blocks.know(peer, best)

    def asks(self, now: float | None = None) -> dict[int, list[int]]:
        """Positions that go out, by peer."""
        self.now = self.now if now is None else now
        asked: dict[int, list[int]] = {}
        for output in self.blocks.tick(self.now):
            if isinstance(output, AskBlocks):
                positions = (self.tree.find(request.hash) for request in output.requests)
                asked.setdefault(output.peer, []).extend(each for each in positions if each is not None)
            elif isinstance(output, Stalled):
                self.stalled.append(output)
            else:
                self.moved.append(output)
        return asked

    def bring(self, peer: int, *positions: int, size: int = 1_000, now: float | None = None) -> None:
        self.now = self.now if now is None else now
        for position in positions:
            assert self.blocks.received(peer, position, size, self.now)
            self.chain.mark(position)
            self.blocks.stored(position)
        self.chain.advance()

    def owned(self, peer: int) -> list[int]:
        """What it is to bring."""
        return sorted(position for position, owner in self.blocks.window.asked.items() if owner == peer)


def all_of(asked: dict[int, list[int]]) -> list[int]:
    return sorted(position for positions in asked.values() for position in positions)


# ------------------------------------------------------------------------------------------------------ asking


def test_nothing_is_asked_before_headers_are_here_or_chains_shown() -> None:
    story = Story()
    assert story.asks() == {}
    story.meet(1)
    assert story.asks() == {}
    story.blocks.enabled = False
    story.blocks.know(1, 100)
    assert story.asks() == {}
    assert story.blocks.due() is None


def test_a_peer_is_asked_for_no_more_than_its_allowance_lowest_first() -> None:
    story = Story(peers=1)
    assert story.asks() == {1: list(range(1, START + 1))}
    assert story.asks() == {}


def test_no_peer_is_asked_for_more_than_its_network_allows() -> None:
    for most in (1, 3, 1_024):
        story = Story(most=most, peers=1)
        assert story.asks() == {1: list(range(1, min(most, START) + 1))}


def test_several_peers_share_the_window_and_no_block_is_asked_twice() -> None:
    story = Story(peers=3)
    assert all_of(story.asks()) == list(range(1, 3 * START + 1))


def test_what_is_left_towards_the_end_is_shared_by_all() -> None:
    story = Story(24)
    for peer in range(1, 9):
        story.meet(peer)
    for peer in range(1, 9):
        story.blocks.know(peer, 24)
        assert len(story.asks()[peer]) == 3


def test_a_peer_is_asked_again_once_half_of_its_allowance_is_in() -> None:
    story = Story(peers=1)
    story.asks()
    allowance = story.blocks.sources[1].allowance
    for position in range(1, START):
        story.bring(1, position)
        owed, asked = allowance.owed, story.asks()
        assert (asked == {}) == (owed > allowance.limit // 2)
        if asked:
            break
    assert asked == {1: list(range(START + 1, START + 1 + len(asked[1])))}
    assert allowance.owed == int(allowance.limit)


def test_no_peer_is_asked_beyond_what_it_has_shown() -> None:
    story = Story()
    story.meet(1, 5)
    assert story.asks() == {1: [1, 2, 3, 4, 5]}
    story.meet(2, 8)
    assert story.asks() == {2: [6, 7, 8]}
    story.blocks.know(1, 20)
    assert story.asks() == {1: list(range(9, 20))}


def test_a_peer_on_another_branch_is_asked_up_to_the_fork() -> None:
    story = Story(20)
    story.tree.add(toy_headers(toy_chain(3, salt=1, parent=BLOCKS[6])), NOW)
    story.meet(1, 23)
    assert story.asks() == {1: [1, 2, 3, 4, 5, 6, 7]}


def test_nothing_is_asked_beyond_the_window_however_many_peers_there_are() -> None:
    story = Story(1_100, peers=100)
    asked = all_of(story.asks())
    assert asked == list(range(1, len(asked) + 1))
    assert WINDOW - 100 <= len(asked) <= WINDOW
    assert max(map(len, map(story.owned, range(1, 101)))) <= START


def test_the_window_is_bounded_in_bytes_too() -> None:
    story = Story(size=WINDOW_BYTES // 10, peers=5)
    assert len(all_of(story.asks())) == 10


def test_a_block_that_nobody_asked_for_is_not_taken_beyond_the_bytes_of_the_window() -> None:
    size = WINDOW_BYTES // 10
    story = Story(size=size, peers=1)
    taken = [story.blocks.received(1, height, size, 0.0) for height in range(1, 13)]
    assert taken == [True] * 10 + [False] * 2
    story.blocks.stored(1)
    assert story.blocks.received(1, 12, size, 0.0)


def test_one_block_is_always_asked_for_however_large() -> None:
    assert Story(size=WINDOW_BYTES * 2, peers=1).asks() == {1: [1]}


def test_blocks_waiting_for_verification_count_against_the_bytes() -> None:
    size = WINDOW_BYTES // 4
    story = Story(size=size, peers=1)
    assert story.asks() == {1: [1, 2, 3, 4]}
    for height in (1, 2, 3, 4):
        assert story.blocks.received(1, height, size, 1.0)
    assert story.asks() == {}
    assert (story.blocks.in_flight, story.blocks.in_hand, story.blocks.bytes_in_hand) == (0, 4, WINDOW_BYTES)
    story.chain.mark(1)
    story.blocks.stored(1)
    assert story.asks() == {1: [5]}


def test_what_a_lost_peer_owed_goes_to_others_at_once_and_what_it_gave_is_kept() -> None:
    story = Story(peers=1)
    story.asks()
    story.bring(1, 1, 2, 3)
    story.meet(2, 100)
    story.blocks.drop_peer(1)
    assert story.asks() == {2: list(range(4, 4 + START))}


def test_notfound_sends_the_block_elsewhere_and_never_to_that_peer_again() -> None:
    story = Story(10, peers=1)
    story.asks()
    story.blocks.refused(1, [3, 4], 0.0)
    assert story.asks() == {}
    story.meet(2, 10)
    assert story.asks() == {2: [3, 4]}
    story.blocks.drop_peer(2)
    assert story.asks() == {}
    story.meet(3, 10)
    assert story.asks() == {3: [3, 4]}


def test_a_peer_that_lacks_one_block_is_still_asked_for_later_ones() -> None:
    story = Story(1_100, peers=1)
    story.asks()
    story.blocks.refused(1, [1], 0.0)
    story.bring(1, *range(2, START + 1))
    assert min(story.asks()[1]) == START + 1


def test_a_peer_that_lacks_the_next_blocks_is_asked_for_later_ones_once_those_are_out() -> None:
    story = Story(60, peers=1)
    lacks = range(1, MAX_SKIPS + 5)
    story.asks()
    for position in lacks:
        story.blocks.refused(1, [position], 0.0)
        story.asks()
    assert set(story.owned(1)).isdisjoint(lacks)
    story.meet(2, MAX_SKIPS + 4)
    asked = story.asks()
    assert asked[2] == list(lacks)[: len(asked[2])]


def test_a_limited_peer_is_not_asked_for_blocks_that_it_has_dropped() -> None:
    story = Story(400)
    story.meet(1, 400, keeps=300)
    assert story.asks() == {}
    story.meet(2, 400)
    story.asks()
    while not story.owned(1):
        story.bring(2, *story.owned(2))
        story.asks()
    assert min(story.owned(1)) >= 101


def test_a_rejected_copy_is_asked_for_again() -> None:
    story = Story(3, peers=1)
    story.asks()
    assert story.blocks.received(1, 2, 100, 0.0)
    story.blocks.drop_peer(1)
    story.blocks.rejected(2)
    story.meet(2, 3)
    assert story.asks() == {2: [1, 2, 3]}


def test_a_late_copy_is_not_wanted_and_costs_nothing() -> None:
    story = Story(3, peers=1)
    story.asks()
    story.bring(1, 1)
    assert not story.blocks.received(1, 1, 100, 0.0)
    assert story.blocks.received(1, 2, 100, 0.0)
    assert not story.blocks.received(2, 2, 100, 0.0)


def test_the_first_copy_wins_whoever_was_asked() -> None:
    story = Story(3, peers=1)
    story.asks()
    assert story.blocks.received(9, 1, 100, 0.0)  # nobody asked peer 9, but the block is wanted
    assert story.blocks.in_flight == 2
    assert not story.blocks.received(1, 1, 100, 0.0)


def test_after_a_reorganisation_the_new_branch_is_asked_for_from_the_fork_on() -> None:
    story = Story(10, peers=1)
    story.asks()
    story.bring(1, *range(1, 11))
    story.tree.add(toy_headers(toy_chain(5, salt=1, parent=BLOCKS[6])), NOW)
    assert story.blocks.rebase() == Advance()
    story.blocks.know(1, 15)
    assert story.asks() == {1: [11, 12, 13, 14, 15]}


def test_a_deep_reorganisation_is_asked_for_a_window_at_a_time() -> None:
    story = Story(1_100, peers=1)
    story.chain.start_at(0)
    for position in range(1, 1_101):
        story.chain.mark(position)
    story.blocks.rebase()
    rival = toy_chain(1_500, salt=3)
    for start in range(0, 1_500, 100):
        story.tree.add(toy_headers(rival[start : start + 100]), NOW)
    story.blocks.rebase()
    story.blocks.know(1, story.tree.tip_position)
    brought = 0
    while asked := story.asks().get(1):
        assert len(story.blocks.window._todo) <= WINDOW
        story.bring(1, *asked)
        brought += len(asked)
    assert brought == 1_500
    assert story.chain.tip == story.tree.tip


# ------------------------------------------------------------------------------- the staller, while the window is full


def full_window(peers: int = 2) -> tuple[Story, list[int]]:
    """Peer 1 owes what it was asked first; the others have brought all the rest of the window."""
    story = Story(1_100, peers=1)
    owed = story.asks()[1]
    for peer in range(2, peers + 1):
        story.meet(peer, 1_100)
    fill(story)
    assert story.owned(1) == owed
    return story, owed


def fill(story: Story) -> None:
    """All but peer 1 bring whatever they are asked for, until there is nothing more."""
    story.asks()
    while others := set(story.blocks.window.asked.values()) - {1}:
        for peer in others:
            story.bring(peer, *story.owned(peer))
        story.asks()


def test_who_withholds_the_first_block_of_a_full_window_stalls_after_two_seconds() -> None:
    story, owed = full_window()
    assert story.blocks.due() == TIMEOUT
    assert story.asks(TIMEOUT - 0.01) == {}
    asked = story.asks(TIMEOUT)
    assert story.stalled == [Stalled(1, TIMEOUT)]
    assert asked == {2: owed}


def test_each_block_in_its_turn_gives_it_more_time_and_none_out_of_turn() -> None:
    story, owed = full_window()
    story.bring(1, owed[0], now=0.3)
    fill(story)
    story.bring(1, owed[-1], now=0.4)
    fill(story)
    story.asks(0.3 + TIMEOUT - 0.01)
    assert story.stalled == []
    story.asks(0.3 + TIMEOUT)
    assert [stalled.peer for stalled in story.stalled] == [1]


def test_nobody_stalls_while_others_have_something_to_do() -> None:
    story = Story(1_100, peers=2)
    story.asks()
    story.asks(TIMEOUT * 10)
    assert story.stalled == []


def test_who_is_sending_as_fast_as_our_line_lets_it_is_no_staller() -> None:
    story, owed = full_window()
    story.blocks.flowing = frozenset([1])
    story.blocks.sources[2].allowance.delay = None
    story.asks(TIMEOUT * 10)
    assert story.stalled == []
    assert story.owned(1) == owed


def test_who_sends_slowly_loses_what_it_owes_to_one_that_is_quicker_without_blame() -> None:
    story, owed = full_window()
    story.blocks.flowing = frozenset([1])
    story.blocks.sources[2].allowance.delay = 0.1
    assert story.asks(0.49) == {}
    assert story.asks(0.5) == {2: owed}
    assert story.stalled == []


def test_who_is_known_to_be_slow_is_not_waited_for_and_not_blamed() -> None:
    story, owed = full_window()
    story.blocks.sources[1].allowance.delay = 6.0
    story.blocks.sources[2].allowance.delay = 0.1
    assert story.asks(0.1) == {2: owed}
    assert story.stalled == []


def test_a_staller_is_asked_for_nothing_until_it_brings_a_block() -> None:
    story, owed = full_window()
    story.asks(TIMEOUT)
    story.blocks.know(1, 1_100)
    story.bring(2, *owed)
    fill(story)
    assert story.owned(1) == []
    more = toy_chain(9, parent=BLOCKS[-1])
    last = story.tree.add(toy_headers(more), NOW).last
    for late in owed:
        assert not story.blocks.received(1, late, 1_000, 3.0)
    story.blocks.know(1, last)
    assert 1 in story.asks()


def test_what_was_given_to_others_counts_against_its_allowance_until_it_comes() -> None:
    """Or a slow peer, which brings a block after each stall, would owe ever more."""
    story, owed = full_window()
    story.asks(TIMEOUT)
    story.bring(2, *owed)
    for late in owed:
        story.blocks.received(1, late, 1_000, 3.0)
        story.asks(3.0)
        assert story.blocks.sources[1].allowance.owed <= START


def test_who_holds_a_full_window_up_may_owe_less_and_less() -> None:
    story, owed = full_window()
    story.asks()
    assert story.blocks.sources[1].allowance.limit == START / 2
    for number in range(1, 6):
        story.bring(1, owed.pop(0), now=0.1 * number)
        fill(story)
    assert story.blocks.sources[1].allowance.limit == pytest.approx(LEAST, abs=0.1)
    assert story.stalled == []


# ------------------------------------------------------------------------------------------ the hedge, near the tip


def near_tip(*delays: float | None) -> Story:
    """One block is missing; peer 1 is asked for it, and each further one needs so long for a block."""
    story = Story(20, peers=1)
    story.asks()
    story.bring(1, *range(1, 20), now=0.0)
    for peer, delay in enumerate(delays, 2):
        story.meet(peer, 20)
        story.blocks.sources[peer].allowance.delay = delay
    assert story.asks(0.0) in ({}, {1: [20]})
    assert story.owned(1) == [20]
    return story


def test_a_late_block_is_asked_of_a_second_peer_and_of_no_third() -> None:
    story = near_tip(None, None)
    assert story.blocks.due() == LATE
    assert story.asks(LATE - 0.01) == {}
    assert story.asks(LATE) == {2: [20]}
    assert story.asks(2 * LATE) == {}
    assert story.stalled == []


def test_the_quicker_of_several_is_asked() -> None:
    assert near_tip(0.9, 0.2, None).asks(patience(0.2)) == {3: [20]}


def test_the_first_answer_wins_and_the_late_copy_costs_nobody_anything() -> None:
    story = near_tip(0.1)
    story.asks(0.5)
    story.bring(1, 20, now=0.6)
    assert story.blocks.in_flight == 0
    assert not story.blocks.received(2, 20, 1_000, 0.7)
    assert story.asks() == {}
    assert story.stalled == []
    assert story.blocks.due() is None


def test_who_is_beaten_clearly_loses_the_rest_of_what_it_owes() -> None:
    story = Story(4, peers=1)
    owed = story.asks()[1]
    story.meet(2, 4)
    story.blocks.sources[2].allowance.delay = 0.1
    assert story.asks(0.5) == {2: [1]}
    story.bring(2, 1, now=0.6)
    assert story.asks() == {2: owed[1:]}
    assert story.stalled == [Stalled(1)]


def test_who_is_beaten_narrowly_keeps_what_it_owes() -> None:
    story = Story(4, peers=1)
    owed = story.asks()[1]
    story.meet(2, 4)
    story.asks(LATE)
    story.bring(2, 1, now=LATE + 5.0)
    assert 2 not in story.asks()
    assert story.owned(1) == owed[1:]
    assert story.stalled == []


def test_when_the_second_is_silent_too_the_first_is_given_up_for_a_third() -> None:
    story = near_tip(None, None)
    story.asks(LATE)
    assert story.asks(LATE + 2 * LATE - 0.01) == {}
    assert story.asks(LATE + 2 * LATE) == {3: [20]}
    assert story.blocks.sources[1].is_slow
    story.bring(3, 20)
    assert story.blocks.in_flight == 0


def test_while_blocks_come_in_no_peer_is_asked_of_which_nothing_is_known_and_no_third() -> None:
    """Our own line may be what is slow, and a further copy would make it slower."""
    story = near_tip(None, 0.1)
    story.blocks.flowing = frozenset([1])
    assert story.asks(patience(0.1)) == {3: [20]}
    assert story.asks(600.0) == {}
    unknown = near_tip(None)
    unknown.blocks.flowing = frozenset([1])
    assert unknown.asks(600.0) == {}
    unknown.blocks.flowing = frozenset()
    assert unknown.asks(600.0) == {2: [20]}


def test_a_peer_alone_is_asked_once() -> None:
    story = near_tip()
    assert story.asks(600.0) == {}
    assert story.blocks.due() is None


def test_a_block_that_only_one_has_is_asked_once() -> None:
    story = near_tip()
    story.meet(2, 19)
    assert story.asks(60.0) == {}


def test_when_the_first_leaves_the_second_is_asked_no_second_time() -> None:
    story = near_tip(None)
    story.asks(LATE)
    story.blocks.drop_peer(1)
    assert story.asks() == {}
    assert story.owned(2) == [20]


def test_when_the_second_leaves_another_is_asked() -> None:
    story = near_tip(None, None)
    story.asks(LATE)
    story.blocks.drop_peer(2)
    assert story.asks() == {3: [20]}


# --------------------------------------------------------------------------------------------- blocks that nobody gives

FORK = toy_chain(6, salt=1, parent=BLOCKS[9])
"""Heights 11 to 16 beside those of the main chain, which has 20: positions 21 to 26."""


def forked(*bests: int) -> Story:
    """Ten blocks are here. Peers have shown these: 20 is the heavier chain, 26 the lighter one."""
    story = Story(20)
    story.tree.add(toy_headers(FORK), NOW)
    for peer, best in enumerate(bests, 1):
        story.meet(peer, best)
    for position in range(1, 11):
        story.chain.mark(position)
    story.chain.advance()
    return story


def drain(story: Story, peer: int, *, but: Iterable[int] = ()) -> list[int]:
    """A peer brings whatever it is asked for."""
    brought: list[int] = []
    while asked := [position for position in story.owned(peer) if position not in but]:
        story.bring(peer, *asked)
        brought += asked
        story.asks()
    return brought


def test_a_heavier_chain_whose_blocks_nobody_gives_does_not_keep_us_from_a_lighter_one() -> None:
    story = forked(20, 26)
    assert story.asks() == {1: list(range(11, 21))}
    story.blocks.refused(1, range(11, 21), 1.0)
    assert story.asks(1.0) == {}
    assert story.blocks.due() == PATIENCE
    assert story.asks(PATIENCE) == {2: list(range(21, 27))}
    assert drain(story, 2) == list(range(21, 27))
    assert story.chain.tip == story.tree.id(26)
    assert story.tree.tip == story.tree.id(20)


@pytest.mark.parametrize("how", ["silent", "gone"])
def test_it_does_not_matter_why_nobody_gives_them(how: str) -> None:
    story = forked(20, 26)
    story.asks()
    if how == "gone":
        story.blocks.drop_peer(1)
        story.meet(3, 26)
    story.asks(1.0)
    assert drain(story, 2) == []
    story.asks(1.0 + PATIENCE)
    drain(story, 2)
    if how == "gone":
        drain(story, 3)
    assert story.chain.tip == story.tree.id(26)


def test_the_heavier_chain_is_followed_as_soon_as_somebody_gives_its_blocks() -> None:
    story = forked(20, 26)
    story.asks()
    story.blocks.refused(1, range(11, 21), 1.0)
    story.asks(1.0)
    story.asks(1.0 + PATIENCE)
    drain(story, 2)
    story.meet(3, 20)
    assert story.asks() == {3: [11]}
    assert story.blocks.is_done
    story.bring(3, 11)
    assert story.asks() == {3: list(range(12, 21))}
    story.bring(3, *range(12, 21))
    assert story.chain.tip == story.tree.id(20)


def test_we_are_not_done_while_a_better_chain_may_be_coming() -> None:
    story = forked(20, 26)
    story.asks()
    story.asks(PATIENCE)
    drain(story, 2)
    assert story.chain.tip == story.tree.id(26)
    assert not story.blocks.is_done
    story.blocks.drop_peer(1)
    assert story.blocks.is_done


def test_who_withholds_a_block_is_not_asked_for_it_again() -> None:
    story = forked(20, 26)
    story.asks()
    for round_ in range(1, 8):
        asked = story.asks(round_ * PATIENCE)
        assert 1 not in asked
    assert story.blocks.sources[1].allowance.owed == 10


def test_a_lighter_chain_that_grows_is_followed() -> None:
    story = forked(20, 26)
    story.asks()
    story.blocks.refused(1, range(11, 21), 1.0)
    story.asks(1.0)
    story.asks(1.0 + PATIENCE)
    drain(story, 2)
    more = toy_chain(2, salt=1, parent=FORK[-1])
    last = story.tree.add(toy_headers(more), NOW).last
    story.blocks.know(2, last)
    assert story.asks() == {2: [last - 1, last]}
    assert story.chain.goal.tip == last


def test_once_the_lighter_chain_outweighs_it_is_the_best_one() -> None:
    story = forked(20, 26)
    story.asks()
    story.blocks.refused(1, range(11, 21), 1.0)
    story.asks(1.0)
    story.asks(1.0 + PATIENCE)
    added = story.tree.add(toy_headers(toy_chain(8, salt=1, parent=FORK[-1])), NOW)
    assert added.disconnected > 0
    story.blocks.rebase()
    story.blocks.know(2, added.last)
    assert story.chain.goal.is_best
    story.asks()
    drain(story, 2)
    assert story.chain.tip == story.tree.tip


def test_without_another_chain_we_wait() -> None:
    story = forked(20, 10)
    story.asks()
    story.blocks.refused(1, range(11, 21), 1.0)
    for at in (1.0, 10.0, 60.0):
        assert story.asks(at) == {}
    assert story.chain.goal.is_best


def test_several_heavier_chains_are_each_given_a_chance() -> None:
    story = forked(26)
    rivals = [toy_chain(12 + number, salt=5 + number, parent=BLOCKS[9]) for number in range(3)]
    for number, rival in enumerate(rivals):
        last = story.tree.add(toy_headers(rival), NOW).last
        story.blocks.rebase()
        story.meet(2 + number, last)
    for round_ in range(12):
        for peer, positions in story.asks(round_ * PATIENCE).items():
            if peer > 1:
                story.blocks.refused(peer, positions, story.now)
        drain(story, 1)
    assert story.chain.tip == story.tree.id(26)


def test_a_condemned_block_is_withheld_no_more() -> None:
    story = forked(20, 26)
    story.asks()
    story.blocks.refused(1, range(11, 21), 1.0)
    story.asks(1.0)
    story.asks(1.0 + PATIENCE)
    story.tree.invalidate(11)
    story.blocks.rebase()
    assert story.chain.goal.is_best
    assert not story.blocks._withheld


# ----------------------------------------------------------------------------------------------------------- the cost


def calls(action: Sequence[object], story: Story) -> int:
    """Function calls that a block of the first peer costs."""
    count = 0

    def look(_frame: object, event: str, _argument: object) -> None:
        nonlocal count
        count += event in {"call", "c_call"}

    sys.setprofile(look)
    try:
        for position in action:
            assert isinstance(position, int)
            story.blocks.received(1, position, 1_000, 1.0)
            story.blocks.stored(position)
            story.blocks.tick(1.0)
    finally:
        sys.setprofile(None)
    return count


def cost(peers: int, *, behind: int = 0, length: int = 1_100) -> float:
    """Calls for each of twelve blocks with so many peers, and so many more that are behind."""
    story = Story(length, peers=peers)
    for peer in range(peers + 1, peers + 1 + behind):
        story.meet(peer, 3)
    story.asks()
    return calls(story.owned(1)[1:13], story) / 12


def test_the_cost_of_a_block_does_not_grow_with_the_number_of_peers() -> None:
    assert cost(60) < 1.3 * cost(6)
    assert cost(6, behind=1_000) < 1.3 * cost(6)


def test_the_cost_of_a_block_does_not_grow_with_the_window() -> None:
    assert cost(6, length=1_100) < 1.3 * cost(6, length=110)


def test_unknown_is_shorter_than_the_timeout_of_a_staller() -> None:
    """Or near the tip the hedge would come later than the rule that it is to spare us."""
    assert patience(None) < TIMEOUT
    assert UNKNOWN < TIMEOUT
