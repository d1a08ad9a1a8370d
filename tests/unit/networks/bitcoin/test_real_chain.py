"""Bitcoin's rules on real chains: what the networks accepted we accept, and we say exactly what we could not check."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

import pytest

from headway.errors import InvalidHeader
from headway.kernel import HeaderContext
from headway.kernel.difficulty import target_of, work_of
from headway.network import BlockStatus, HeaderVerdict, Network
from headway.networks import network_named
from headway.networks.bitcoin import MAINNET, REGTEST, SIGNET, TESTNET3
from headway.networks.bitcoin.header import BlockHeader
from headway.networks.bitcoin.parser import PARSER
from headway.networks.bitcoin.rules import BitcoinRules
from headway.types import UNKNOWN_HEIGHT, BlockRequest, hash_from_hex, hash_hex
from headway.wire.messages import Headers
from tests.chain_builder import block_hash
from tests.data import read

BATCH = 2_000
"""Headers judged at a time, as a peer would send them."""
CLOCK = 1_800_000_000
"""A wall time after all of this data."""


def rules_of(network: Network) -> BitcoinRules:
    assert isinstance(network.rules, BitcoinRules)
    return network.rules


def text(*parts: str) -> str:
    return read("bitcoin", *parts).decode()


def split(raw: bytes, size: int = 80) -> list[bytes]:
    assert len(raw) % size == 0
    return [raw[at : at + size] for at in range(0, len(raw), size)]


def message(headers: Sequence[bytes]) -> Headers:
    return Headers.fixed(b"".join(headers), PARSER, size=80)


def judge(network: Network, headers: Sequence[bytes], context: HeaderContext) -> HeaderVerdict:
    """The verdict on all of them, batch by batch; `accepted` and `unchecked` are sums."""
    accepted, hashes, unchecked = 0, b"", dict[str, int]()
    for start in range(0, len(headers), BATCH):
        verdict = rules_of(network).check_headers(message(headers[start : start + BATCH]), context, CLOCK)
        accepted, hashes, context = accepted + verdict.accepted, hashes + verdict.hashes, verdict.context
        for rule, count in verdict.unchecked.items():
            unchecked[rule] = unchecked.get(rule, 0) + count
        if verdict.error:
            break
    return HeaderVerdict(accepted, hashes, (), context, verdict.error, unchecked=unchecked)


def judge_from(network: Network, height: int, headers: Sequence[bytes]) -> HeaderVerdict:
    return judge(network, headers, rules_of(network).context_at(height))


# Contiguous headers.


@pytest.mark.parametrize(
    ("network", "file", "height", "count", "unchecked"),
    [
        (MAINNET, "mainnet-headers-0-10236.bin.xz", 0, 10_237, {}),
        (
            MAINNET,
            "mainnet-headers-300000-300499.bin.xz",
            300_000,
            500,
            {"link": 1, "bits": 1, "retarget": 1, "median-time": 11},
        ),
        # Begins at a boundary: the three retargets after it are recomputed.
        (
            MAINNET,
            "mainnet-headers-822528-830592.bin.xz",
            822_528,
            8_065,
            {"link": 1, "retarget": 1, "median-time": 11},
        ),
        (MAINNET, "mainnet-headers-900000-900002.bin", 900_000, 3, {"link": 1, "bits": 1, "median-time": 3}),
        (TESTNET3, "testnet3-headers-0-9999.bin.xz", 0, 10_000, {}),
        (SIGNET, "signet-headers-0-2015.bin.xz", 0, 2_016, {}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_contiguous_headers_are_accepted(
    network: Network, file: str, height: int, count: int, unchecked: dict[str, int]
) -> None:
    verdict = judge_from(network, height, split(read("bitcoin", file)))
    assert verdict.error is None
    assert (verdict.accepted, verdict.unchecked) == (count, unchecked)


def test_headers_of_unknown_height_are_held_to_what_needs_none() -> None:
    headers = split(read("bitcoin", "mainnet-headers-300000-300499.bin.xz"))
    verdict = judge_from(MAINNET, UNKNOWN_HEIGHT, headers)
    assert (verdict.accepted, verdict.error) == (500, None)
    assert verdict.unchecked == {"link": 1, "bits": 500, "median-time": 11, "version": 500}


def test_headers_claimed_at_a_wrong_height_are_refused_at_the_boundary() -> None:
    """A period's bits change where they may not, once the file says it starts one block later."""
    error = judge_from(MAINNET, 300_001, split(read("bitcoin", "mainnet-headers-300000-300499.bin.xz"))).error
    assert error is not None
    assert (error.rule, error.block.height) == ("bad-diffbits", 300_385)


def test_headers_of_one_network_are_refused_by_another() -> None:
    headers = split(read("bitcoin", "testnet3-headers-0-9999.bin.xz"))
    error = judge_from(MAINNET, 0, headers).error
    assert error is not None
    assert (error.rule, error.block.height) == ("bad-genesis", 0)
    error = judge_from(MAINNET, 1, headers[1:]).error
    assert error is not None
    assert error.rule == "bad-prevblk"


# Sparse headers: height and header, 84 bytes a record.


def sparse(file: str) -> list[tuple[int, bytes]]:
    records = split(read("bitcoin", file), 84)
    return [(int.from_bytes(record[:4], "little"), record[4:]) for record in records]


def judge_sparse(network: Network, records: Sequence[tuple[int, bytes]]) -> dict[str, int]:
    """What stayed unchecked of records that are all accepted."""
    rules, unchecked = rules_of(network), dict[str, int]()
    context = rules.context_at(records[0][0])
    for height, header in records:
        verdict = rules.check_headers(message([header]), rules.context_past_gap(context, height), CLOCK)
        assert verdict.error is None, verdict.error
        context = verdict.context
        for rule, count in verdict.unchecked.items():
            unchecked[rule] = unchecked.get(rule, 0) + count
    return unchecked


def test_all_413_retargets_of_mainnet_are_recomputed() -> None:
    """From each period's first and last header; of the 23 periods beyond, the first header alone is known."""
    records = sparse("mainnet-retarget-headers.bin.xz")
    boundaries = [height for height, _ in records if height and height % 2016 == 0]
    unchecked = judge_sparse(MAINNET, records)
    assert len(records) == 850
    assert len(boundaries) - unchecked["retarget"] == 413
    assert unchecked == {"link": 436, "retarget": 23, "median-time": 849}


@pytest.mark.parametrize("number", [31, 32, 825, 826])
def test_sparse_headers_are_held_to_those_before_them(number: int) -> None:
    """Odd: the last of a period, whose bits are its first's. Even: a boundary, whose bits follow from both times."""
    records = sparse("mainnet-retarget-headers.bin.xz")
    rules, context = rules_of(MAINNET), rules_of(MAINNET).context_at(0)
    for height, header in records[:number]:
        context = rules.check_headers(message([header]), rules.context_past_gap(context, height), CLOCK).context
    height, header = records[number]
    context = rules.context_past_gap(context, height)
    assert rules.check_headers(message([header]), context, CLOCK).error is None
    bits, first_time = context.period_bits, context.first_time
    assert bits is not None
    assert first_time is not None
    other = context._replace(period_bits=bits - 1) if number % 2 else context._replace(first_time=first_time - 600)
    error = rules.check_headers(message([header]), other, CLOCK).error
    assert error is not None
    assert error.rule == "bad-diffbits"


@pytest.mark.parametrize(
    ("network", "file", "count"),
    [(TESTNET3, "testnet3-checkpoint-headers.bin.xz", 1_792), (SIGNET, "signet-checkpoint-headers.bin.xz", 114)],
    ids=["testnet3", "signet"],
)
def test_first_headers_of_periods_are_accepted(network: Network, file: str, count: int) -> None:
    records = sparse(file)
    assert len(records) == count
    assert judge_sparse(network, records) == {"link": count, "retarget": count, "median-time": count}


def test_chainwork_of_every_period_is_that_of_the_sources() -> None:
    firsts = {height: header for height, header in sparse("mainnet-retarget-headers.bin.xz") if height % 2016 == 0}
    work_before, compared = 0, 0
    for row in csv.DictReader(text("mainnet-chainwork.csv").splitlines()):
        height = int(row["height"])
        header = BlockHeader.from_raw(firsts[height])
        work = work_of(header.bits)
        assert hash_hex(header.hash) == row["hash"]
        assert work_before + work == int(row["chainwork_hex"], 16)
        work_before += 2016 * work
        compared += 1
    assert compared == 437


@pytest.mark.parametrize(
    ("file", "checkpoints"),
    [
        ("mainnet-retarget-headers.bin.xz", "mainnet"),
        ("testnet3-checkpoint-headers.bin.xz", "testnet"),
        ("signet-checkpoint-headers.bin.xz", "signet"),
    ],
)
def test_first_headers_of_periods_follow_the_checkpoints_of_electrum(file: str, checkpoints: str) -> None:
    """Independent of where the headers come from: entry i is the hash at height 2016 * (i + 1) - 1."""
    known = [entry[0] for entry in json.loads(text(f"checkpoints-electrum-{checkpoints}.json"))]
    records = [(height, header) for height, header in sparse(file) if height and height % 2016 == 0]
    for height, header in records:
        assert hash_hex(BlockHeader.from_raw(header).prev_hash) == known[height // 2016 - 1]
    assert len(records) > 100


def test_targets_of_mainnet_periods_are_those_of_electrum() -> None:
    """Entry i is the target of the period that follows it, as its headers have it in their compact bits."""
    known = [entry[1] for entry in json.loads(text("checkpoints-electrum-mainnet.json"))]
    records = sparse("mainnet-retarget-headers.bin.xz")
    bits = [BlockHeader.from_raw(header).bits for height, header in records if height and height % 2016 == 0]
    assert [target_of(value) for value in bits] == known[: len(bits)]


# Forks.


def test_the_fork_of_july_2015_is_refused_at_its_first_block() -> None:
    """Mined by those who had not yet learnt BIP66: version 2 after height 363725."""
    headers = split(read("bitcoin", "mainnet-fork-headers-363731-363736.bin"))
    verdict = judge_from(MAINNET, 363_731, headers)
    assert verdict.accepted == 0
    assert type(verdict.error) is InvalidHeader
    assert (verdict.error.rule, verdict.error.block.height) == ("bad-version", 363_731)
    before = judge_from(MAINNET, 363_725 - len(headers), headers)  # the same headers, before the rule was on
    assert (before.accepted, before.error) == (6, None)


def csv_headers(file: str) -> Iterator[tuple[int, str, bytes]]:
    for row in csv.DictReader(text(file).splitlines()):
        yield int(row["height"]), row["hash"], bytes.fromhex(row["header_hex"])


def test_stale_headers_are_as_valid_as_those_that_won() -> None:
    stale = list(csv_headers("mainnet-stale-headers.csv"))
    assert len(stale) == 13
    context, linked = rules_of(MAINNET).context_at(stale[0][0]), 0
    for height, known_hash, header in stale:
        if BlockHeader.from_raw(header).prev_hash == context.hash:
            linked += 1
        else:
            context = rules_of(MAINNET).context_at(height)
        verdict = judge(MAINNET, [header], context)
        assert verdict.error is None
        assert hash_hex(verdict.hashes) == known_hash
        context = verdict.context
    assert linked == 8  # a fork of 8 and one of 2


def test_a_stale_header_is_judged_as_fully_as_its_rival() -> None:
    height, _, stale = next(csv_headers("mainnet-stale-headers.csv"))
    main = split(read("bitcoin", "mainnet-headers-822528-830592.bin.xz"))
    parent = judge_from(MAINNET, 822_528, main[: height - 822_528])
    verdicts = [judge(MAINNET, [header], parent.context) for header in (stale, main[height - 822_528])]
    assert [(verdict.accepted, verdict.unchecked) for verdict in verdicts] == [(1, {}), (1, {})]
    assert verdicts[0].hashes != verdicts[1].hashes


def test_fork_of_testnet3_is_accepted_from_genesis() -> None:
    fork = [header for _, _, header in csv_headers("testnet3-fork-headers.csv")]
    verdict = judge_from(TESTNET3, 1, fork)
    assert (verdict.accepted, verdict.error, verdict.unchecked) == (2, None, {})


# Blocks.


def manifest() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(text("blocks", "manifest.json"))
    return found


@cache
def single(file: str) -> bytes:
    """One block of the manifest, unpacked once for all tests."""
    return read("bitcoin", "blocks", file)


def test_every_single_block_is_valid_at_its_height() -> None:
    names = {"mainnet": "bitcoin", "testnet3": "testnet3"}
    needed_median = set()
    for entry in manifest():
        rules = network_named(names[entry["network"]]).rules
        raw, height = single(entry["file"]), entry["height"]
        header = BlockHeader.from_raw(raw[:80])
        assert hash_hex(header.hash) == entry["hash"]
        verdict = rules.verify_block(BlockRequest(header, height), None, raw)
        assert (verdict.status, verdict.rule) == (BlockStatus.VALID, ""), entry["file"]
        assert set(verdict.unchecked) <= {"lock-time-median"}
        if verdict.unchecked:
            needed_median.add(height)
    assert len(manifest()) == 35
    assert needed_median == {514_485, 831_328, 831_329, 831_331, 831_332, 831_333, 831_335}


def test_blocks_are_valid_against_their_real_median_time() -> None:
    headers = split(read("bitcoin", "mainnet-headers-822528-830592.bin.xz"))
    raw = single("mainnet-830000-89eb2cffbc1f.bin.xz")
    at = 830_000 - 822_528
    assert headers[at] == raw[:80]
    median = sorted(BlockHeader.from_raw(header).time for header in headers[at - 11 : at])[5]
    verdict = MAINNET.rules.verify_block(BlockRequest(BlockHeader.from_raw(raw[:80]), 830_000), median, raw)
    assert (verdict.status, verdict.unchecked) == (BlockStatus.VALID, ())


def test_single_blocks_state_their_height_since_bip34() -> None:
    for entry in manifest():
        raw = single(entry["file"])
        stated = MAINNET.rules.stated_height(raw)
        assert stated == (entry["height"] if entry["version"] >= 2 else UNKNOWN_HEIGHT)


def test_single_blocks_of_unknown_height_are_valid_too() -> None:
    for entry in manifest()[:12]:
        raw = single(entry["file"])
        request = BlockRequest(None, hash=hash_from_hex(entry["hash"]))
        verdict = MAINNET.rules.verify_block(request, None, raw)
        assert verdict.status is BlockStatus.VALID
        assert "coinbase-height" in verdict.unchecked


def framed(raw: bytes) -> list[bytes]:
    """Blocks out of a blk*.dat file: magic, length, block."""
    blocks, at = [], 0
    while at < len(raw):
        size = int.from_bytes(raw[at + 4 : at + 8], "little")
        blocks.append(raw[at + 8 : at + 8 + size])
        at += 8 + size
    return blocks


def judge_blocks(network: Network, blocks: Sequence[bytes], context: HeaderContext) -> HeaderContext:
    """Judge a run of blocks after `context`: their headers, and each block against its real median time."""
    verdict = judge(network, [block[:80] for block in blocks], context)
    assert verdict.error is None
    assert verdict.unchecked == {}
    times = list(context.times)
    for height, block in enumerate(blocks, context.height + 1):
        window = sorted(times[-11:])
        header = BlockHeader.from_raw(block[:80])
        median = window[len(window) // 2] if window else None
        found = network.rules.verify_block(BlockRequest(header, height), median, block)
        assert (found.status, found.rule, found.unchecked) == (BlockStatus.VALID, "", ()), height
        times.append(header.time)
    final: HeaderContext = verdict.context
    return final


def test_the_first_439_blocks_of_mainnet_are_valid() -> None:
    blocks = framed(read("bitcoin", "blocks", "mainnet-0-438.blk.dat.xz"))
    assert judge_blocks(MAINNET, blocks, rules_of(MAINNET).context_at(0)).height == 438


def test_the_alternative_mainnet_is_valid_including_its_retarget() -> None:
    blocks = framed(read("bitcoin", "blocks", "altmainnet-1-2016.blk.dat.xz"))
    last = judge_blocks(MAINNET, blocks, rules_of(MAINNET).context_at(1))
    assert last.hash is not None
    assert hash_hex(last.hash) == "000000000c806553811fd3e6c40bc9c279db53643da7d3b401a9882c074c24b2"
    assert target_of(0x1D00FFFF) // target_of(last.bits or 0) == 4


def test_the_rival_branch_is_valid_from_the_block_where_it_forks() -> None:
    trunk = framed(read("bitcoin", "blocks", "altchain-blk-0-to-4.blk.dat"))
    assert judge_blocks(MAINNET, trunk, rules_of(MAINNET).context_at(0)).height == 4
    context = judge_blocks(MAINNET, trunk[:3], rules_of(MAINNET).context_at(0))
    for name in ("3A", "4A", "5A"):
        context = judge_blocks(MAINNET, framed(read("bitcoin", "blocks", f"altchain-blk-{name}.blk.dat")), context)
    assert context.height == 5


def test_regtest_blocks_of_another_project_are_valid() -> None:
    blocks = [bytes.fromhex(line) for line in text("regtest-blocks.txt").split()]
    assert judge_blocks(REGTEST, blocks, rules_of(REGTEST).context_at(0)).height == len(blocks) - 1


def test_both_branches_of_a_regtest_reorganisation_are_valid() -> None:
    ours, theirs = ([bytes.fromhex(block) for block in branch] for branch in json.loads(text("regtest-reorg.json")))
    fork = [block_hash(block) for block in ours].index(theirs[0][4:36]) + 1
    start = rules_of(REGTEST).context_at(1)
    assert judge_blocks(REGTEST, ours, start).height == len(ours)
    height = judge_blocks(REGTEST, theirs, judge_blocks(REGTEST, ours[:fork], start)).height
    assert height == fork + len(theirs) > len(ours)


def test_testnet3_blocks_of_the_bip158_vectors_are_valid() -> None:
    rows = json.loads(text("vectors", "bip0158-testnet-19.json"))[1:]
    for height, known_hash, raw_hex, *_ in rows:
        raw = bytes.fromhex(raw_hex)
        assert hash_hex(block_hash(raw)) == known_hash
        verdict = TESTNET3.rules.verify_block(BlockRequest(BlockHeader.from_raw(raw[:80]), height), None, raw)
        assert (verdict.status, verdict.rule) == (BlockStatus.VALID, "")
    assert len(rows) == 10
