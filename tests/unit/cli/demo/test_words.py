"""What the demo says, and that it fits a terminal of 80 columns."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from headway.aio.status import NodeStatus
from headway.cli.demo import words
from headway.cli.demo.chain import KeptChain
from headway.cli.demo.family import FAMILIES
from headway.cli.demo.network import NAMES, ServingPeer
from headway.cli.demo.peer import Fault
from headway.cli.demo.watch import EXPECTED, Outcome, PeerView
from headway.types import Address, BlockId

TIP = BlockId(2_000, bytes(range(32)))
CHAIN = KeptChain(Path("/cache/regtest-2000"), TIP, 100_700_000)
STATUS = NodeStatus(
    network="regtest", phase="current", header_tip=TIP, block_tip=TIP, headers=2_000, blocks=2_000,
    block_bytes=100_700_000, seconds=4.0, peers=2, connecting=0, in_flight=0, stalls=1, reorgs=0, misbehaved=1,
)  # fmt: skip
REASONS = {
    Outcome.SERVED: "",
    Outcome.STALLED: "no block for 3 s, 16 in flight",
    Outcome.DISCOURAGED: f"block 734:{'0f' * 32}: bad-txnmrklroot (the transactions have root {'f0' * 32})",
    Outcome.LEFT: "the remote closed the connection",
}


def view(name: str, fault: Fault, outcome: Outcome) -> PeerView:
    return PeerView(name, fault, "gone", outcome, REASONS.get(outcome, "odd"), 1_234, 60_000_000, 20.0, 0.0005)


PEERS = [view(name, fault, EXPECTED[fault]) for name, fault in NAMES.items()]


def test_the_report_names_every_peer_and_the_last_block() -> None:
    report = words.report(STATUS, PEERS)
    lines = report.splitlines()
    assert [line.split()[0] for line in lines[:5]] == ["alice", "bob", "carol", "dave", "erin"]
    assert "2,000 blocks, 100.7 MB" in report
    assert "25.2 MB/s" in report
    assert lines[-1] == TIP.hash[::-1].hex()
    assert max(map(len, lines)) <= 80


def test_a_reason_is_told_without_its_hashes() -> None:
    assert words.short_reason(view("dave", Fault.CORRUPT, Outcome.DISCOURAGED)) == "block 734: bad-txnmrklroot"


@pytest.mark.parametrize("outcome", Outcome)
def test_each_outcome_has_a_story_of_one_line(outcome: Outcome) -> None:
    story = words.story(view("carol", Fault.STALL, outcome))
    assert story
    assert "\n" not in story
    assert outcome in {Outcome.UNREACHABLE, Outcome.DISCOURAGED} or "1,234 blocks" in story


def test_a_demo_that_went_as_planned_has_no_failures() -> None:
    assert words.failures(CHAIN, STATUS, PEERS) == []


@pytest.mark.parametrize("fault", Fault)
@pytest.mark.parametrize("outcome", Outcome)
def test_any_other_outcome_than_the_expected_one_is_a_failure(fault: Fault, outcome: Outcome) -> None:
    found = words.failures(CHAIN, STATUS, [view("carol", fault, outcome)])
    assert bool(found) == (outcome is not EXPECTED[fault])
    assert all("carol" in each and EXPECTED[fault] in each for each in found)


def test_a_sync_that_ends_at_another_block_is_a_failure() -> None:
    for tip in (BlockId(2_000, bytes(32)), BlockId(1_999, TIP.hash)):
        (found,) = words.failures(CHAIN, replace(STATUS, block_tip=tip), PEERS)
        assert str(tip) in found


def test_the_cast_is_told_in_one_line() -> None:
    cast = [ServingPeer(name, fault, Address("127.0.0.1", 1)) for name, fault in NAMES.items()]
    line = words.cast_line(cast)
    assert line == "peers: alice, bob, carol (stalls), dave (corrupts a block), erin (leaves)"


def test_of_a_signed_chain_it_is_told_who_signs_it() -> None:
    chain, proof = words.chain_lines(CHAIN, FAMILIES["neo3"]())
    assert chain.startswith("chain: 2,000 Neo N3 blocks, 100.7 MB, ")
    assert proof == "proof: 3 of 4 validators sign each block; half-way 4 others take over"


def test_of_neo_legacy_it_is_told_why_nothing_happens_at_first() -> None:
    *_, pause = words.chain_lines(CHAIN, FAMILIES["neo2"]())
    assert pause == "pause: 10 s of silence say that there are no more headers"


def test_the_chain_and_the_progress_are_told_in_one_line() -> None:
    (line,) = words.chain_lines(CHAIN, FAMILIES["bitcoin"]())
    assert line == "chain: 2,000 regtest blocks, 100.7 MB, kept in /cache/regtest-2000"
    half = replace(STATUS, blocks=1_000, block_bytes=50_000_000)
    assert words.progress_line(half, CHAIN) == "1,000 of 2,000 blocks, 50.0 MB, 12.5 MB/s, 2 peers"
