from __future__ import annotations

import pytest

from headway.errors import CodecError, LocalProtocolError, OversizedMessage
from headway.networks.neo2.parser import PARSER
from headway.networks.neo2.payload import FORMATS, MAX_LOCATOR
from headway.types import UNKNOWN_HEIGHT, ZERO_HASH, Address, BlockId, Raw, hash_from_hex
from headway.wire import messages as m
from headway.wire.buffer import compact_size
from tests.neodata import vectors
from tests.neomessages import LIMITS

HASH = b"h" * 32


def decode(command: str, payload: Raw) -> m.Message:
    return FORMATS[command].decode(payload, LIMITS)


def encode(message: m.Message) -> bytes:
    return b"".join(FORMATS[message.command].encode(message, LIMITS))


def locator(count: int) -> tuple[BlockId, ...]:
    return (BlockId(UNKNOWN_HEIGHT, HASH),) * count


# protocol, services, time, port, nonce, user agent, height, relay
VERSION = bytes.fromhex("00000000 0100000000000000 0b000000 5d28 0d000000 022f61 0e000000 01")


def test_a_version_is_read_to_the_letter() -> None:
    version = m.Version(0, 1, 11, 13, "/a", 14, relay=True, port=10333)
    assert decode("version", VERSION) == version
    assert encode(version) == VERSION
    with pytest.raises(LocalProtocolError, match=r"version\.nonce is 4294967296, out of range"):
        encode(m.Version(0, 1, 11, 1 << 32, "/a", 14))


def test_a_version_that_ends_too_soon_is_refused() -> None:
    for size in range(len(VERSION)):
        with pytest.raises(CodecError, match=r"version\."):
            decode("version", VERSION[:size])


def test_a_user_agent_has_1024_bytes_and_no_more() -> None:
    longest = m.Version(0, 1, 11, 13, "a" * 1024, 14)
    assert decode("version", encode(longest)) == longest
    with pytest.raises(LocalProtocolError, match="is 1025, at most 1024"):
        encode(m.Version(0, 1, 11, 13, "a" * 1025, 14))
    with pytest.raises(CodecError, match="is 1025, at most 1024"):
        decode("version", VERSION[:22] + compact_size(1025) + bytes(1100))


def test_the_header_of_a_real_headers_message_is_found() -> None:
    vector = vectors("legacy")["headers_message_payload_mainnet_10"]
    payload = bytes.fromhex(vector["hex"])
    headers = decode("headers", payload)
    assert isinstance(headers, m.Headers)
    (header,) = headers
    assert header.hash == hash_from_hex(vector["hash"])
    assert encode(headers) == payload


def test_headers_of_the_vectors_come_back_as_they_were_sent() -> None:
    parts = [bytes.fromhex(v["header_hex_in_headers_msg"]) for v in vectors("legacy")["blocks"].values() if "prev" in v]
    payload = compact_size(len(parts)) + b"".join(parts)
    headers = decode("headers", payload)
    assert isinstance(headers, m.Headers)
    assert [headers.raw_at(i) + b"\0" for i in range(len(parts))] == parts
    assert encode(headers) == payload


def test_a_header_must_be_followed_by_no_transactions() -> None:
    header = bytes(104) + b"\1\0\0"
    with pytest.raises(CodecError, match=r"headers\.header 0 is followed by 01, not 00"):
        decode("headers", b"\1" + header + b"\1")


def test_neo_one_gives_no_headers_at_all() -> None:
    assert decode("headers", b"\0") == m.Headers(b"", (), (), PARSER)
    assert encode(m.Headers(b"", (), (), PARSER)) == b"\0"


def test_a_real_getheaders_is_read_to_the_letter() -> None:
    payload = bytes.fromhex(vectors("legacy")["getheaders_payload_from_genesis_mainnet"]["hex"])
    genesis = hash_from_hex("d42561e3d30e15be6400b6df2f328e02d2bf6354c41dce433bc57687c82144bf")
    message = m.GetHeaders((BlockId(UNKNOWN_HEIGHT, genesis),), ZERO_HASH)
    assert decode("getheaders", payload) == message
    assert encode(message) == payload


@pytest.mark.parametrize("cls", [m.GetHeaders, m.GetBlocks])
def test_a_locator_has_16_hashes_and_no_more(cls: type[m.GetHeaders | m.GetBlocks]) -> None:
    longest = cls(locator(MAX_LOCATOR), HASH)
    assert decode(cls.command, encode(longest)) == longest
    with pytest.raises(CodecError, match="is 17, at most 16"):
        decode(cls.command, b"\x11" + HASH * 18)
    with pytest.raises(LocalProtocolError, match="is 17, at most 16"):
        encode(cls(locator(17), HASH))
    with pytest.raises(LocalProtocolError, match="locator is empty"):
        encode(cls((), HASH))


def test_an_address_is_read_to_the_letter() -> None:
    payload = bytes.fromhex("01 0b000000 0100000000000000 00000000000000000000ffff01020304 285d")
    message = decode("addr", payload)
    assert message == m.Addr((Address("1.2.3.4", 10333),))
    assert isinstance(message, m.Addr)
    assert [(each.services, each.last_seen) for each in message.addresses] == [(1, 11)]
    assert encode(message) == payload


def test_an_addr_has_1_to_200_addresses() -> None:
    most = m.Addr((Address("1.2.3.4", 10333),) * 200)
    assert decode("addr", encode(most)) == most
    with pytest.raises(OversizedMessage, match="is 201, at most 200"):
        decode("addr", compact_size(201) + bytes(30 * 201))
    with pytest.raises(LocalProtocolError, match="is 201, at most 200"):
        encode(m.Addr((Address("1.2.3.4", 10333),) * 201))
    with pytest.raises(LocalProtocolError, match="says nothing"):
        encode(m.Addr(()))
    with pytest.raises(LocalProtocolError, match="no IP address"):
        encode(m.Addr((Address("a.onion", 1),)))
