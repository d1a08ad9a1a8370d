"""Messages that hold raw bytes: headers are found where they lie, and parsed only when asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from headway.types import Hash, Header, Raw
from headway.wire.messages import Block, Headers, InvEntry, InvType, Tx

RECORDS = [bytes([n]) * 4 for n in range(1, 6)]


@dataclass(frozen=True)
class ToyHeader:
    raw: bytes

    @property
    def hash(self) -> Hash:
        return self.raw * 8

    @property
    def prev_hash(self) -> Hash:
        return bytes(32)

    @property
    def time(self) -> int:
        return self.raw[0]


@dataclass(frozen=True)
class ToyTransaction:
    txid: Hash


class ToyParser:
    def header(self, raw: bytes) -> Header:
        return ToyHeader(raw)

    def block_header(self, raw: Raw) -> Header:
        return ToyHeader(bytes(raw[:4]))

    def transactions(self, raw: Raw) -> Sequence[ToyTransaction]:
        return [ToyTransaction(bytes([b]) * 32) for b in raw[4:]]

    def transaction(self, raw: Raw) -> ToyTransaction:
        return ToyTransaction(bytes(raw) * 32)

    def transaction_forms(self, raw: Raw) -> dict[InvEntry, Raw]:
        return {InvEntry(InvType.TX, bytes(raw) * 32): raw}

    def stripped(self, raw: Raw) -> Raw:
        return raw

    @property
    def compact_form(self) -> None:
        return None


PARSER = ToyParser()


def back_to_back() -> Headers:
    return Headers.fixed(b"".join(RECORDS), PARSER, size=4)


def with_separators() -> Headers:
    return Headers.fixed(b"".join(record + b"\0\0\0" for record in RECORDS), PARSER, size=4, stride=7)


def of_any_size() -> Headers:
    """As Neo sends them: the place of each header is known only from having read the one before."""
    return Headers(b"-".join(RECORDS), tuple(range(0, 25, 5)), tuple(range(4, 25, 5)), PARSER)


SHAPES = pytest.mark.parametrize("headers", [back_to_back(), with_separators(), of_any_size()])


@SHAPES
def test_headers_are_a_sequence_whatever_lies_between_them(headers: Headers) -> None:
    assert len(headers) == 5
    assert [header.raw for header in headers] == RECORDS
    assert [header.time for header in headers[1:3]] == [2, 3]
    assert headers[-1].raw == headers.raw_at(4) == RECORDS[4]
    with pytest.raises(IndexError):
        headers[5]


@SHAPES
def test_compact_leaves_out_what_lies_between_headers(headers: Headers) -> None:
    assert headers.compact() == b"".join(RECORDS)


@SHAPES
def test_a_part_of_headers_is_a_smaller_message_of_the_same_shape(headers: Headers) -> None:
    for start in range(6):
        for stop in range(7):
            part = headers.part(start, stop)
            assert [header.raw for header in part] == RECORDS[start:stop]
            assert part.compact() == b"".join(RECORDS[start:stop])
            assert not part or part.stride == headers.stride
    assert headers.part(0, 5) == headers


def test_stride_tells_equal_sizes_from_unequal_ones() -> None:
    assert (back_to_back().stride, with_separators().stride, of_any_size().stride) == (4, 7, 0)


def test_no_headers_are_headers_too() -> None:
    empty = Headers.fixed(b"", PARSER, size=4)
    assert (len(empty), list(empty), empty.compact(), len(empty.part(0, 3))) == (0, [], b"", 0)


def test_a_torn_header_is_refused() -> None:
    with pytest.raises(ValueError, match="9 bytes are no whole number of headers, one every 4 bytes"):
        Headers.fixed(bytes(9), PARSER, size=4)


def test_a_block_parses_on_demand_from_the_bytes_it_was_given() -> None:
    block = Block(memoryview(b"headxy"), PARSER)
    assert bytes(block) == b"headxy"
    assert len(block) == 6
    assert block.header.raw == b"head"
    assert block.hash == b"head" * 8
    assert [tx.txid for tx in block.transactions] == [b"x" * 32, b"y" * 32]


def test_heavy_messages_are_equal_by_their_bytes_alone() -> None:
    assert Block(memoryview(b"head"), PARSER) == Block(b"head", ToyParser())
    assert Tx(b"t", PARSER) == Tx(memoryview(b"t"), ToyParser())
    assert Tx(b"t", PARSER).txid == b"t" * 32
    assert bytes(Tx(memoryview(b"t"), PARSER)) == b"t"


def test_raw_headers_are_joined_each_as_long_as_it_is() -> None:
    raws = [b"a", b"bcd", b"", b"ef"]
    joined = Headers.joined(raws, PARSER)
    assert joined.raw == b"abcdef"
    assert [joined.raw_at(number) for number in range(4)] == raws
    assert joined.stride == 0
    assert len(Headers.joined([], PARSER)) == 0
