"""The block window: which blocks are asked of whom."""

from __future__ import annotations

from typing import Any

import pytest

from headway.chain.blocks import BlockChain
from headway.chain.headers import HeaderTree
from headway.sync.blocks import ALLOWANCE, MAX_MISSING, REFILL, STALL_TIMEOUT, WINDOW, WINDOW_BYTES, BlockScheduler
from tests.toynet import TOYNET, toy_chain, toy_headers

NOW = 1_700_000_000.0
BLOCKS = toy_chain(1_100)


class Story:
    def __init__(self, length: int = 100, *, size: int = 1_000, max_in_flight: int = ALLOWANCE) -> None:
        self.tree = HeaderTree(TOYNET)
        self.tree.add(toy_headers(BLOCKS[:length]), NOW)
        self.chain = BlockChain(self.tree)
        self.blocks = BlockScheduler(self.tree, self.chain, typical_size=size, max_in_flight=max_in_flight)
        self.blocks.reset()
        self.blocks.enabled = True

    def asks(self) -> dict[int, list[int]]:
        """Heights that go out, by peer. (On this chain a position is a height.)"""
        return {ask.peer: [request.height for request in ask.requests] for ask in self.blocks.asks()}

    def store(self, peer: int, *heights: int, size: int = 1_000) -> None:
        for height in heights:
            assert self.blocks.received(peer, height, size)
            self.blocks.stored(height)
            self.chain.mark(height)
        self.chain.advance()


def test_nothing_is_asked_before_headers_are_here_or_peers_known() -> None:
    story = Story()
    assert story.asks() == {}
    story.blocks.enabled = False
    story.blocks.know(1, 100)
    assert story.asks() == {}


def test_a_peer_is_asked_for_no_more_than_its_allowance_lowest_first() -> None:
    story = Story()
    story.blocks.know(1, 100)
    assert story.asks() == {1: list(range(1, ALLOWANCE + 1))}
    assert story.asks() == {}


def test_no_peer_is_asked_for_more_than_its_network_allows() -> None:
    for most in (1, 3, 1_024):
        story = Story(max_in_flight=most)
        story.blocks.know(1, 100)
        assert story.asks() == {1: list(range(1, min(most, ALLOWANCE) + 1))}
        story.store(1, 1)
        assert len(story.blocks._peers[1].in_flight) <= most
        assert next(iter(story.asks().values()), [2])[0] > 1


def test_several_peers_share_the_window_and_no_block_is_asked_twice() -> None:
    story = Story()
    for peer in (1, 2, 3):
        story.blocks.know(peer, 100)
    asked = [height for heights in story.asks().values() for height in heights]
    assert sorted(asked) == list(range(1, 3 * ALLOWANCE + 1))


def test_a_peer_is_refilled_once_half_of_its_allowance_is_in() -> None:
    story = Story()
    story.blocks.know(1, 100)
    story.asks()
    story.store(1, *range(1, ALLOWANCE - REFILL))
    assert story.asks() == {}
    story.store(1, ALLOWANCE - REFILL)
    assert story.asks() == {1: list(range(ALLOWANCE + 1, 2 * ALLOWANCE - REFILL + 1))}


def test_no_peer_is_asked_beyond_what_it_is_known_to_have() -> None:
    story = Story()
    story.blocks.know(1, 5)
    assert story.asks() == {1: [1, 2, 3, 4, 5]}
    story.blocks.know(2, 8)
    assert story.asks() == {2: [6, 7, 8]}
    story.blocks.know(1, 20)
    assert story.asks() == {1: list(range(9, 20))}


def test_nothing_is_asked_beyond_the_window() -> None:
    story = Story(1_100)
    for peer in range(100):
        story.blocks.know(peer, 1_100)
    asked = [height for heights in story.asks().values() for height in heights]
    assert max(asked) == WINDOW
    assert len(asked) == WINDOW
    owner = next(peer for peer in range(100) if 1 in story.blocks._peers[peer].in_flight)
    story.store(owner, 1)
    assert story.blocks.in_flight == WINDOW - 1
    story.store(owner, *sorted(story.blocks._peers[owner].in_flight)[:REFILL])
    assert max(h for heights in story.asks().values() for h in heights) == WINDOW + 1 + REFILL


def test_the_window_is_bounded_in_bytes_too() -> None:
    size = WINDOW_BYTES // 10
    story = Story(size=size)
    for peer in range(5):
        story.blocks.know(peer, 100)
    assert sum(len(heights) for heights in story.asks().values()) == 10


def test_a_block_that_nobody_asked_for_is_not_taken_beyond_the_bytes_of_the_window() -> None:
    size = WINDOW_BYTES // 10
    story = Story(size=size)
    taken = [story.blocks.received(1, height, size) for height in range(1, 13)]
    assert taken == [True] * 10 + [False] * 2
    story.blocks.stored(1)
    assert story.blocks.received(1, 12, size)


def test_one_block_is_always_asked_for_however_large() -> None:
    story = Story(size=WINDOW_BYTES * 2)
    story.blocks.know(1, 100)
    assert story.asks() == {1: [1]}


def test_blocks_waiting_for_verification_count_against_the_bytes() -> None:
    story = Story(size=WINDOW_BYTES // 4)
    story.blocks.know(1, 100)
    assert story.asks() == {1: [1, 2, 3, 4]}
    for height in (1, 2, 3, 4):
        assert story.blocks.received(1, height, WINDOW_BYTES // 4)
    assert story.asks() == {}
    assert (story.blocks.in_hand, story.blocks.bytes_in_hand) == (4, WINDOW_BYTES)
    story.blocks.stored(1)
    story.chain.mark(1)
    assert story.asks() == {1: [5]}


def test_what_a_lost_peer_owed_goes_to_others_at_once_and_what_it_gave_is_kept() -> None:
    story = Story()
    story.blocks.know(1, 100)
    story.asks()
    story.store(1, 1, 2, 3)
    story.blocks.know(2, 100)
    story.blocks.drop_peer(1)
    assert story.asks() == {2: list(range(4, 4 + ALLOWANCE))}


def test_a_full_peer_takes_over_what_a_lost_one_owed_as_it_empties() -> None:
    story = Story(40)
    story.blocks.know(1, 40)
    story.blocks.know(2, 40)
    owners = story.asks()
    story.blocks.drop_peer(1)
    assert story.asks() == {}
    story.store(2, *owners[2][:REFILL])
    assert story.asks() == {2: owners[1][:REFILL]}


def test_notfound_sends_the_block_elsewhere_and_never_to_that_peer_again() -> None:
    story = Story(10)
    story.blocks.know(1, 10)
    story.asks()
    story.blocks.refused(1, [3, 4])
    assert story.asks() == {}
    story.blocks.know(2, 10)
    assert story.asks() == {2: [3, 4]}
    story.blocks.drop_peer(2)
    assert story.asks() == {}
    story.blocks.know(3, 10)
    assert story.asks() == {3: [3, 4]}


def test_a_peer_that_lacks_one_block_is_still_asked_for_later_ones() -> None:
    story = Story(1_100)
    story.blocks.know(1, 1_100)
    story.asks()
    story.blocks.refused(1, [1])
    story.store(1, *range(2, ALLOWANCE + 1))
    assert story.asks() == {1: list(range(ALLOWANCE + 1, 2 * ALLOWANCE + 1))}


def test_a_peer_that_finds_nothing_is_no_source_any_more() -> None:
    story = Story(1_100)
    story.blocks.know(1, 1_100)
    for _ in range(MAX_MISSING // ALLOWANCE + 2):
        story.blocks.refused(1, [h for heights in story.asks().values() for h in heights])
    assert story.asks() == {}
    assert len(story.blocks._peers[1].missing) <= MAX_MISSING + ALLOWANCE


def test_a_rejected_copy_is_asked_for_again() -> None:
    story = Story(3)
    story.blocks.know(1, 3)
    story.asks()
    assert story.blocks.received(1, 2, 100)
    story.blocks.drop_peer(1)
    story.blocks.rejected(2)
    story.blocks.know(2, 3)
    assert story.asks() == {2: [1, 2, 3]}


def test_a_late_copy_is_not_wanted_and_costs_nothing() -> None:
    story = Story(3)
    story.blocks.know(1, 3)
    story.asks()
    story.store(1, 1)
    assert not story.blocks.received(1, 1, 100)
    assert story.blocks.received(1, 2, 100)
    assert not story.blocks.received(2, 2, 100)


def test_the_first_copy_wins_whoever_was_asked() -> None:
    story = Story(3)
    story.blocks.know(1, 3)
    story.blocks.know(2, 3)
    story.asks()
    assert story.blocks.received(9, 1, 100)  # nobody asked peer 9, but the block is wanted
    assert story.blocks.in_flight == 2
    assert not story.blocks.received(1, 1, 100)


def test_blocks_off_the_best_chain_or_beyond_the_window_are_not_wanted() -> None:
    story = Story(1_100)
    assert story.blocks.is_wanted(WINDOW)
    assert not story.blocks.is_wanted(WINDOW + 1)
    assert not story.blocks.is_wanted(0)
    rival = toy_chain(2, salt=1)
    story.tree.add(toy_headers(rival), NOW)
    assert not story.blocks.is_wanted(1_101)


def test_after_a_reorganisation_the_new_branch_is_asked_for_from_the_fork_on() -> None:
    story = Story(10)
    story.blocks.know(1, 10)
    story.asks()
    story.store(1, *range(1, 11))
    rival = toy_chain(5, salt=1, parent=BLOCKS[6])
    story.tree.add(toy_headers(rival), NOW)
    story.chain.advance()
    story.blocks.reset()
    story.blocks.know(1, 12)
    assert story.asks() == {1: [8, 9, 10, 11, 12]}


def test_a_staller_is_found_once_another_peer_idles_and_loses_what_it_owes() -> None:
    story = Story(20)
    story.blocks.know(1, 20)
    story.blocks.know(2, 20)
    owed = story.asks()
    story.store(2, *owed[2])
    assert story.blocks.stalled(10.0) is None
    assert story.blocks.due() == 10.0 + STALL_TIMEOUT
    assert story.blocks.stalled(10.0 + STALL_TIMEOUT - 0.01) is None
    assert story.blocks.stalled(10.0 + STALL_TIMEOUT) == 1
    assert story.asks() == {2: owed[1]}
    assert story.blocks.due() is None


def test_what_is_due_is_found_at_that_very_instant_whatever_the_rounding() -> None:
    for start in (0.1, 1.1, 17.7, 1_000.3, 123_456.7):
        story = Story(20)
        story.blocks.know(1, 20)
        story.blocks.know(2, 20)
        story.store(2, *story.asks()[2])
        story.blocks.stalled(start)
        due = story.blocks.due()
        assert due is not None
        assert story.blocks.stalled(due) == 1


def test_each_block_that_the_staller_brings_gives_it_more_time() -> None:
    story = Story(20)
    story.blocks.know(1, 20)
    story.blocks.know(2, 20)
    owed = story.asks()
    story.store(2, *owed[2])
    story.blocks.stalled(10.0)
    story.store(1, owed[1][0])
    assert story.blocks.stalled(11.9) is None
    assert story.blocks.stalled(11.9 + STALL_TIMEOUT - 0.01) is None
    assert story.blocks.stalled(11.9 + STALL_TIMEOUT) == 1


def test_the_stall_timeout_doubles_and_sinks_with_each_stored_block() -> None:
    story = Story(ALLOWANCE)
    timeouts = []
    for peer in range(1, 8):
        story.blocks.know(peer, ALLOWANCE)
        story.asks()  # the first takes all; each staller's share goes to the next
        story.blocks.know(peer + 1, ALLOWANCE)
        story.blocks.stalled(0.0)
        due = story.blocks.due()
        assert due is not None
        timeouts.append(due)
        assert story.blocks.stalled(due) == peer
    assert timeouts == [2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 64.0]
    assert story.asks() == {8: list(range(1, ALLOWANCE + 1))}
    story.store(8, 1, 2, 3)
    story.blocks.know(9, ALLOWANCE)
    story.blocks.stalled(100.0)
    assert story.blocks.due() == pytest.approx(100.0 + 64.0 * 0.85**3)


def test_a_staller_is_asked_again_only_after_it_brought_a_block() -> None:
    story = Story(ALLOWANCE)
    story.blocks.know(1, ALLOWANCE)
    owed = story.asks()[1]
    story.blocks.know(2, 3)
    story.blocks.stalled(0.0)
    assert story.blocks.stalled(2.0) == 1
    story.blocks.know(1, ALLOWANCE)
    assert story.asks() == {2: owed[:3]}
    assert story.blocks.received(1, owed[5], 1_000)
    assert list(story.asks()) == [1]


def test_what_was_given_to_others_counts_against_the_allowance_of_its_staller_until_it_comes() -> None:
    """Or a slow peer, which brings a block after each stall, would owe ever more."""
    story = Story(1_100)
    story.blocks.know(1, 1_100)
    owed = story.asks()[1]
    story.blocks.know(2, 1_100)
    while helped := story.asks().get(2):
        story.store(2, *helped)
    story.blocks.stalled(0.0)
    assert story.blocks.stalled(STALL_TIMEOUT) == 1
    assert story.asks() == {2: owed}
    story.store(2, *owed)
    asked = list(owed)
    for late in owed:
        assert not story.blocks.received(1, late, 1_000)
        asked.remove(late)
        asked += story.asks().get(1, [])
        assert len(asked) <= ALLOWANCE
    assert asked == list(range(1_041, 1_041 + REFILL + 1))


def test_a_staller_that_owes_one_block_alone_is_not_given_it_again() -> None:
    story = Story(20)
    story.blocks.know(1, 20)
    story.asks()
    story.store(1, *range(2, 17))
    assert story.asks() == {1: [17, 18, 19, 20]}
    story.store(1, *range(17, 21))
    story.blocks.know(2, 20)
    story.blocks.stalled(0.0)
    assert story.blocks.stalled(STALL_TIMEOUT) == 1
    assert story.asks() == {2: [1]}


def test_a_staller_that_says_notfound_is_asked_for_what_follows() -> None:
    story = Story(ALLOWANCE + 4)
    story.blocks.know(1, ALLOWANCE)
    story.asks()
    story.blocks.know(2, ALLOWANCE)
    story.blocks.know(2, ALLOWANCE + 4)
    story.store(2, *story.asks()[2])
    story.blocks.stalled(0.0)
    assert story.blocks.stalled(STALL_TIMEOUT) == 1
    story.blocks.refused(1, range(1, ALLOWANCE))
    story.blocks.drop_peer(2)
    assert story.asks() == {1: [ALLOWANCE]}


def test_the_cost_of_a_block_does_not_grow_with_the_number_of_peers() -> None:
    story = Story(1_100)
    for peer in range(1, 64):
        story.blocks.know(peer, 1_100)
    story.asks()
    idle = range(64, 1_000)
    for peer in idle:
        story.blocks.know(peer, 3)  # known to have little: they step aside
    story.asks()

    class Counting(dict[int, None]):
        """Counts how often a peer is put in line to be asked."""

        count = 0

        def __setitem__(self, peer: int, value: None) -> None:
            self.count += 1
            super().__setitem__(peer, value)

        def update(self, other: Any) -> None:
            self.count += len(other)
            super().update(other)

    story.blocks._hungry = hungry = Counting(story.blocks._hungry)
    for height in range(1, 17):
        story.store(story.blocks._owner[height], height)
        story.asks()
    assert hungry.count <= 2 * 16
