"""Chains with too little work: who is believed, who is ignored, who is left."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import pytest

from headway.chain.headers import HeaderTree, Judged
from headway.chain.presync import Outcome, Step
from headway.sync.lowwork import BASE_TIMEOUT, HEADER_TIMEOUT, MAX_ATTEMPTS, LowWork, PresyncProgress
from headway.types import PresyncParams
from tests.toynet import toy_chain, toy_hash, toy_headers, toynet

NOW = 1_700_000_000.0
CHAIN = toy_chain(60)
OTHER = toy_chain(60, salt=1)
MINIMUM = 41
"""Genesis and forty blocks."""


class Story:
    """A tree of the toy network, with peer 1 who is nobody's friend and peer 2 whom the user named."""

    def __init__(self, known: Sequence[bytes] = (), **network: Any) -> None:
        params = PresyncParams(commitment_period=2, redownload_buffer=10)
        fields = {"minimum_chainwork": MINIMUM, "presync": params, "block_interval": 10.0, **network}
        self.network = toynet(**fields)
        self.tree = HeaderTree(self.network)
        self.tree.add(toy_headers(known), NOW)
        self.low_work = LowWork(self.network, self.tree, rng=random.Random(3))
        self.low_work.add_peer(1, is_trusted=False)
        self.low_work.add_peer(2, is_trusted=True)

    def judged(self, blocks: Sequence[bytes]) -> Judged:
        judged = self.tree.judge(toy_headers(blocks), NOW)
        assert isinstance(judged, Judged)
        return judged

    def is_too_little(self, blocks: Sequence[bytes], peer: int = 1) -> bool:
        return self.low_work.is_too_little(peer, self.judged(blocks))

    def begin(self, blocks: Sequence[bytes], wall_time: float = NOW, now: float = 0.0) -> Step:
        return self.low_work.begin(1, self.judged(blocks), wall_time, now)

    def receive(self, blocks: Sequence[bytes], *, is_full: bool = True) -> Step:
        return self.low_work.receive(1, toy_headers(blocks), NOW, is_full=is_full)


def test_a_chain_must_reach_the_minimum_work() -> None:
    story = Story()
    assert story.is_too_little(CHAIN[:39])
    assert not story.is_too_little(CHAIN[:40])


def test_a_chain_that_goes_on_from_our_tree_counts_with_what_is_below_it() -> None:
    story = Story(CHAIN[:20])
    assert story.is_too_little(CHAIN[20:39])
    assert not story.is_too_little(CHAIN[20:40])


def test_a_branch_must_have_nearly_the_work_of_our_tip() -> None:
    main = toy_chain(300)
    story = Story(main)
    assert story.is_too_little(toy_chain(150, salt=1))
    assert not story.is_too_little(toy_chain(160, salt=1)), "144 below the tip, or less"


def test_who_was_named_is_believed() -> None:
    assert not Story().is_too_little(CHAIN[:5], peer=2)


@pytest.mark.parametrize("without", [{"presync": None}, {"minimum_chainwork": 0}])
def test_networks_without_presync_or_without_a_minimum_take_any_chain(without: dict[str, Any]) -> None:
    assert not Story(**without).is_too_little(CHAIN[:5])
    assert not Story(toy_chain(300), **without).is_too_little(toy_chain(1, salt=1))


def test_a_presync_asks_on_behind_its_last_header_and_then_from_the_start() -> None:
    story = Story(CHAIN[:5])
    assert not story.low_work.is_under_way(1)
    assert story.begin(CHAIN[5:25]).outcome is Outcome.MORE
    assert story.low_work.is_under_way(1)
    assert [block.height for block in story.low_work.locator(1)] == [25, 5, 4, 3, 2, 1, 0]
    assert story.low_work.locator(1)[0].hash == toy_hash(CHAIN[24])
    assert story.receive(CHAIN[25:45]).outcome is Outcome.MORE
    assert [block.height for block in story.low_work.locator(1)] == [5, 4, 3, 2, 1, 0]
    assert story.receive(CHAIN[5:45]).outcome is Outcome.DONE
    assert story.low_work.end(1, Outcome.DONE) is None
    assert not story.low_work.is_under_way(1)


def test_progress_is_told_of_the_first_passage_and_height_of_both() -> None:
    story = Story()
    assert story.low_work.progress() is None
    assert story.low_work.height(1) == -1
    story.begin(CHAIN[:20], wall_time=1_600_000_000.0 + 80 * 10)
    assert story.low_work.progress() == PresyncProgress(20, 0.25)
    assert story.low_work.height(1) == 20
    story.receive(CHAIN[20:45])
    assert story.low_work.progress() is None, "what comes now is kept"
    story.receive(CHAIN[:10])
    assert story.low_work.height(1) == 10


def test_a_peer_that_fails_again_and_again_is_left() -> None:
    story = Story()
    for attempt in range(1, MAX_ATTEMPTS + 1):
        assert story.begin(CHAIN[:20]).outcome is Outcome.MORE
        step = story.receive(CHAIN[30:40])
        assert step.outcome is Outcome.UNCONNECTED
        fault = story.low_work.end(1, step.outcome)
        assert (fault is None) == (attempt < MAX_ATTEMPTS)
    assert str(fault) == "its chain changes while it sends it, in 3 attempts"


def test_success_wipes_out_what_failed_before() -> None:
    story = Story()
    for outcome in (Outcome.INCOMPLETE, Outcome.TOO_LONG, Outcome.DONE, Outcome.INCOMPLETE, Outcome.TOO_LITTLE_WORK):
        story.begin(CHAIN[:20])
        assert story.low_work.end(1, outcome) is None


def test_who_sends_another_chain_the_second_time_lies_and_is_left_at_once() -> None:
    story = Story()
    story.begin(CHAIN[:20])
    story.receive(CHAIN[20:45])
    step = story.receive(OTHER[:30])
    assert step.outcome is Outcome.CHANGED
    assert "it lies" in str(story.low_work.end(1, step.outcome))


def test_short_chains_count_only_while_nobody_has_the_minimum() -> None:
    story = Story()
    assert [story.low_work.ignored(1) is None for _ in range(MAX_ATTEMPTS)] == [True, True, False]
    story = Story(CHAIN)
    assert [story.low_work.ignored(1) for _ in range(9)] == [None] * 9


def test_a_presync_has_a_deadline_by_the_headers_that_there_should_be() -> None:
    story = Story()
    assert story.low_work.due() is None
    expected = 5_000
    story.begin(CHAIN[:20], wall_time=1_600_000_000.0 + expected * 10, now=7.0)
    due = 7.0 + BASE_TIMEOUT + HEADER_TIMEOUT * expected
    assert story.low_work.due() == due
    assert story.low_work.overdue(due - 0.1) == []
    assert story.low_work.overdue(due) == [(1, "its chain has too little work after 70 s of headers")]
    assert story.low_work.overdue(due) == [], "told once"
    assert story.low_work.due() == due + BASE_TIMEOUT + HEADER_TIMEOUT * expected
    story.low_work.drop_peer(1)
    assert story.low_work.due() is None
