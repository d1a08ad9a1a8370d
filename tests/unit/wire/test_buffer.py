"""Fields of a payload: bounds first, then bytes, and never anything in between."""

from __future__ import annotations

import pytest

from headway.errors import CodecError, LocalProtocolError, OversizedMessage
from headway.wire.buffer import MAX_SIZE, Reader, Writer, compact_size
from tests.memory import traced


def test_integers_are_read_in_the_order_of_their_bytes() -> None:
    reader = Reader(bytes.fromhex("01 0203 0203 04050607 fffffffe feffffffffffffff 0000000000000080"))
    assert reader.u8("a") == 1
    assert reader.u16("b") == 0x0302
    assert reader.u16("c", "big") == 0x0203
    assert reader.u32("d") == 0x07060504
    assert reader.u32("e", "big") == 0xFFFFFFFE
    assert reader.i64("f") == -2
    assert reader.u64("g") == 1 << 63
    reader.end("payload")


def test_an_integer_that_is_not_all_there_names_its_field() -> None:
    with pytest.raises(CodecError, match=r"^version\.nonce needs 8 bytes, 7 are left$"):
        Reader(bytes(7)).u64("version.nonce")


def test_short_ids_have_48_bits() -> None:
    writer = Writer()
    writer.u48(0x0605_0403_0201, "id")
    assert bytes(writer) == bytes(range(1, 7))
    assert Reader(bytes(writer)).u48("id") == 0x0605_0403_0201
    with pytest.raises(LocalProtocolError, match="id is 281474976710656, out of range for an unsigned 48-bit field"):
        writer.u48(1 << 48, "id")


def test_what_is_passed_over_can_still_be_had() -> None:
    reader = Reader(memoryview(bytes(range(9))))
    reader.skip(2, "head")
    reader.skip(3, "body")
    assert reader.since(2) == bytes([2, 3, 4])
    assert reader.u8("next") == 5
    with pytest.raises(CodecError, match=r"^tail needs 4 bytes, 3 are left$"):
        reader.skip(4, "tail")
    assert reader.rest() == bytes([6, 7, 8])


@pytest.mark.parametrize("value", [0, 1, 0xFC, 0xFD, 0xFFFF, 0x10000, MAX_SIZE, 0xFFFFFFFF, 1 << 32, (1 << 64) - 1])
def test_compact_sizes_come_back_and_are_as_short_as_can_be(value: int) -> None:
    encoded = compact_size(value)
    reader = Reader(encoded)
    assert reader.compact_size("n", (1 << 64) - 1) == value
    assert reader.remaining == 0
    assert len(encoded) == (1 if value < 0xFD else 3 if value < 1 << 16 else 5 if value < 1 << 32 else 9)


@pytest.mark.parametrize("encoded", ["fdfc00", "fd0000", "feffff0000", "fffffffff000000000", "ff0000000000000000"])
def test_a_compact_size_in_a_longer_form_than_needed_is_refused(encoded: str) -> None:
    with pytest.raises(CodecError, match=r"shortest form") as caught:
        Reader(bytes.fromhex(encoded)).compact_size("n", (1 << 64) - 1)
    assert str(caught.value).startswith("n ")


def test_a_compact_size_that_is_cut_off_is_refused() -> None:
    for encoded in ("", "fd", "fdff", "fe000001", "ff00000001000000"):
        with pytest.raises(CodecError, match=r"^n needs [1248] bytes"):
            Reader(bytes.fromhex(encoded)).compact_size("n")


def test_a_compact_size_beyond_its_limit_is_refused_with_value_and_bound() -> None:
    with pytest.raises(CodecError, match=r"^n is 33554433, at most 33554432$"):
        Reader(compact_size(MAX_SIZE + 1)).compact_size("n")
    assert Reader(compact_size(MAX_SIZE)).compact_size("n") == MAX_SIZE


def test_a_count_at_its_limit_is_taken_and_one_more_is_not() -> None:
    assert Reader(compact_size(3) + bytes(6)).count("entries", 3, 2) == 3
    with pytest.raises(CodecError, match=r"^entries is 4, at most 3$") as caught:
        Reader(compact_size(4) + bytes(8)).count("entries", 3, 2)
    assert not isinstance(caught.value, OversizedMessage)
    with pytest.raises(OversizedMessage, match=r"^entries is 4, at most 3$"):
        Reader(compact_size(4) + bytes(8)).count("entries", 3, 2, error=OversizedMessage)


def test_a_count_without_the_bytes_for_it_is_refused() -> None:
    with pytest.raises(CodecError, match=r"^entries is 3: 6 bytes at least, 5 are left$"):
        Reader(compact_size(3) + bytes(5)).count("entries", 3, 2)


def test_a_length_without_its_bytes_allocates_nothing() -> None:
    hostile = compact_size(MAX_SIZE) + b"x"
    with traced() as memory:
        with pytest.raises(CodecError, match=r"script length is 33554432"):
            Reader(hostile).var_bytes("script", MAX_SIZE)
        assert memory()[1] < 100_000


def test_byte_strings_and_texts_are_bounded() -> None:
    reader = Reader(memoryview(b"\x03abc\x02\xff\x00rest"))
    assert reader.var_bytes("data", 3) == b"abc"
    assert reader.var_str("text", 2) == "\xff\x00"
    assert reader.rest() == b"rest"
    with pytest.raises(CodecError, match=r"^text length is 257, at most 256$"):
        Reader(compact_size(257) + bytes(257)).var_str("text", 256)


def test_bytes_left_over_are_an_error_only_where_the_end_is_asked_for() -> None:
    reader = Reader(b"abc")
    reader.take(1, "first")
    with pytest.raises(CodecError, match=r"^block has 2 bytes too many, after 1$"):
        reader.end("block")


def test_what_is_taken_is_bytes_whatever_it_was_taken_from() -> None:
    assert type(Reader(memoryview(b"abc")).take(2, "x")) is bytes


def test_the_writer_is_the_readers_twin() -> None:
    writer = Writer()
    writer.u8(1, "a")
    writer.u16(2, "b")
    writer.u16(3, "c", "big")
    writer.u32(4, "d")
    writer.u64(5, "e")
    writer.i32(-6, "f")
    writer.i64(-7, "g")
    writer.hash(bytes(range(32)), "h")
    writer.compact_size(300, "i")
    writer.var_bytes(b"xyz", "j", 3)
    writer.var_str("\xe9", "k", 1)
    writer.raw(memoryview(b"tail"))
    reader = Reader(bytes(writer))
    assert (reader.u8("a"), reader.u16("b"), reader.u16("c", "big")) == (1, 2, 3)
    assert (reader.u32("d"), reader.u64("e"), reader.i32("f"), reader.i64("g")) == (4, 5, -6, -7)
    assert (reader.hash("h"), reader.compact_size("i")) == (bytes(range(32)), 300)
    assert (reader.var_bytes("j", 3), reader.var_str("k", 1), reader.rest()) == (b"xyz", "\xe9", b"tail")


def test_our_own_values_out_of_range_are_our_own_mistake() -> None:
    writer = Writer()
    with pytest.raises(LocalProtocolError, match=r"^port is 65536, out of range for an unsigned 16-bit field$"):
        writer.u16(65536, "port")
    with pytest.raises(LocalProtocolError, match=r"^height is 2147483648, out of range for a signed 32-bit field$"):
        writer.i32(1 << 31, "height")
    with pytest.raises(LocalProtocolError, match=r"^stop has 31 bytes, a hash has 32$"):
        writer.hash(bytes(31), "stop")
    with pytest.raises(LocalProtocolError, match=r"^count is 102, at most 101$"):
        writer.compact_size(102, "count", 101)
    with pytest.raises(LocalProtocolError, match=r"^agent length is 257, at most 256$"):
        writer.var_str("x" * 257, "agent", 256)
    with pytest.raises(LocalProtocolError, match=r"^agent cannot hold '₿'$"):
        writer.var_str("₿", "agent", 256)
    assert bytes(writer) == b""
