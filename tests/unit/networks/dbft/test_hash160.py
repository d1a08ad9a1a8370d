from __future__ import annotations

import hashlib
import random

import pytest

from headway.networks.dbft.hash160 import HASH160_SIZE, best_ripemd160, hash160, plain_ripemd160, ripemd160

PAPER = {
    # the test vectors of the RIPEMD-160 paper
    b"": "9c1185a5c5e9fc54612808977ee8f548b2258d31",
    b"a": "0bdc9d2d256b3ee9daae347be6f4dc835a467ffe",
    b"abc": "8eb208f7e05d987a9b044a8e98c6b087f15a0bfc",
    b"message digest": "5d0689ef49d2fae572b881b123a85ffa21595f36",
    b"abcdefghijklmnopqrstuvwxyz": "f71c27109c692c1b56bbdceb5b9d2865b3708dbc",
    b"1234567890" * 8: "9b752e45573d4b39f4dbd3323cab82bf63326bfb",
}


@pytest.mark.parametrize(("data", "digest"), PAPER.items())
def test_both_twins_hash_as_the_paper_says(data: bytes, digest: str) -> None:
    assert plain_ripemd160(data).hex() == digest
    assert ripemd160(data).hex() == digest


def test_the_plain_twin_pads_every_length_as_the_chosen_one() -> None:
    rng = random.Random(160)
    for size in range(130):
        data = rng.randbytes(size)
        assert plain_ripemd160(data) == ripemd160(data)


def test_the_plain_twin_stands_in_where_the_library_has_no_ripemd160() -> None:
    def lacking(data: bytes) -> bytes:
        return hashlib.new("ripemd161", data).digest()  # as OpenSSL 3 without its legacy provider answers

    assert best_ripemd160(lacking) is plain_ripemd160
    assert best_ripemd160(plain_ripemd160) is plain_ripemd160


def test_hash160_is_ripemd160_of_sha256() -> None:
    """The second hash is that of a script which pushes 1, as others have written it down."""
    assert hash160(b"\x00").hex() == plain_ripemd160(hashlib.sha256(b"\x00").digest()).hex()
    assert hash160(memoryview(b"\x51")).hex() == "da1745e9b549bd0bfa1a569971c77eba30cd5a4b"
    assert len(hash160(b"")) == HASH160_SIZE
