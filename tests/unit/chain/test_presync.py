"""Header presync: work is shown first, headers are kept afterwards."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest

from headway.chain.headers import HeaderTree
from headway.chain.presync import MAX_AHEAD, MAX_RATE, Bits, ChainStart, Outcome, Phase, Presync, Step, enough_work
from headway.network import Headers, Network
from headway.networks.bitcoin import MAINNET, REGTEST
from headway.testing.chain import regtest_headers
from headway.types import BlockId, PresyncParams
from tests.data import read
from tests.memory import traced
from tests.toynet import GENESIS, toy_block, toy_chain, toy_hash, toy_headers, toynet

NOW = 1_700_000_000.0
FULL = 10
PERIOD = 3
BUFFER = 20
CHAIN = toy_chain(100)
OTHER = toy_chain(100, salt=1)


def toy(
    goal: int = 81,
    *,
    known: Sequence[bytes] = (),
    seed: int = 1,
    wall_time: float = NOW,
    block_interval: float = 600.0,
    **presync: Any,
) -> Presync:
    """A presync on the toy network, whose blocks have a work of 1, genesis included."""
    params = PresyncParams(**{"commitment_period": PERIOD, "redownload_buffer": BUFFER, **presync})
    network = toynet(minimum_chainwork=goal, presync=params, block_interval=block_interval)
    tree = HeaderTree(network)
    tree.add(toy_headers(known), NOW)
    start = ChainStart.at(tree, network, tree.tip_position)
    return Presync(network, start, goal, rng=random.Random(seed), wall_time=wall_time)


def give(presync: Presync, blocks: Sequence[bytes]) -> Step:
    return presync.receive(toy_headers(blocks), NOW, is_full=len(blocks) >= FULL)


def give_all(presync: Presync, blocks: Sequence[bytes]) -> Step:
    """Message after message, as long as more are wanted in this phase; the last step."""
    step, phase = Step(Outcome.MORE), presync.phase
    for start in range(0, len(blocks), FULL):
        step = give(presync, blocks[start : start + FULL])
        if step.outcome is not Outcome.MORE or presync.phase is not phase:
            break
    return step


def raw_of(step: Step) -> bytes:
    return b"".join(headers.compact() for headers in step.released)


# Good chains.


def test_a_good_chain_is_asked_for_twice_and_given_out_whole() -> None:
    presync = toy()
    assert give_all(presync, CHAIN) == Step(Outcome.MORE)
    assert (presync.phase, presync.tip) == (Phase.COMPARING, GENESIS)
    seen = b""
    for start in range(0, 80, FULL):
        step = give(presync, CHAIN[start : start + FULL])
        seen += raw_of(step)
        assert step.outcome is (Outcome.DONE if start == 70 else Outcome.MORE)
    assert seen == toy_headers(CHAIN[:80]).raw
    assert presync.buffered == 0


def test_nothing_of_the_first_time_is_kept_but_a_bit_each_period() -> None:
    presync = toy()
    give_all(presync, CHAIN[:70])
    assert presync.buffered == 0
    assert presync.committed in {23, 24}
    assert presync.tip == BlockId(70, toy_hash(CHAIN[69]))
    assert presync.work == 71


def test_headers_wait_until_the_buffer_lies_on_top_of_them() -> None:
    presync = toy()
    give_all(presync, CHAIN)
    released = [len(raw_of(give(presync, CHAIN[start : start + FULL]))) // 44 for start in range(0, 80, FULL)]
    assert released == [0, 0, 10, 10, 10, 10, 10, 30]
    assert BUFFER == 20, "ten headers come out once twenty lie on top"


def test_a_chain_that_has_grown_since_is_no_other_chain() -> None:
    """Bits end where the work was enough the first time; what comes after it is not compared."""
    presync = toy(goal=78)
    give_all(presync, CHAIN)
    step = give_all(presync, [*CHAIN[:77], *toy_chain(23, salt=7, parent=CHAIN[76])])
    assert step.outcome is Outcome.DONE


def test_a_chain_that_starts_in_our_tree_begins_there_with_its_work() -> None:
    presync = toy(known=CHAIN[:30])
    assert (presync.tip.height, presync.work) == (30, 31)
    give_all(presync, CHAIN[30:])
    step = give_all(presync, CHAIN[30:])
    assert step.outcome is Outcome.DONE
    assert raw_of(step)[-44:] == CHAIN[79][:44]


def test_a_header_from_the_future_is_the_end_of_its_chain_and_no_fault() -> None:
    far = toy_block(toy_hash(CHAIN[74]), int(NOW) + 50_000)
    presync = toy()
    give_all(presync, CHAIN[:70])
    assert give(presync, [*CHAIN[70:75], far]).outcome is Outcome.TOO_LITTLE_WORK
    presync = toy(goal=76)
    give_all(presync, CHAIN[:70])
    assert give(presync, [*CHAIN[70:75], far]).outcome is Outcome.MORE
    assert presync.phase is Phase.COMPARING
    presync = toy()
    assert give(presync, [toy_block(GENESIS.hash, int(NOW) + 50_000)] * 10).outcome is Outcome.TOO_LITTLE_WORK


# Bad chains.


def test_too_little_work_ends_the_presync_where_the_chain_ends() -> None:
    presync = toy(goal=200)
    assert give_all(presync, CHAIN[:95]).outcome is Outcome.TOO_LITTLE_WORK
    presync = toy(goal=200)
    give_all(presync, CHAIN)
    assert give(presync, []).outcome is Outcome.TOO_LITTLE_WORK


def test_another_chain_the_second_time_is_seen_before_it_is_given_out() -> None:
    """Core's sneaky_redownload. With a buffer of 20 and a period of 3 at least six guesses must be right: of 200 salts
    about three let some of it pass."""
    passed = 0
    for seed in range(200):
        presync = toy(seed=seed)
        give_all(presync, CHAIN)
        step = give_all(presync, OTHER)
        assert step.outcome is Outcome.CHANGED
        passed += bool(step.released)
    assert passed < 20


def test_the_first_wrong_bit_ends_it() -> None:
    ends = []
    for seed in range(300):
        presync = toy(seed=seed, commitment_period=1)
        give_all(presync, CHAIN)
        assert give(presync, OTHER[:FULL]).outcome in {Outcome.CHANGED, Outcome.MORE}
        ends.append(presync.tip.height)
    assert ends.count(0) > 290, "ten guesses in a row are rarely right"


def test_a_branch_that_leaves_the_chain_late_is_seen_too() -> None:
    sneaky = [*CHAIN[:50], *toy_chain(50, salt=3, parent=CHAIN[49])]
    outcomes = []
    for seed in range(100):
        presync = toy(seed=seed, commitment_period=1)
        give_all(presync, CHAIN)
        outcomes.append(give_all(presync, sneaky).outcome)
    assert outcomes == [Outcome.CHANGED] * 100


def test_more_commitments_than_time_permits_end_it() -> None:
    start = 1_600_000_000
    seconds = 3
    bits = MAX_RATE * (seconds + MAX_AHEAD) // 500
    presync = toy(goal=10**6, commitment_period=500, wall_time=float(start + seconds))
    long = toy_chain(500 * (bits + 1), step=1)
    outcomes = [
        presync.receive(toy_headers(long[at : at + 2000]), start + 1e6, is_full=True).outcome
        for at in range(0, len(long), 2000)
    ]
    assert outcomes == [Outcome.MORE] * (len(outcomes) - 1) + [Outcome.TOO_LONG]
    assert presync.committed == bits + 1


def test_headers_that_follow_something_else_end_it_without_blame() -> None:
    presync = toy()
    give(presync, CHAIN[:FULL])
    assert give(presync, CHAIN[20:30]) == Step(Outcome.UNCONNECTED)
    presync = toy()
    give_all(presync, CHAIN)
    assert give(presync, CHAIN[20:30]) == Step(Outcome.UNCONNECTED)


@pytest.mark.parametrize("again", [False, True])
def test_a_header_against_the_rules_is_told(again: bool) -> None:
    presync = toy()
    if again:
        give_all(presync, CHAIN)
    step = give(presync, [*CHAIN[:5], toy_block(toy_hash(CHAIN[4]), 5)])
    assert step.outcome is Outcome.INVALID
    assert step.error is not None
    assert (step.error.rule, step.error.block.height) == ("time-too-old", 6)


def test_a_chain_that_is_shorter_the_second_time_is_incomplete() -> None:
    for last in (CHAIN[40:45], []):
        presync = toy()
        give_all(presync, CHAIN)
        give_all(presync, CHAIN[:40])
        assert give(presync, last).outcome is Outcome.INCOMPLETE


# The threshold.


def test_enough_is_the_minimum_or_nearly_what_our_tip_has() -> None:
    network = toynet(minimum_chainwork=50)
    tree = HeaderTree(network)
    assert enough_work(tree, network) == 50
    tree.add(toy_headers(toy_chain(150)), NOW)
    assert enough_work(tree, network) == 50
    tree.add(toy_headers(toy_chain(400)), NOW)
    assert enough_work(tree, network) == 401 - 144


def test_where_any_work_is_enough_genesis_has_it() -> None:
    network = toynet()
    assert enough_work(HeaderTree(network), network) <= 1


# Progress, and bits.


def test_progress_goes_from_nothing_to_all_by_the_time_of_the_headers() -> None:
    presync = toy(block_interval=10.0)
    wall = 1_600_000_000.0 + 100 * 10
    seen = [presync.share]
    for start in range(0, 70, FULL):
        presync.receive(toy_headers(CHAIN[start : start + FULL]), wall, is_full=True)
        seen.append(presync.share)
    assert seen == pytest.approx([0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7])
    presync.receive(toy_headers(CHAIN[70:80]), wall, is_full=True)
    assert presync.share == 0.0, "all again"


def test_bits_come_back_as_they_were_given() -> None:
    given = [random.Random(4).getrandbits(1) for _ in range(77)]
    bits = Bits()
    for bit in given:
        bits.append(bit)
    assert [bits[at] for at in range(len(bits))] == given


# Bitcoin.


def messages(network: Network, raw: bytes, size: int = 2000) -> Iterator[Headers]:
    for at in range(0, len(raw), size * 80):
        yield Headers.fixed(raw[at : at + size * 80], network.codec.parser, size=80)


def test_the_real_chain_passes_with_mainnet_s_parameters() -> None:
    raw = read("bitcoin", "mainnet-headers-0-10236.bin.xz")[80:]
    goal = 10_000 * 0x100010001
    network = replace(MAINNET, minimum_chainwork=goal)
    tree = HeaderTree(network)
    start = ChainStart.at(tree, network, 0)
    presync = Presync(network, start, goal, rng=random.Random(1), wall_time=NOW)
    for headers in messages(network, raw):
        step = presync.receive(headers, NOW, is_full=len(headers) == 2000)
        if presync.phase is Phase.COMPARING:
            break
    assert step.outcome is Outcome.MORE
    released = b""
    for headers in messages(network, raw):
        step = presync.receive(headers, NOW, is_full=len(headers) == 2000)
        released += raw_of(step)
    assert step.outcome is Outcome.DONE
    assert released == raw


def test_memory_stays_under_its_bound_with_mainnet_s_parameters() -> None:
    """1.5 MB: the buffer with two messages on top of it, whatever comes."""
    network = replace(REGTEST, minimum_chainwork=1 << 40, presync=MAINNET.presync)
    tree = HeaderTree(network)
    start = ChainStart.at(tree, network, 0)
    raws = list(messages(network, b"".join(regtest_headers(30_000))))
    presync = Presync(network, start, goal=60_002, rng=random.Random(1), wall_time=NOW)
    held = []
    with traced() as memory:
        for headers in raws:
            presync.receive(headers, NOW, is_full=True)
            held.append(memory()[0])
    first, held = max(held), []
    assert presync.phase is Phase.COMPARING
    with traced() as memory:
        for headers in raws[:-1]:
            presync.receive(headers, NOW, is_full=True)
            held.append(memory()[0])
    assert first < 50_000, "bits, and a context"
    assert max(held) < 1_500_000
    assert presync.buffered < 15_218 + 2_000
