"""The twins agree on blocks: on real ones, on damaged ones, and on some made up to break the rules.

They agree on all that they return. Of several faults of a block's encoding each twin may tell another
(`face.BlockCheck`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headway.kernel import block, scan
from headway.kernel import hash as hashing
from headway.kernel.face import MUTATED, BlockRules
from headway.networks.bitcoin.params import MAINNET, TESTNET3
from headway.networks.bitcoin.transaction import Transaction
from tests import chain_builder as build
from tests.data import data_path, read
from tests.twins import native, outcome, require_native

ENCODING_FAULTS: Final = {
    "truncated", "non-canonical-size", "unknown-flag", "superfluous-witness", "trailing-bytes",
}  # fmt: skip
HEADER: Final = 80


@pytest.fixture(scope="module", autouse=True)
def _native_is_installed() -> None:
    require_native()


def both_blocks(raw: bytes | memoryview, block_hash: bytes, rules: BlockRules, median_time: int | None) -> Any:
    """What the reference says, once the twin has said the same."""
    expected = block.check_block(raw, block_hash, rules, median_time)
    status, rule, detail, *rest = native.check_block(raw, block_hash, rules, median_time)
    assert (status, *rest) == (expected.status, *expected[3:])
    if expected.rule in ENCODING_FAULTS:
        assert rule in ENCODING_FAULTS
        assert status == MUTATED
    else:
        assert (rule, detail) == (expected.rule, expected.detail)
        found, expected_scan = outcome(native.scan_block, raw), outcome(scan.scan_block, raw)
        assert found == (ValueError if isinstance(expected_scan, type) else expected_scan)
    return expected


def real_blocks() -> Iterator[tuple[str, bytes, int]]:
    """Network, block and height of single blocks, and the first of mainnet."""
    manifest = json.loads(data_path("bitcoin", "blocks", "manifest.json").read_text())
    for entry in manifest:
        yield entry["network"], read("bitcoin", "blocks", entry["file"].split("/")[-1]), entry["height"]
    chain, at, height = read("bitcoin", "blocks", "mainnet-0-438.blk.dat.xz"), 0, 0
    while at < len(chain):
        size = int.from_bytes(chain[at + 4 : at + 8], "little")
        yield "mainnet", chain[at + 8 : at + 8 + size], height
        at, height = at + 8 + size, height + 1


def test_real_blocks_agree_with_every_set_of_rules() -> None:
    count = 0
    for network, raw, height in real_blocks():
        rules = MAINNET if network == "mainnet" else TESTNET3
        header_time, block_hash = int.from_bytes(raw[68:72], "little"), hashing.sha256d(raw[:HEADER])
        own = BlockRules(
            height, height >= rules.header.bip34_height, height >= rules.csv_height, height >= rules.segwit_height
        )
        check = both_blocks(raw, block_hash, own, header_time - 1)
        assert (check.status, check.rule) == (0, ""), (network, height, check)
        if count < 30 or height % 50 == 0:
            both_blocks(memoryview(raw), block_hash, BlockRules(-1, False, True, True), None)
            both_blocks(raw, block_hash, BlockRules(height + 1, True, False, False), header_time)
        count += 1
    assert count > 400


RULES: Final = st.builds(BlockRules, st.integers(-1, 3), st.booleans(), st.booleans(), st.booleans())
MEDIANS: Final = st.one_of(st.none(), st.integers(0, 2**32))
DAMAGE: Final = st.lists(
    st.tuples(st.sampled_from(["flip", "set", "insert", "delete", "cut"]), st.integers(0, 2**20), st.integers(0, 255)),
    min_size=1,
    max_size=3,
)


def damaged(raw: bytes, damage: list[tuple[str, int, int]], first: int) -> bytes:
    """Bytes with something wrong behind the first `first`."""
    data = bytearray(raw)
    for kind, place, value in damage:
        at = first + place % max(1, len(data) - first)
        if kind == "flip":
            data[at : at + 1] = bytes(byte ^ 1 << value % 8 for byte in data[at : at + 1])
        elif kind == "set":
            data[at : at + 1] = bytes([value])
        elif kind == "insert":
            data[at:at] = bytes([value]) * (1 + place % 3)
        elif kind == "delete":
            del data[at : at + 1 + value % 5]
        else:
            del data[at:]
    return bytes(data)


def with_its_root(raw: bytes) -> bytes:
    """The block with the merkle root of its transactions, if they can be read: so the later rules are reached."""
    try:
        txids = b"".join(txid for _, _, txid in scan.scan_block(raw))
    except ValueError:
        return raw
    return raw[:36] + hashing.merkle_root(txids)[0] + raw[68:]


@cache
def small_blocks() -> list[bytes]:
    made = build.regtest_chain(3, transactions_per_block=4)
    return [*made, *(raw for _, raw, _ in real_blocks() if len(raw) < 6_000)][:40]


@given(which=st.integers(0, 1000), damage=DAMAGE, rules=RULES, median_time=MEDIANS, repaired=st.booleans())
def test_damaged_blocks_agree(
    which: int,
    damage: list[tuple[str, int, int]],
    rules: BlockRules,
    median_time: int | None,
    repaired: bool,
) -> None:
    raw = damaged(small_blocks()[which % len(small_blocks())], damage, HEADER if repaired else 0)
    raw = with_its_root(raw) if repaired else raw
    block_hash = hashing.sha256d(raw[:HEADER])
    both_blocks(raw, block_hash, rules, median_time)


@given(st.binary(max_size=200), RULES)
def test_bytes_that_are_no_block_agree(body: bytes, rules: BlockRules) -> None:
    raw = with_its_root(bytes(HEADER) + body)
    both_blocks(raw, hashing.sha256d(raw[:HEADER]), rules, None)
    both_blocks(body, hashing.sha256d(body[:HEADER]), rules, None)


NULL: Final = bytes(32) + b"\xff" * 4
OUTPOINTS: Final = st.one_of(
    st.integers(0, 3).map(lambda n: bytes([n]) * 32 + bytes(4)),
    st.sampled_from([NULL, bytes(36), b"\1" * 32 + b"\xff" * 4, bytes(31) + b"\1" + b"\xff" * 4]),
    st.binary(min_size=36, max_size=36),
)
SCRIPTS: Final = st.one_of(
    st.binary(max_size=20),
    st.lists(
        st.sampled_from([b"\xac", b"\xad", b"\xae", b"\xaf", b"\x4c", b"\x4d", b"\x4e", b"\2", b"\0", b"\x4b"])
    ).map(b"".join),
    st.integers(0, 30_000).map(lambda n: b"\xac" * n),
    st.sampled_from(
        [b"\x76\xa9\x14" + bytes(20) + b"\x88\xac", b"\xa9\x14" + bytes(20) + b"\x87", b"\0\x14" + bytes(20)]
    ),
    st.builds(lambda tail: bytes.fromhex("6a24aa21a9ed") + tail, st.binary(max_size=40)),
)
VALUES: Final = st.one_of(
    st.integers(0, 100), st.sampled_from([-1, 21 * 10**14, 21 * 10**14 + 1, -(2**63), 2**63 - 1, 10**15])
)
LOCK_TIMES: Final = st.one_of(
    st.just(0),
    st.sampled_from([1, 2, 3, 499_999_999, 500_000_000, 1_600_000_000, 2**32 - 1]),
    st.integers(0, 2**32 - 1),
)
ITEMS: Final = st.lists(st.lists(st.binary(max_size=33), max_size=2), max_size=3)


@st.composite
def transactions(draw: st.DrawFn) -> bytes:
    """In any of their forms; some that no block can have."""
    sequences = st.sampled_from([0, 0xFFFFFFFE, 0xFFFFFFFF])
    outpoints = draw(st.lists(OUTPOINTS, max_size=20 if draw(st.booleans()) else 3))
    inputs = [build.tx_input(spent, draw(SCRIPTS)[:200], sequence=draw(sequences)) for spent in outpoints]
    outputs = [build.tx_output(draw(VALUES), draw(SCRIPTS)) for _ in range(draw(st.integers(0, 3)))]
    witness = None
    if draw(st.booleans()):
        items = draw(ITEMS)
        witness = [items[at] if at < len(items) else [] for at in range(len(inputs))]
    return build.transaction(inputs, outputs, witness=witness, lock_time=draw(LOCK_TIMES))


@st.composite
def coinbases(draw: st.DrawFn) -> bytes:
    """Mostly good ones."""
    script = draw(st.one_of(st.just(b"\x51\1"), st.sampled_from([b"\x52\0", b"\0\0"]), st.binary(max_size=110)))
    outputs = [build.tx_output(draw(VALUES), draw(SCRIPTS)) for _ in range(draw(st.integers(1, 3)))]
    witness = draw(st.one_of(st.none(), st.just([(bytes(32),)]), ITEMS.map(lambda items: items[:1] or [[b""]])))
    return build.transaction([build.tx_input(NULL, script)], outputs, witness=witness, lock_time=draw(LOCK_TIMES))


@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(
    first=st.one_of(coinbases(), coinbases(), transactions()),
    others=st.lists(st.one_of(transactions(), coinbases()), max_size=4),
    rules=RULES,
    median_time=st.one_of(st.none(), st.sampled_from([0, 1_500_000_000, 1_600_000_001])),
)
def test_made_up_blocks_agree(first: bytes, others: list[bytes], rules: BlockRules, median_time: int | None) -> None:
    header = bytes(68) + (1_600_000_000).to_bytes(4, "little") + bytes(8)
    raw = with_its_root(header + bytes([1 + len(others)]) + first + b"".join(others))
    both_blocks(raw, hashing.sha256d(raw[:HEADER]), rules, median_time)


@given(others=st.lists(transactions(), max_size=3), rules=RULES, spoil=st.integers(0, 4))
def test_blocks_that_commit_to_their_witness_agree(others: list[bytes], rules: BlockRules, spoil: int) -> None:
    others = [other for other in others if not isinstance(outcome(_txid, other), type)]
    first = build.coinbase(max(0, rules.height), others)
    if spoil == 1:
        first = first.replace(bytes.fromhex("6a24aa21a9ed"), bytes.fromhex("6a24aa21a9ee"))
    raw = bytes(HEADER) + bytes([1 + len(others)]) + first + b"".join(others)
    if spoil == 2:  # the commitment of a block without any witness
        raw = raw.replace(first, Transaction.from_raw(first).stripped)
    if spoil == 3:
        raw = raw[:-5] + bytes([raw[-5] ^ 1]) + raw[-4:]
    raw = with_its_root(raw)
    both_blocks(raw, hashing.sha256d(raw[:HEADER]), rules, 1_700_000_000)


def _txid(raw: bytes) -> bytes:
    return scan.scan_block(bytes(HEADER) + b"\1" + raw)[0][2]


@given(st.integers(1, 16), st.integers(0, 16))
def test_repeated_transactions_agree(count: int, repeated: int) -> None:
    others = [build.transaction([build.tx_input(bytes([n]) * 36)], [build.tx_output(1, b"")]) for n in range(count)]
    listed = [build.coinbase(1), *others, *others[count - min(repeated, count) :]]
    raw = with_its_root(bytes(HEADER) + bytes([len(listed)]) + b"".join(listed))
    both_blocks(raw, hashing.sha256d(raw[:HEADER]), BlockRules(1, True, True, True), None)
