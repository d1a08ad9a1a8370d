"""Blocks: each against its header, its height and its median time, in the order of the file."""

from __future__ import annotations

import io
import random
from collections.abc import Iterator

import pytest

from headway.cli.verify.blocks import alone, framed, header_of, judge_blocks
from headway.cli.verify.headers import HeaderJudge
from headway.cli.verify.report import Fault, Report
from headway.networks import network_named
from tests.chain_builder import (
    GENESIS,
    SPACING,
    assemble,
    block_hash,
    block_time,
    coinbase,
    payment,
    regtest_chain,
)
from tests.sealednet import PARSER, SEALED, seal, sealed_chain
from tests.toynet import toy_chain

REGTEST = network_named("regtest")
CHAIN = [GENESIS, *regtest_chain(16, transactions_per_block=1)]
"""By height."""
NOW = block_time(CHAIN[-1])
STATIC = REGTEST.rules.static_unchecked


def judged(blocks: list[bytes], from_height: int | None = None) -> Report:
    report = Report()
    judge_blocks(lambda: iter(blocks), HeaderJudge(REGTEST, NOW + SPACING, report), from_height)
    return report


def refused(blocks: list[bytes], from_height: int | None = None) -> tuple[str, int]:
    with pytest.raises(Fault) as caught:
        judged(blocks, from_height)
    assert caught.value.block
    return caught.value.rule, caught.value.block.height


@pytest.mark.parametrize("seed", range(4))
def test_blocks_in_any_order_are_checked_in_full(seed: int) -> None:
    fork = regtest_chain(3, parent=CHAIN[12], salt=1)
    blocks = random.Random(seed).sample(CHAIN + fork, len(CHAIN) + len(fork))
    report = judged(blocks)
    assert (report.headers, report.blocks) == (20, 20)
    assert report.tip is not None
    assert (report.tip.height, report.tip.hash) == (16, block_hash(CHAIN[16]))
    assert report.unchecked == dict.fromkeys(STATIC, 20)


def test_of_equal_branches_the_first_in_the_file_has_the_tip() -> None:
    fork = regtest_chain(4, parent=CHAIN[12], salt=1)
    for first, second in ((CHAIN[13:], fork), (fork, CHAIN[13:])):
        report = judged([*CHAIN[:13], *first, *second])
        assert report.tip is not None
        assert report.tip.hash == block_hash(first[-1])


def test_a_block_that_is_there_twice_is_judged_twice_and_its_header_once() -> None:
    report = judged([*CHAIN, CHAIN[3]])
    assert (report.headers, report.blocks) == (17, 18)


def with_lock_time(lock_time: int) -> bytes:
    others = [payment(random.Random(1), lock_time=lock_time)]
    return assemble(block_hash(CHAIN[-1]), NOW + SPACING, [coinbase(17, others), *others])


def test_lock_times_are_held_against_the_median_time_of_the_parent() -> None:
    median = block_time(CHAIN[11])
    assert judged([*CHAIN, with_lock_time(median - 1)]).blocks == 18
    assert refused([*CHAIN, with_lock_time(median)]) == ("bad-txns-nonfinal", 17)


def test_a_median_time_that_is_not_known_is_counted() -> None:
    report = judged([*CHAIN[10:], with_lock_time(block_time(CHAIN[11]))])
    assert report.blocks == 8
    assert report.unchecked["lock-time-median"] == 1


def test_a_lone_block_takes_its_height_from_its_coinbase() -> None:
    report = judged([CHAIN[9]])
    assert report.tip is not None
    assert report.tip.height == 9
    assert report.unchecked == {"link": 1, "median-time": 1} | dict.fromkeys(STATIC, 1)
    assert judged([CHAIN[9]], 9).unchecked == report.unchecked


def test_the_height_of_the_user_is_held_against_the_coinbase() -> None:
    assert refused([CHAIN[9]], 8) == ("bad-cb-height", 8)


def test_a_fault_of_a_block_comes_after_the_blocks_before_it() -> None:
    report = Report()
    broken = CHAIN[5][:-1] + bytes([CHAIN[5][-1] ^ 1])
    with pytest.raises(Fault, match="bad-txnmrklroot"):
        judge_blocks(lambda: iter([*CHAIN[:5], broken, CHAIN[6]]), HeaderJudge(REGTEST, NOW, report), None)
    assert report.blocks == 5
    assert report.tip is not None
    assert report.tip.height == 4


def test_a_fault_of_a_header_is_told_at_the_first_block_that_stands_on_it() -> None:
    bad = assemble(block_hash(CHAIN[16]), NOW + SPACING, [coinbase(17)], version=2)
    assert refused([*CHAIN, bad]) == ("bad-version", 17)
    broken = CHAIN[5][:-1] + bytes([CHAIN[5][-1] ^ 1])
    assert refused([*CHAIN[:5], broken, *CHAIN[6:], bad]) == ("bad-txnmrklroot", 5)


def test_a_file_that_breaks_off_is_told_after_its_whole_blocks() -> None:
    def read() -> Iterator[bytes]:
        yield from CHAIN
        raise Fault("truncated")

    report = Report()
    with pytest.raises(Fault, match="truncated"):
        judge_blocks(read, HeaderJudge(REGTEST, NOW, report), None)
    assert report.blocks == 17


def framing(blocks: list[bytes]) -> bytes:
    return b"".join(REGTEST.magic + len(block).to_bytes(4, "little") + block for block in blocks)


def unframed(content: bytes) -> tuple[list[bytes], str]:
    """The blocks before a fault, and its rule."""
    blocks = []
    try:
        for block in framed(io.BytesIO(content), REGTEST):
            blocks.append(block)  # noqa: PERF402  (what came before the fault is wanted)
    except Fault as fault:
        return blocks, fault.rule
    return blocks, ""


def test_frames_are_cut_where_their_lengths_say() -> None:
    assert unframed(framing(CHAIN)) == (CHAIN, "")
    assert unframed(b"") == ([], "")


def test_a_file_cut_anywhere_gives_its_whole_blocks_and_says_that_it_is_torn() -> None:
    content = framing(CHAIN[:3])
    whole = [len(framing(CHAIN[:count])) for count in range(4)]
    for size in range(len(content)):
        count = sum(size >= end for end in whole) - 1
        assert unframed(content[:size]) == (CHAIN[:count], "" if size in whole else "truncated")


@pytest.mark.parametrize(
    ("behind", "rule"),
    [
        (b"\0", "trailing-bytes"),
        (bytes(7), "trailing-bytes"),
        (bytes(8), ""),
        (bytes(200_000), ""),
        (bytes(200_000) + b"\1", "trailing-bytes"),
        (bytes(8) + framing(CHAIN[:1]), "trailing-bytes"),
        (b"\1", "bad-magic"),
        (REGTEST.magic[::-1] + bytes(4), "bad-magic"),
        (REGTEST.magic + (4_000_001).to_bytes(4, "little"), "bad-blk-length"),
        (REGTEST.magic + bytes(4), "truncated"),
        (REGTEST.magic + b"\x4f\0\0\0" + bytes(79), "truncated"),
    ],
)
def test_what_is_no_frame_is_named(behind: bytes, rule: str) -> None:
    assert unframed(framing(CHAIN) + behind) == (CHAIN, rule)


def test_a_length_is_bounded_before_anything_is_read() -> None:
    class Counting(io.BytesIO):
        asked = 0

        def read(self, size: int | None = -1, /) -> bytes:
            self.asked = max(self.asked, size or 0)
            return super().read(size)

    file = Counting(REGTEST.magic + b"\xff\xff\xff\xff" + bytes(100))
    with pytest.raises(Fault, match="bad-blk-length"):
        list(framed(file, REGTEST))
    assert file.asked == 8


def test_a_lone_block_is_read_up_to_the_size_of_a_block() -> None:
    assert list(alone(io.BytesIO(CHAIN[1]), REGTEST)) == [CHAIN[1]]
    assert list(alone(io.BytesIO(bytes(4_000_000)), REGTEST)) == [bytes(4_000_000)]
    with pytest.raises(Fault, match="bad-blk-length"):
        list(alone(io.BytesIO(bytes(4_000_001)), REGTEST))
    for size in (0, 79):
        with pytest.raises(Fault, match="truncated"):
            list(alone(io.BytesIO(bytes(size)), REGTEST))


def judged_sealed(blocks: list[bytes]) -> Report:
    report = Report()
    judge_blocks(lambda: iter(blocks), HeaderJudge(SEALED, 2e9, report), None)
    return report


def test_blocks_whose_headers_vary_in_size_are_checked_in_any_order() -> None:
    chain = [SEALED.rules.genesis_block, *sealed_chain(30)]
    report = judged_sealed(random.Random(1).sample(chain, len(chain)))
    assert (report.headers, report.blocks) == (31, 31)
    assert report.tip is not None
    assert report.tip.height == 30
    assert report.unchecked == dict.fromkeys(SEALED.rules.static_unchecked, 31)
    lone = judged_sealed(chain[9:10])
    assert (lone.blocks, lone.unchecked["link"]) == (1, 1)


def test_each_copy_of_a_block_has_its_own_proof() -> None:
    chain = sealed_chain(3)
    with pytest.raises(Fault, match="bad-seal"):
        judged_sealed([*chain, seal(toy_chain(3)[2], b"forged")])
    with pytest.raises(Fault, match="bad-witness"):
        judged_sealed([seal(toy_chain(3)[0], b"forged"), *chain])


def test_the_header_of_a_block_is_as_long_as_its_chain_has_it() -> None:
    block = sealed_chain(1)[0]
    assert header_of(block, SEALED) == PARSER.block_header(block).raw
    assert header_of(CHAIN[3], REGTEST) == CHAIN[3][:80]
    with pytest.raises(Fault, match="bad-encoding"):
        header_of(block[:40], SEALED)
    with pytest.raises(Fault, match="truncated"):
        header_of(CHAIN[3][:79], REGTEST)
