from __future__ import annotations

import pytest

from headway.networks.neo2.header import KEPT_SIZE, MAX_HEADER_SIZE, MAX_SCRIPT, BlockHeader, header_end
from headway.types import hash_from_hex
from headway.wire.buffer import compact_size
from tests.neodata import vectors

UNSIGNED = b"".join(
    [
        (7).to_bytes(4, "little"),
        b"p" * 32,
        b"m" * 32,
        (1_468_595_301).to_bytes(4, "little"),
        (2_000_000).to_bytes(4, "little"),
        (2_083_236_893).to_bytes(8, "little"),
        b"c" * 20,
    ]
)


def witness(invocation: bytes = b"\x40" + b"s" * 64, verification: bytes = b"\x51\xae") -> bytes:
    return b"\1" + compact_size(len(invocation)) + invocation + compact_size(len(verification)) + verification


RAW = UNSIGNED + witness()


def test_fields_stand_where_the_layout_says() -> None:
    header = BlockHeader.from_raw(RAW)
    assert (header.raw, header.unsigned) == (RAW, UNSIGNED)
    assert (header.version, header.prev_hash, header.merkle_root) == (7, b"p" * 32, b"m" * 32)
    assert header.time == header.timestamp == 1_468_595_301
    assert (header.height, header.nonce, header.next_consensus) == (2_000_000, 2_083_236_893, b"c" * 20)
    assert (header.invocation, header.verification) == (b"\x40" + b"s" * 64, b"\x51\xae")


def test_the_kept_part_has_the_same_hash_and_no_scripts() -> None:
    whole, kept = BlockHeader.from_raw(RAW), BlockHeader.from_raw(UNSIGNED)
    assert len(UNSIGNED) == KEPT_SIZE
    assert kept.hash == whole.hash
    assert (kept.invocation, kept.verification, kept.height) == (b"", b"", 2_000_000)


def test_headers_are_equal_by_their_bytes() -> None:
    assert BlockHeader.from_raw(RAW) == BlockHeader.from_raw(bytes(bytearray(RAW)))
    assert BlockHeader.from_raw(RAW) != BlockHeader.from_raw(UNSIGNED)
    assert len({BlockHeader.from_raw(RAW), BlockHeader.from_raw(RAW)}) == 1


@pytest.mark.parametrize(
    "name", ["mainnet_0", "mainnet_1", "mainnet_2000000", "privnet_single_1", "privnet_4cn_4", "testnet_0"]
)
def test_real_headers_have_their_hashes(name: str) -> None:
    vector = vectors("legacy")["blocks"][name]
    raw = bytes.fromhex(vector["hex"])
    header = BlockHeader.from_raw(raw[: header_end(raw, 0)])
    assert header.hash == hash_from_hex(vector["hash"])
    assert header.merkle_root == hash_from_hex(vector["merkle"])
    assert (header.time, header.height) == (vector["timestamp"], vector["index"])
    assert header.next_consensus.hex() == vector["next_consensus_le"]
    assert header.unsigned.hex() == vector["unsigned_hex"]
    assert header.raw + b"\0" == bytes.fromhex(vector["header_hex_in_headers_msg"])


def test_people_see_height_hash_and_parent() -> None:
    raw = bytes.fromhex(vectors("legacy")["blocks"]["mainnet_1"]["unsigned_hex"])
    assert str(BlockHeader.from_raw(raw)) == (
        "1:d782db8a38b0eea0d7394e0f007c61c71798867578c77c387c08113903946cc9 after "
        "d42561e3d30e15be6400b6df2f328e02d2bf6354c41dce433bc57687c82144bf"
    )


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"", "does not end within 0"),
        (UNSIGNED[:-1], "does not end within 103"),
        (UNSIGNED + b"\1", "does not end within 105"),
        (RAW[:-1], "does not end"),
        (RAW + b"\0", "that ends at byte"),
        (UNSIGNED + b"\2" + witness()[1:], "one witness, not 2"),
        (UNSIGNED + b"\0", "one witness, not 0"),
        (UNSIGNED + b"\1\xfd\x01\x00s\x00", "non-canonical-size"),
        (UNSIGNED + b"\1\xff" + b"\xff" * 8, "truncated"),
    ],
)
def test_anything_else_is_no_header(raw: bytes, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        BlockHeader.from_raw(raw)


def test_scripts_have_65536_bytes_and_no_more() -> None:
    largest = UNSIGNED + witness(bytes(MAX_SCRIPT), bytes(MAX_SCRIPT))
    assert header_end(largest, 0) == len(largest) == MAX_HEADER_SIZE
    for one_more in (witness(bytes(MAX_SCRIPT + 1)), witness(verification=bytes(MAX_SCRIPT + 1))):
        with pytest.raises(ValueError, match="65537 bytes, at most 65536"):
            header_end(UNSIGNED + one_more, 0)


def test_a_header_ends_where_its_witness_ends_wherever_it_begins() -> None:
    assert header_end(b"xyz" + RAW + b"more", 3) == 3 + len(RAW)
