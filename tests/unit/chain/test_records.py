"""Headers as records: fixed sizes back to back, varying ones behind their lengths."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from headway.chain.records import pack, unpack
from headway.network import Headers
from tests.toynet import HEADER_SIZE, PARSER, TOYNET, ToyRules, toy_chain, toy_headers


@dataclass(frozen=True, slots=True)
class VaryingRules(ToyRules):
    header_size: int = 0


VARYING = replace(TOYNET, rules=VaryingRules())


def varying(*parts: bytes) -> Headers:
    """Headers with a byte between them, as some chains put it there."""
    starts, ends, raw = [], [], b""
    for part in parts:
        starts.append(len(raw))
        raw += part
        ends.append(len(raw))
        raw += b"\0"
    return Headers(raw, tuple(starts), tuple(ends), PARSER)


def test_headers_of_one_size_stand_back_to_back() -> None:
    headers = toy_headers(toy_chain(3))
    assert pack(headers, HEADER_SIZE) == headers.raw
    assert unpack(headers.raw, TOYNET) == headers


def test_varying_headers_come_back_without_what_stood_between_them() -> None:
    packed = pack(varying(b"a" * 5, b"", b"c" * 300), 0)
    assert packed == b"\5\0\0\0aaaaa" + bytes(4) + b"\x2c\1\0\0" + b"c" * 300
    again = unpack(packed, VARYING)
    assert [again.raw_at(number) for number in range(len(again))] == [b"a" * 5, b"", b"c" * 300]


@pytest.mark.parametrize("keep", range(1, 12))
def test_a_torn_last_record_is_refused(keep: int) -> None:
    packed = pack(varying(b"abcdefgh"), 0)
    with pytest.raises(ValueError, match="torn"):
        unpack(packed[:keep], VARYING)


def test_torn_headers_of_one_size_are_refused() -> None:
    with pytest.raises(ValueError, match="no whole number"):
        unpack(bytes(HEADER_SIZE + 1), TOYNET)
