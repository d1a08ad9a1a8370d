"""Short ids: the vectors of SipHash's reference code, and what both twins say."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway import kernel
from headway.kernel.siphash import short_ids

KEY = (0x0706050403020100, 0x0F0E0D0C0B0A0908)
"""The bytes 0 to 15."""


def test_the_known_value_for_the_bytes_0_to_31() -> None:
    """`vectors_sip64[32]` of the reference implementation; Core's hash_tests.cpp has the same."""
    assert short_ids(*KEY, bytes(range(32))) == [0x7127512F72F27CCE & 0xFFFFFFFFFFFF]


def test_no_hashes_give_no_ids_and_a_torn_one_is_an_error() -> None:
    assert short_ids(*KEY, b"") == []
    for function in (short_ids, kernel.short_ids):
        with pytest.raises(ValueError, match="33"):
            function(*KEY, bytes(33))


@given(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1), st.lists(st.binary(min_size=32, max_size=32), max_size=20))
def test_both_twins_agree(key0: int, key1: int, hashes: list[bytes]) -> None:
    assert kernel.short_ids(key0, key1, b"".join(hashes)) == short_ids(key0, key1, b"".join(hashes))
