from __future__ import annotations

from hashlib import sha256

import pytest

from headway.networks.neo3.header import (
    KEPT_SIZE,
    MAX_HEADER_SIZE,
    MAX_SCRIPT,
    STATE_ROOT_SIZE,
    BlockHeader,
    header_end,
    kept_size,
)
from headway.types import hash_from_hex
from headway.wire.buffer import compact_size
from tests.neodata import vectors

UNSIGNED = b"".join(
    [
        (0).to_bytes(4, "little"),
        b"p" * 32,
        b"m" * 32,
        (1_468_595_301_999).to_bytes(8, "little"),
        (12_142_857_110_723_390_113).to_bytes(8, "little"),
        (2_000_000).to_bytes(4, "little"),
        b"\6",
        b"c" * 20,
    ]
)
ROOT = b"r" * STATE_ROOT_SIZE


def witness(invocation: bytes = b"\x0c\x40" + b"s" * 64, verification: bytes = b"\x11\x41") -> bytes:
    return b"\1" + compact_size(len(invocation)) + invocation + compact_size(len(verification)) + verification


RAW = UNSIGNED + witness()


def test_fields_stand_where_the_layout_says() -> None:
    header = BlockHeader.from_raw(RAW)
    assert (header.raw, header.unsigned) == (RAW, UNSIGNED)
    assert (header.version, header.prev_hash, header.merkle_root) == (0, b"p" * 32, b"m" * 32)
    assert (header.timestamp, header.time) == (1_468_595_301_999, 1_468_595_301)
    assert (header.height, header.nonce, header.primary_index) == (2_000_000, 12_142_857_110_723_390_113, 6)
    assert (header.next_consensus, header.prev_state_root) == (b"c" * 20, b"")
    assert (header.invocation, header.verification) == (b"\x0c\x40" + b"s" * 64, b"\x11\x41")


def test_the_hash_is_one_sha256_of_all_before_the_witness() -> None:
    whole, kept = BlockHeader.from_raw(RAW), BlockHeader.from_raw(UNSIGNED)
    assert len(UNSIGNED) == KEPT_SIZE
    assert kept.hash == whole.hash == sha256(UNSIGNED).digest()
    assert (kept.invocation, kept.verification, kept.height) == (b"", b"", 2_000_000)


def test_a_state_root_in_the_header_is_hashed_too() -> None:
    whole = BlockHeader.from_raw(UNSIGNED + ROOT + witness(), state_root=True)
    kept = BlockHeader.from_raw(UNSIGNED + ROOT, state_root=True)
    assert len(kept.raw) == kept_size(state_root=True) == 141
    assert whole.hash == kept.hash == sha256(UNSIGNED + ROOT).digest()
    assert (whole.prev_state_root, whole.next_consensus, whole.unsigned) == (ROOT, b"c" * 20, UNSIGNED + ROOT)
    assert whole.verification == b"\x11\x41"
    with pytest.raises(ValueError, match="one witness"):
        BlockHeader.from_raw(UNSIGNED + ROOT + witness())


def test_headers_are_equal_by_their_bytes() -> None:
    assert BlockHeader.from_raw(RAW) == BlockHeader.from_raw(bytes(bytearray(RAW)))
    assert BlockHeader.from_raw(RAW) != BlockHeader.from_raw(UNSIGNED)
    assert len({BlockHeader.from_raw(RAW), BlockHeader.from_raw(RAW)}) == 1


@pytest.mark.parametrize("name", ["unit_testnet_4cn_0", "unit_testnet_4cn_3", "live_single_0", "live_single_2"])
def test_real_headers_have_their_hashes(name: str) -> None:
    vector = vectors("n3")["blocks"][name]
    header = BlockHeader.from_raw(bytes.fromhex(vector["header_hex"]))
    assert header.hash == hash_from_hex(vector["hash"])
    assert header.merkle_root == hash_from_hex(vector["merkle"])
    assert (header.timestamp, header.nonce) == (vector["timestamp_ms"], vector["nonce"])
    assert (header.height, header.primary_index) == (vector["index"], vector["primary"])
    assert header.next_consensus.hex() == vector["next_consensus_le"]
    assert header.unsigned.hex() == vector["unsigned_hex"]


def test_the_header_of_the_c_sharp_tests_is_read() -> None:
    vector = vectors("n3")["c#_header"]
    header = BlockHeader.from_raw(bytes.fromhex(vector["hex"]))
    assert header.hash == hash_from_hex(vector["hash"])
    assert (header.height, header.invocation, header.verification) == (123, b"\1\2", b"\3\4")


@pytest.mark.parametrize("name", ["mainnet", "testnet_T5", "privnet_4cn", "privnet_single"])
def test_genesis_headers_have_their_hashes(name: str) -> None:
    vector = vectors("n3")["networks"][name]
    header = BlockHeader.from_raw(bytes.fromhex(vector["genesis_header_hex"]))
    assert header.hash == hash_from_hex(vector["genesis_hash"])
    assert header.next_consensus.hex() == vector["next_consensus_le"]


def test_people_see_height_hash_and_parent() -> None:
    raw = bytes.fromhex(vectors("n3")["blocks"]["live_single_1"]["unsigned_hex"])
    assert str(BlockHeader.from_raw(raw)) == (
        "1:02b8dc7fd1855dab146671f908b7dea21ddde26529ff1bf049bd0e983989b1b8 after "
        "625b01600e23640e605f4faafafa7490eb1daece2d0db4c4572905de56c278fe"
    )


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"", "does not end within 0"),
        (UNSIGNED[:-1], "does not end within 108"),
        (UNSIGNED + b"\1", "does not end within 110"),
        (RAW[:-1], "does not end"),
        (RAW + b"\0", "that ends at byte"),
        (UNSIGNED + b"\2" + witness()[1:], "one witness, not 2"),
        (UNSIGNED + b"\1\xfd\x01\x00s\x00", "non-canonical-size"),
        (UNSIGNED + b"\1\xff" + b"\xff" * 8, "truncated"),
    ],
)
def test_anything_else_is_no_header(raw: bytes, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        BlockHeader.from_raw(raw)


def test_scripts_have_1024_bytes_and_no_more() -> None:
    largest = UNSIGNED + ROOT + witness(bytes(MAX_SCRIPT), bytes(MAX_SCRIPT))
    assert header_end(largest, 0, state_root=True) == len(largest) == MAX_HEADER_SIZE
    for one_more in (witness(bytes(MAX_SCRIPT + 1)), witness(verification=bytes(MAX_SCRIPT + 1))):
        with pytest.raises(ValueError, match="1025 bytes, at most 1024"):
            header_end(UNSIGNED + one_more, 0)


def test_a_header_ends_where_its_witness_ends_wherever_it_begins() -> None:
    assert header_end(b"xyz" + RAW + b"more", 3) == 3 + len(RAW)
