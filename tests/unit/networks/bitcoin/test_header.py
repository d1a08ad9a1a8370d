from __future__ import annotations

import pytest

from headway.networks.bitcoin.header import BlockHeader
from headway.types import hash_from_hex, hash_hex

RAW = bytes.fromhex(  # the first block after genesis
    "010000006fe28c0ab6f1b372c1a6a246ae63f74f931e8365e15a089c68d6190000000000982051fd1e4ba744bbbe680e1fee14677ba1a3c354"
    "0bf7b1cdb606e857233e0e61bc6649ffff001d01e36299"
)


def test_fields_are_those_of_block_1() -> None:
    header = BlockHeader.from_raw(RAW)
    assert header.raw == RAW
    assert hash_hex(header.hash) == "00000000839a8e6886ab5951d76f411475428afc90947ee320161bbf18eb6048"
    assert header.prev_hash == hash_from_hex("000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f")
    assert hash_hex(header.merkle_root) == "0e3e2357e806b6cdb1f70b54c3a3a17b6714ee1f0e68bebb44a74b1efd512098"
    assert (header.version, header.time, header.bits, header.nonce) == (1, 1231469665, 0x1D00FFFF, 2573394689)


def test_version_is_signed() -> None:
    assert BlockHeader.from_raw(b"\xff" * 80).version == -1


def test_people_see_the_hash_and_its_parent_s() -> None:
    assert str(BlockHeader.from_raw(RAW)) == (
        "00000000839a8e6886ab5951d76f411475428afc90947ee320161bbf18eb6048 after "
        "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f"
    )


@pytest.mark.parametrize("size", [0, 79, 81])
def test_other_sizes_are_no_header(size: int) -> None:
    with pytest.raises(ValueError, match="80 bytes"):
        BlockHeader.from_raw(bytes(size))
