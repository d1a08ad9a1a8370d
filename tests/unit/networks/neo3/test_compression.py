from __future__ import annotations

import subprocess
import sys

import pytest
from lz4 import block as lz4

from headway.errors import CodecError
from headway.networks.neo3.compression import decompress
from tests.memory import traced
from tests.neodata import vectors

MAX = 0x02000000


def packed(plain: bytes, *, announced: int | None = None) -> bytes:
    length = len(plain) if announced is None else announced
    block: bytes = lz4.compress(plain, store_size=False)
    return length.to_bytes(4, "little") + block


@pytest.mark.parametrize("plain", [b"", b"a", bytes(1000), bytes(range(256)) * 50], ids=len)
def test_what_was_packed_comes_out(plain: bytes) -> None:
    assert decompress(packed(plain), MAX) == plain


def test_a_payload_of_the_c_sharp_tests_is_read() -> None:
    vector = vectors("n3")["messages"][1]
    assert decompress(bytes.fromhex(vector["hex"])[3:], MAX) == bytes.fromhex(vector["decompressed"])


@pytest.mark.parametrize("by", [1, -1])
def test_a_length_that_is_off_by_one_is_refused(by: int) -> None:
    plain = bytes(range(200)) + bytes(200)
    with pytest.raises(CodecError, match=rf"{400 + by} bytes|has 400 bytes, not the 401"):
        decompress(packed(plain, announced=400 + by), MAX)


def test_a_length_beyond_the_limit_is_refused() -> None:
    assert decompress(packed(bytes(1000)), 1000) == bytes(1000)
    with pytest.raises(CodecError, match="announces 1001 bytes, at most 1000"):
        decompress(packed(bytes(1001)), 1000)


def test_a_length_that_so_few_bytes_cannot_stand_for_is_refused_before_it_is_allocated() -> None:
    block = bytes(100)
    assert 255 * len(block) < MAX
    with traced() as memory:
        with pytest.raises(CodecError, match="announces 25501 bytes, more than 100 can stand for"):
            decompress((25_501).to_bytes(4, "little") + block, MAX)
        with pytest.raises(CodecError, match="more than 100 can stand for"):
            decompress(MAX.to_bytes(4, "little") + block, MAX)
        assert memory()[1] < 20_000
    with pytest.raises(CodecError, match="no LZ4 block of 25500 bytes"):
        decompress((25_500).to_bytes(4, "little") + block, MAX)


def test_the_densest_block_is_within_that_bound() -> None:
    plain = bytes(MAX)
    assert decompress(packed(plain), MAX) == plain


@pytest.mark.parametrize("size", range(4))
def test_a_payload_too_short_for_a_length_is_refused(size: int) -> None:
    with pytest.raises(CodecError, match=f"has {size} bytes, at least 4"):
        decompress(bytes(size), MAX)


def test_a_cut_block_is_refused() -> None:
    whole = packed(bytes(range(256)))
    for size in range(4, len(whole)):
        with pytest.raises(CodecError):
            decompress(whole[:size], MAX)


def test_nobody_loads_lz4_who_does_not_meet_it() -> None:
    code = "import sys, headway.networks.neo3.codec; sys.exit('lz4' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
