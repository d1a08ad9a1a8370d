"""Header files: where they begin, what each rule says of them, and what counts as unchecked."""

from __future__ import annotations

import io
import tracemalloc

import pytest

from headway.cli.verify.headers import (
    HeaderJudge,
    above,
    first_height,
    height_of,
    judge_headers,
    judge_lone_header,
    judge_sparse,
)
from headway.cli.verify.report import Fault, Report
from headway.errors import ConfigError
from headway.networks import network_named
from headway.types import UNKNOWN_HEIGHT, BlockId
from tests.chain_builder import GENESIS, assemble, block_hash, block_time, coinbase, mined, regtest_chain
from tests.data import read
from tests.sealednet import PARSER, SEALED, seal, sealed_chain
from tests.toynet import toy_chain

REGTEST = network_named("regtest")
CHAIN = [GENESIS, *regtest_chain(30)]
"""By height."""
NOW = block_time(CHAIN[-1])


def headers(blocks: list[bytes]) -> bytes:
    return b"".join(block[:80] for block in blocks)


def sparse(heights: list[int]) -> bytes:
    return b"".join(height.to_bytes(4, "little") + CHAIN[height][:80] for height in heights)


def judged(content: bytes, from_height: int | None = None, *, wall_time: float = NOW) -> Report:
    report = Report()
    judge_headers(io.BytesIO(content), HeaderJudge(REGTEST, wall_time, report), from_height)
    return report


def judged_sparse(content: bytes, from_height: int | None = None) -> Report:
    report = Report()
    judge_sparse(io.BytesIO(content), HeaderJudge(REGTEST, NOW, report), from_height)
    return report


def refused(content: bytes, from_height: int | None = None) -> tuple[str, int | None]:
    """Rule and height of the fault."""
    with pytest.raises(Fault) as caught:
        judged(content, from_height)
    return caught.value.rule, caught.value.block.height if caught.value.block else None


def test_a_run_from_genesis_or_behind_it_is_checked_in_full() -> None:
    for start in (0, 1):
        report = judged(headers(CHAIN[start:]))
        assert report.headers == 31 - start
        assert report.tip is not None
        assert (report.tip.height, report.tip.hash) == (30, block_hash(CHAIN[30]))
        assert report.unchecked == {}


def test_a_run_from_the_middle_counts_what_needs_earlier_headers() -> None:
    report = judged(headers(CHAIN[5:]), 5)
    assert report.tip is not None
    assert report.tip.height == 30
    assert report.unchecked == {"link": 1, "median-time": 11}


def test_a_run_from_nowhere_counts_what_needs_the_height_too() -> None:
    report = judged(headers(CHAIN[5:]))
    assert report.tip is not None
    assert report.tip.height == UNKNOWN_HEIGHT
    assert report.unchecked["link"] == 1
    assert report.unchecked["median-time"] == 11
    assert report.unchecked["version"] == 26


def test_runs_longer_than_a_batch_are_one_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("headway.cli.verify.headers._BATCH", 7)
    assert judged(headers(CHAIN)).unchecked == {}
    assert judged(headers(CHAIN[5:]), 5).unchecked == {"link": 1, "median-time": 11}
    assert refused(headers(CHAIN[:20] + CHAIN[21:])) == ("bad-prevblk", 20)
    assert refused(headers(CHAIN) + b"torn") == ("truncated", None)


def rework(parent: bytes, **changes: int) -> bytes:
    """A block after `parent` that has its work, and something else than it should."""
    height = CHAIN.index(parent) + 1
    time = changes.pop("time", block_time(parent) + 600)
    return assemble(block_hash(parent), time, [coinbase(height)], **changes)


@pytest.mark.parametrize(
    ("block", "rule"),
    [
        (rework(CHAIN[20], bits=0x207FFFFE), "bad-diffbits"),
        (rework(CHAIN[20], time=block_time(CHAIN[15])), "time-too-old"),
        (rework(CHAIN[20], version=3), "bad-version"),
        (rework(CHAIN[19]), "bad-prevblk"),
        (mined(CHAIN[21][:72] + b"\0\0\0\0" + bytes(4)), "high-hash"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_every_rule_has_its_name(block: bytes, rule: str) -> None:
    assert refused(headers([*CHAIN[:21], block])) == (rule, 21)


def test_what_a_file_does_not_allow_never_makes_it_wrong() -> None:
    assert judged(headers([rework(CHAIN[20], time=block_time(CHAIN[15]))]), 21).unchecked["median-time"] == 1
    assert judged(headers([rework(CHAIN[20], version=3)])).unchecked["version"] == 1
    assert refused(headers([rework(CHAIN[20], version=3)]), 21) == ("bad-version", 21)


def test_headers_before_a_fault_are_counted() -> None:
    report = Report()
    with pytest.raises(Fault):
        judge_headers(io.BytesIO(headers(CHAIN[:9] + CHAIN[10:])), HeaderJudge(REGTEST, NOW, report), None)
    assert report.headers == 9
    assert report.tip is not None
    assert report.tip.height == 8


def test_a_header_ahead_of_the_clock_is_told_apart() -> None:
    with pytest.raises(Fault) as caught:
        judged(headers(CHAIN), wall_time=NOW - 7_201)
    assert caught.value.rule == "time-too-new"
    assert caught.value.only_time
    assert judged(headers(CHAIN), wall_time=NOW - 7_200).valid


def test_a_start_that_cannot_be_is_the_users_mistake() -> None:
    for start, stated in ((0, 1), (0, 7), (1, 0), (1, 2)):
        with pytest.raises(
            ConfigError, match=f"--from-height {stated}: the file begins with height {start} of regtest"
        ):
            judged(headers(CHAIN[start:]), stated)


def test_heights_of_first_headers() -> None:
    parse = REGTEST.rules.parse_header
    assert first_height(parse(CHAIN[0][:80]), REGTEST, None) == 0
    assert first_height(parse(CHAIN[1][:80]), REGTEST, None) == 1
    assert first_height(parse(CHAIN[2][:80]), REGTEST, None) == UNKNOWN_HEIGHT
    assert first_height(parse(CHAIN[2][:80]), REGTEST, 2) == 2
    assert above(5, 3) == 8
    assert above(UNKNOWN_HEIGHT, 3) == UNKNOWN_HEIGHT


def test_another_genesis_is_of_another_network() -> None:
    other = network_named("testnet3").rules.genesis
    assert refused(other + headers(CHAIN[1:])) == ("bad-genesis", 0)


@pytest.mark.parametrize("size", [1, 79, 81, 80 * 31 - 1])
def test_torn_headers_are_truncated(size: int) -> None:
    assert refused(headers(CHAIN)[:size])[0] == "truncated"


def test_sparse_headers_are_checked_across_their_gaps() -> None:
    report = judged_sparse(sparse([0, 1, 2, 9, 10, 30]))
    assert report.headers == 6
    assert report.tip is not None
    assert (report.tip.height, report.tip.hash) == (30, block_hash(CHAIN[30]))
    assert report.unchecked["link"] == 2
    assert judged_sparse(sparse([5, 6]), 5).valid


def test_sparse_headers_next_to_each_other_must_link() -> None:
    content = sparse([3, 4]) + (5).to_bytes(4, "little") + CHAIN[6][:80]
    with pytest.raises(Fault, match="bad-prevblk"):
        judged_sparse(content)


@pytest.mark.parametrize("heights", [[3, 3], [3, 2], [1, 2, 3, 1]])
def test_sparse_heights_must_rise(heights: list[int]) -> None:
    with pytest.raises(Fault, match="bad-height"):
        judged_sparse(sparse(heights))


def test_sparse_headers_say_their_start_themselves() -> None:
    with pytest.raises(ConfigError, match="the file begins with height 3"):
        judged_sparse(sparse([3, 4]), 4)
    with pytest.raises(Fault, match="bad-genesis"):
        judged_sparse((0).to_bytes(4, "little") + CHAIN[1][:80])


def test_torn_sparse_headers_are_truncated() -> None:
    with pytest.raises(Fault, match="truncated"):
        judged_sparse(sparse([3, 4])[:-1])


def test_memory_does_not_grow_with_the_file() -> None:
    content = read("bitcoin", "mainnet-headers-0-10236.bin.xz")

    def peak(count: int) -> int:
        file = io.BytesIO(content[: 80 * count])
        tracemalloc.start()
        judge_headers(file, HeaderJudge(network_named("bitcoin"), NOW, Report()), None)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    assert peak(10_000) < 1.5 * peak(4_000)


SEALED_CHAIN = sealed_chain(9)
"""From height 1."""
LATE = 2_000_000_000.0


def judged_alone(block: bytes, from_height: int | None = None) -> Report:
    report = Report()
    header = PARSER.block_header(block).raw
    judge_lone_header(io.BytesIO(header), HeaderJudge(SEALED, LATE, report), from_height)
    return report


def test_a_lone_header_behind_the_root_is_checked_in_full() -> None:
    report = judged_alone(SEALED_CHAIN[0])
    assert report.headers == 1
    assert report.tip == BlockId(1, PARSER.block_header(SEALED_CHAIN[0]).hash)
    assert report.unchecked == {}


def test_a_lone_header_from_the_middle_counts_what_needs_the_one_before() -> None:
    assert judged_alone(SEALED_CHAIN[4]).unchecked == {"link": 1, "time": 1}
    report = judged_alone(SEALED_CHAIN[4], 5)
    assert report.tip is not None
    assert report.tip.height == 5
    with pytest.raises(ConfigError, match="--from-height 2: the file begins with height 1"):
        judged_alone(SEALED_CHAIN[0], 2)


def test_a_lone_headers_proof_must_hold() -> None:
    with pytest.raises(Fault, match="bad-witness") as caught:
        judged_alone(seal(toy_chain(1)[0], b"forged"))
    assert caught.value.block is not None
    assert caught.value.block.height == 1


def test_of_a_run_what_comes_before_a_proof_that_fails_passes() -> None:
    blocks = [*SEALED_CHAIN[:6], seal(toy_chain(7)[6], b"forged"), SEALED_CHAIN[7]]
    report = Report()
    judge = HeaderJudge(SEALED, LATE, report)
    run = judge.run_of([PARSER.block_header(block).raw for block in blocks])
    with pytest.raises(Fault, match="bad-witness") as caught:
        judge.judge(run, 1, SEALED.rules.context_at(1))
    assert caught.value.block == BlockId(7, PARSER.block_header(blocks[6]).hash)
    assert report.headers == 6
    assert report.tip == BlockId(6, PARSER.block_header(blocks[5]).hash)
    verdict = judge.verdict(run, 1, SEALED.rules.context_at(1), thorough=False)
    assert verdict.accepted == 8, "the last one is proven, and it is all that was asked for"
    assert len(verdict.works) == 8


def test_a_block_that_states_its_height_needs_nobody_to_say_it() -> None:
    parse = REGTEST.rules.parse_header
    assert height_of(parse(CHAIN[7][:80]), CHAIN[7], REGTEST, None) == 7
    assert height_of(parse(CHAIN[7][:80]), CHAIN[7], REGTEST, 9) == 9
    assert height_of(parse(CHAIN[7][:80]), CHAIN[7][:80], REGTEST, None) == UNKNOWN_HEIGHT
