"""Chain dumps: a linked chain with heights, of chains with and without proofs, whole and damaged."""

from __future__ import annotations

import io
import tracemalloc
from collections.abc import Sequence

import pytest

from headway.cli.verify import dump as module
from headway.cli.verify.dump import judge_dump
from headway.cli.verify.headers import HeaderJudge
from headway.cli.verify.report import Fault, Report
from headway.errors import ConfigError
from headway.network import Network
from headway.networks import network_named
from headway.store import dump
from headway.types import UNKNOWN_HEIGHT, BlockId
from tests.chain_builder import GENESIS, block_hash, regtest_chain
from tests.sealednet import PARSER, SEALED, seal, sealed_chain, trusted_at
from tests.toynet import GENESIS_BLOCK, HEADER_SIZE, toy_chain

REGTEST = network_named("regtest")
CHAIN = [GENESIS, *regtest_chain(40, transactions_per_block=1)]
"""By height."""
SEALED_CHAIN = [SEALED.rules.genesis_block, *sealed_chain(40)]
NOW = 2_000_000_000.0


def frames(blocks: Sequence[bytes]) -> bytes:
    return b"".join(dump.number(len(block)) + block for block in blocks)


def dumped(blocks: Sequence[bytes], first: int = 0) -> bytes:
    return dump.head(first, len(blocks)) + frames(blocks)


def judged(
    content: bytes, network: Network = REGTEST, from_height: int | None = None, *, says_height: bool = False
) -> Report:
    report = Report()
    judge_dump(io.BytesIO(content), HeaderJudge(network, NOW, report), from_height, says_height=says_height)
    return report


def refused(
    content: bytes, network: Network = REGTEST, from_height: int | None = None, *, says_height: bool = False
) -> tuple[str, int | None, Report]:
    """Rule and height of the fault, and what had been counted."""
    report = Report()
    with pytest.raises(Fault) as caught:
        judge_dump(io.BytesIO(content), HeaderJudge(network, NOW, report), from_height, says_height=says_height)
    return caught.value.rule, caught.value.block.height if caught.value.block else None, report


@pytest.fixture(params=[500, 1, 7], ids=lambda size: f"batches of {size}", autouse=True)
def batches(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_BATCH", request.param)


@pytest.mark.parametrize(("network", "chain"), [(REGTEST, CHAIN), (SEALED, SEALED_CHAIN)], ids=["regtest", "sealed"])
def test_a_dump_from_genesis_or_behind_it_is_checked_in_full(network: Network, chain: list[bytes]) -> None:
    tip = network.codec.parser.block_header(chain[40]).hash
    for first in (0, 1):
        for says_height in (False, True)[: first + 1]:
            content = dumped(chain[first:], first if says_height else 0)
            report = judged(content, network, says_height=says_height)
            assert (report.headers, report.blocks) == (41 - first, 41 - first)
            assert report.tip == BlockId(40, tip)
            assert report.unchecked == dict.fromkeys(network.rules.static_unchecked, 41 - first)


def test_a_dump_from_the_middle_counts_what_needs_earlier_blocks() -> None:
    for content, stated, says in ((dumped(CHAIN[5:]), 5, False), (dumped(CHAIN[5:], 5), None, True)):
        report = judged(content, REGTEST, stated, says_height=says)
        assert report.tip is not None
        assert report.tip.height == 40
        assert (report.unchecked["link"], report.unchecked["median-time"]) == (1, 11)
        assert "version" not in report.unchecked, "the height is known"


def test_a_dump_takes_its_start_from_what_its_first_block_states() -> None:
    report = judged(dumped(CHAIN[20:]))
    assert report.tip == BlockId(40, block_hash(CHAIN[40]))
    assert report.unchecked["link"] == 1


def test_a_dump_from_nowhere_has_no_heights() -> None:
    report = judged(dumped(SEALED_CHAIN[20:]), SEALED)
    assert report.tip == BlockId(UNKNOWN_HEIGHT, PARSER.block_header(SEALED_CHAIN[40]).hash)
    assert (report.headers, report.unchecked["link"], report.unchecked["time"]) == (21, 1, 1)


def test_a_dump_behind_a_trusted_block_is_held_to_it() -> None:
    trusted = BlockId(10, PARSER.block_header(SEALED_CHAIN[10]).hash)
    report = judged(dumped(SEALED_CHAIN[11:]), trusted_at(trusted))
    assert report.tip is not None
    assert report.tip.height == 40
    assert "link" not in report.unchecked
    assert refused(dumped(SEALED_CHAIN[12:], 11), trusted_at(trusted), says_height=True)[0] == "bad-prevblk"


def test_a_dump_of_another_chain_is_refused_at_its_first_block() -> None:
    foreign = sealed_chain(5, salt=1)[1:]
    assert refused(dumped(foreign, 1), SEALED, says_height=True)[:2] == ("bad-prevblk", 1)
    other = network_named("testnet3").rules.genesis_block
    assert refused(dumped([other, *CHAIN[1:]]))[:2] == ("bad-genesis", 0)


def test_what_a_dump_says_of_its_start_must_be_so() -> None:
    assert refused(dumped(CHAIN[1:], 5), says_height=True)[:2] == ("bad-height", 1)
    with pytest.raises(ConfigError, match="--from-height 3: the dump begins with height 5, as it says itself"):
        judged(dumped(CHAIN[5:], 5), REGTEST, 3, says_height=True)
    with pytest.raises(ConfigError, match="--from-height 3: the file begins with height 1"):
        judged(dumped(CHAIN[1:]), REGTEST, 3)


@pytest.mark.parametrize(("network", "chain"), [(REGTEST, CHAIN), (SEALED, SEALED_CHAIN)], ids=["regtest", "sealed"])
def test_a_missing_block_breaks_the_chain(network: Network, chain: list[bytes]) -> None:
    rule, height, report = refused(dumped(chain[:20] + chain[21:]), network)
    assert (rule, height) == ("bad-prevblk", 20)
    assert (report.headers, report.blocks) == (20, 20)
    assert report.tip is not None
    assert report.tip.height == 19


def test_every_blocks_own_proof_must_hold() -> None:
    for at in (1, 20, 40):
        forged = seal(toy_chain(at)[-1], b"forged")
        rule, height, report = refused(dumped([*SEALED_CHAIN[:at], forged, *SEALED_CHAIN[at + 1 :]]), SEALED)
        assert rule in {"bad-seal", "bad-witness"}
        assert height == at
        assert (report.headers, report.blocks) == (at, at)


def test_a_block_that_is_not_its_headers_is_refused_and_those_before_it_count() -> None:
    mutated = CHAIN[20][:-1] + bytes([CHAIN[20][-1] ^ 1])
    rule, height, report = refused(dumped([*CHAIN[:20], mutated, *CHAIN[21:]]))
    assert (rule, height) == ("bad-txnmrklroot", 20)
    assert (report.headers, report.blocks) == (20, 20)


@pytest.mark.parametrize(
    ("content", "rule", "before"),
    [
        (dumped(CHAIN)[:-1], "truncated", 40),
        (dump.head(0, 42) + frames(CHAIN), "truncated", 41),
        (dump.head(0, 42) + frames(CHAIN) + b"\1\0", "truncated", 41),
        (dumped(CHAIN) + b"\0", "trailing-bytes", 41),
        (dump.head(0, 40) + frames(CHAIN), "trailing-bytes", 40),
        (dump.head(0, 42) + frames(CHAIN) + b"\xff\xff\xff\x7f", "bad-blk-length", 41),
        (dump.head(0, 42) + frames(CHAIN) + dump.number(79) + bytes(79), "truncated", 41),
    ],
)
def test_a_dump_must_be_what_its_numbers_say(content: bytes, rule: str, before: int) -> None:
    found, _, report = refused(content)
    assert (found, report.blocks) == (rule, before)


def test_bytes_that_are_no_header_are_refused_where_headers_vary_in_size() -> None:
    rule, _, report = refused(dump.head(0, 3) + frames([*SEALED_CHAIN[:2], b"short"]), SEALED)
    assert (rule, report.blocks) == ("bad-encoding", 2)


def test_memory_does_not_grow_with_the_dump(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_BATCH", 50)
    monkeypatch.setattr(module, "_KEPT", 100)
    chain = [GENESIS_BLOCK[:HEADER_SIZE], *toy_chain(2_000, transaction_size=1_000)]
    content = [seal(block, b"ok") for block in chain[1:]]

    def peak(count: int) -> int:
        file = io.BytesIO(dumped(content[:count]))
        tracemalloc.start()
        judge_dump(file, HeaderJudge(SEALED, NOW, Report()), None)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    assert peak(2_000) < 1.3 * peak(500)
