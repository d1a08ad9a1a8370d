"""What both generations share, at its edges; that each message comes back as it was sent is in `prop/test_neo_wire`."""

from __future__ import annotations

import pytest

from headway.errors import CodecError, Consequence, LocalProtocolError, OversizedMessage
from headway.networks.dbft.format import Format
from headway.networks.dbft.payload import MAX_MERKLE_FLAGS, read_ip, write_ip
from headway.networks.neo2.payload import FORMATS as LEGACY
from headway.networks.neo3.parser import PARSER as PARSER3
from headway.networks.neo3.payload import formats
from headway.types import Raw
from headway.wire import messages as m
from headway.wire.buffer import Reader, Writer, compact_size
from tests.neomessages import LIMITS

N3 = formats(PARSER3)
BOTH = pytest.mark.parametrize("table", [LEGACY, N3], ids=["legacy", "n3"])
Table = dict[str, Format]

HASH = b"h" * 32
HEADER2, HEADER3 = bytes(104) + b"\1\0\0", bytes(109) + b"\1\0\0"


def decode(table: Table, command: str, payload: Raw) -> m.Message:
    return table[command].decode(payload, LIMITS)


def encode(table: Table, message: m.Message) -> bytes:
    return b"".join(table[message.command].encode(message, LIMITS))


@BOTH
def test_ping_and_pong_are_height_time_and_nonce(table: Table) -> None:
    payload = bytes.fromhex("0a000000 0b000000 0c000000")
    assert decode(table, "ping", payload) == m.Ping(12, 10, 11)
    assert decode(table, "pong", payload) == m.Pong(12, 10, 11)
    assert encode(table, m.Ping(12, 10, 11)) == payload
    with pytest.raises(LocalProtocolError, match=r"ping\.nonce is 4294967296, out of range"):
        encode(table, m.Ping(1 << 32))
    with pytest.raises(CodecError, match=r"ping\.nonce needs 4 bytes"):
        decode(table, "ping", payload[:11])
    with pytest.raises(LocalProtocolError, match=r"pong\.nonce is missing"):
        encode(table, m.Pong(None))


@pytest.mark.parametrize(
    ("table", "byte", "kind"),
    [
        (LEGACY, 0x01, m.InvType.TX),
        (LEGACY, 0x02, m.InvType.BLOCK),
        (LEGACY, 0x03, 0x103),  # a state root, not Bitcoin's filtered block
        (LEGACY, 0xE0, 0xE0),
        (N3, 0x2B, m.InvType.TX),
        (N3, 0x2C, m.InvType.BLOCK),
        (N3, 0x2E, 0x2E),
        (N3, 0x50, 0x50),
        (N3, 0x01, 0x101),
        (N3, 0x02, 0x102),
    ],
)
def test_types_of_inventory_are_neutral_for_transactions_and_blocks_alone(table: Table, byte: int, kind: int) -> None:
    payload = bytes([byte, 2]) + HASH * 2
    for cls in (m.Inv, m.GetData, m.NotFound):
        message = cls((m.InvEntry(kind, HASH),) * 2)
        assert decode(table, cls.command, payload) == message
        assert encode(table, message) == payload


@BOTH
@pytest.mark.parametrize(
    ("entries", "why"),
    [
        ((), "0 types"),
        ((m.InvEntry(m.InvType.TX, HASH), m.InvEntry(m.InvType.BLOCK, HASH)), "2 types"),
        ((m.InvEntry(m.InvType.WITNESS_BLOCK, HASH),), "no such inventory"),
        ((m.InvEntry(m.InvType.CMPCT_BLOCK, HASH),), "no such inventory"),
        ((m.InvEntry(0x1FF, HASH),), "no such inventory"),
        ((m.InvEntry(-1, HASH),), "out of range"),
        ((m.InvEntry(m.InvType.TX, HASH[1:]),), "a hash has 32"),
    ],
)
def test_inventory_that_neo_cannot_say_is_the_callers_mistake(
    table: Table, entries: tuple[m.InvEntry, ...], why: str
) -> None:
    with pytest.raises(LocalProtocolError, match=why):
        encode(table, m.GetData(entries))


@BOTH
def test_an_inventory_has_500_entries_and_no_more(table: Table) -> None:
    most = m.Inv((m.InvEntry(m.InvType.BLOCK, HASH),) * 500)
    payload = encode(table, most)
    assert decode(table, "inv", payload) == most
    with pytest.raises(OversizedMessage, match="is 501, at most 500") as caught:
        decode(table, "inv", payload[:1] + compact_size(501) + HASH * 501)
    assert caught.value.consequence is Consequence.DISCOURAGE
    with pytest.raises(LocalProtocolError, match="is 501, at most 500"):
        encode(table, m.Inv(most.entries + most.entries[:1]))


@BOTH
def test_an_inventory_of_nothing_is_read(table: Table) -> None:
    assert decode(table, "inv", b"\2\0") == m.Inv(())


@pytest.mark.parametrize(
    ("table", "header", "separator"), [(LEGACY, HEADER2, b"\0"), (N3, HEADER3, b"")], ids=["legacy", "n3"]
)
class TestHeaders:
    def test_headers_of_any_size_stand_where_they_end(self, table: Table, header: bytes, separator: bytes) -> None:
        longer = header[:-2] + b"\2in\3ver"
        payload = b"\3" + b"".join(each + separator for each in (header, longer, header))
        headers = decode(table, "headers", payload)
        assert isinstance(headers, m.Headers)
        assert [headers.raw_at(i) for i in range(3)] == [header, longer, header]
        assert [each.raw for each in headers] == [header, longer, header]
        assert headers.compact() == header + longer + header
        assert encode(table, headers) == payload
        assert encode(table, headers.part(1, 2)) == b"\1" + longer + separator

    def test_headers_back_to_back_are_written_as_the_message_has_them(
        self, table: Table, header: bytes, separator: bytes
    ) -> None:
        stored = m.Headers.fixed(header * 2, PARSER3, size=len(header))
        assert encode(table, stored) == b"\2" + (header + separator) * 2

    def test_there_are_2000_and_no_more(self, table: Table, header: bytes, separator: bytes) -> None:
        payload = compact_size(2000) + (header + separator) * 2000
        headers = decode(table, "headers", payload)
        assert isinstance(headers, m.Headers)
        assert len(headers) == 2000
        assert encode(table, headers) == payload
        with pytest.raises(OversizedMessage, match="is 2001, at most 2000"):
            decode(table, "headers", compact_size(2001) + (header + separator) * 2001)
        with pytest.raises(LocalProtocolError, match="is 2001, at most 2000"):
            encode(table, m.Headers.fixed(header * 2001, PARSER3, size=len(header)))

    def test_bytes_after_the_last_are_ignored(self, table: Table, header: bytes, separator: bytes) -> None:
        headers = decode(table, "headers", b"\1" + header + separator + b"more")
        assert isinstance(headers, m.Headers)
        assert headers.raw == header + separator

    def test_a_torn_header_is_refused(self, table: Table, header: bytes, separator: bytes) -> None:
        with pytest.raises(CodecError, match=r"headers\.header 1: a script|headers\.header 1: a header does not end"):
            decode(table, "headers", b"\2" + header + separator + header[:-1] + b"\x09" + separator)

    def test_what_is_no_whole_header_is_not_sent(self, table: Table, header: bytes, separator: bytes) -> None:
        del separator
        kept = header[:-3]
        with pytest.raises(LocalProtocolError, match=r"headers\.header: a header does not end"):
            encode(table, m.Headers.fixed(kept, PARSER3, size=len(kept)))
        with pytest.raises(LocalProtocolError, match="1 bytes too many"):
            encode(table, m.Headers.fixed(header + b"\0", PARSER3, size=len(header) + 1))

    def test_a_block_is_no_smaller_than_a_header(self, table: Table, header: bytes, separator: bytes) -> None:
        del separator
        assert decode(table, "block", memoryview(header)) == m.Block(header, PARSER3)
        with pytest.raises(CodecError, match=f"has {len(header) - 1} bytes"):
            decode(table, "block", header[:-1])

    def test_a_merkleblock_is_read_to_its_flags(self, table: Table, header: bytes, separator: bytes) -> None:
        del separator
        message = decode(table, "merkleblock", memoryview(header + b"\5\2" + HASH * 2 + b"\1\x1f"))
        assert message == m.MerkleBlock(header, 5, (HASH, HASH), b"\x1f", PARSER3)
        with pytest.raises(CodecError, match=r"merkleblock\.header"):
            decode(table, "merkleblock", header[:-1])
        with pytest.raises(LocalProtocolError, match=r"merkleblock\.header"):
            encode(table, m.MerkleBlock(header[:-1], 5, (), b"", PARSER3))

    @pytest.mark.parametrize(
        ("tail", "why"),
        [
            (compact_size(65_536), r"merkleblock\.transactions is 65536, at most 65535"),
            (b"\1" + compact_size(65_536) + HASH, r"merkleblock\.hashes is 65536, at most 65535"),
            (b"\1\0" + compact_size(MAX_MERKLE_FLAGS + 1), r"merkleblock\.flags length is 8193, at most 8192"),
        ],
    )
    def test_the_limits_of_a_merkleblock_hold(
        self, table: Table, header: bytes, separator: bytes, tail: bytes, why: str
    ) -> None:
        del separator
        with pytest.raises(CodecError, match=why):
            decode(table, "merkleblock", header + tail)

    def test_the_largest_merkleblock_is_read(self, table: Table, header: bytes, separator: bytes) -> None:
        del separator
        largest = m.MerkleBlock(header, 65_535, (HASH,) * 65_535, bytes(MAX_MERKLE_FLAGS), PARSER3)
        assert decode(table, "merkleblock", encode(table, largest)) == largest


@BOTH
def test_a_filter_has_36000_bytes_and_50_functions_at_most(table: Table) -> None:
    largest = m.FilterLoad(bytes(36_000), 50, 7, 0)
    payload = encode(table, largest)
    assert decode(table, "filterload", payload) == largest
    with pytest.raises(CodecError, match=r"filterload\.data length is 36001"):
        decode(table, "filterload", compact_size(36_001) + bytes(36_006))
    with pytest.raises(CodecError, match=r"filterload\.functions is 51"):
        decode(table, "filterload", b"\0" + b"\x33" + bytes(4))
    for wrong in (m.FilterLoad(b"", 51, 0, 0), m.FilterLoad(bytes(36_001), 1, 0, 0), m.FilterLoad(b"", 1, 0, 1)):
        with pytest.raises(LocalProtocolError, match="filterload"):
            encode(table, wrong)


@BOTH
def test_what_is_added_to_a_filter_has_520_bytes_at_most(table: Table) -> None:
    largest = m.FilterAdd(bytes(520))
    assert decode(table, "filteradd", encode(table, largest)) == largest
    with pytest.raises(CodecError, match="is 521, at most 520"):
        decode(table, "filteradd", compact_size(521) + bytes(521))
    with pytest.raises(LocalProtocolError, match="is 521, at most 520"):
        encode(table, m.FilterAdd(bytes(521)))


@BOTH
def test_an_alert_is_kept_unread(table: Table) -> None:
    assert decode(table, "alert", b"anything") == m.Alert(b"anything")


@pytest.mark.parametrize(
    ("text", "packed"),
    [
        ("1.2.3.4", bytes(10) + b"\xff\xff\1\2\3\4"),
        ("2001:db8::1", bytes.fromhex("20010db8000000000000000000000001")),
    ],
)
def test_addresses_have_16_bytes(text: str, packed: bytes) -> None:
    writer = Writer()
    write_ip(writer, text, "ip")
    assert bytes(writer) == packed
    assert read_ip(Reader(packed), "ip") == text


def test_a_name_is_no_address() -> None:
    with pytest.raises(LocalProtocolError, match=r"ip cannot carry seed1\.neo\.org"):
        write_ip(Writer(), "seed1.neo.org", "ip")
