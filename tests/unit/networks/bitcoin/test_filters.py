"""Bloom filters and compact filters: their bytes, and every bound from both sides."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Final

import pytest

from headway.errors import CodecError, Consequence, LocalProtocolError, OversizedMessage
from headway.network import Limits
from headway.networks.bitcoin.filters import FORMATS
from headway.networks.bitcoin.parser import PARSER
from headway.types import Raw, hash_from_hex
from headway.wire import messages as m
from headway.wire.buffer import compact_size
from tests.data import read
from tests.memory import traced

HASH: Final = bytes(range(32))
HEADER: Final = bytes(range(80))


def decode(command: str, payload: Raw) -> m.Message:
    return FORMATS[command].decode(payload, Limits())


def encode(message: m.Message) -> bytes:
    return b"".join(FORMATS[message.command].encode(message, Limits()))


# --- Bloom filters (BIP37)


def test_a_bloom_filter_is_read_field_by_field() -> None:
    payload = bytes.fromhex("03 614e9b 05000000 00000080 01")
    message = decode("filterload", payload)
    assert message == m.FilterLoad(bytes.fromhex("614e9b"), functions=5, tweak=1 << 31, flags=1)
    assert encode(message) == payload


def test_a_bloom_filter_of_36000_bytes_and_50_functions_is_read_and_a_larger_one_discouraged() -> None:
    largest = m.FilterLoad(bytes(36_000), 50, 0, 0)
    assert decode("filterload", encode(largest)) == largest
    larger = compact_size(36_001) + bytes(36_001) + bytes(9)
    more_functions = b"\x01\xff\x33" + bytes(8)
    for payload, why in (
        (larger, "data length is 36001, at most 36000"),
        (more_functions, "functions is 51, at most 50"),
    ):
        with pytest.raises(OversizedMessage, match=f"filterload.{why}") as caught:
            decode("filterload", payload)
        assert caught.value.consequence is Consequence.DISCOURAGE
    with pytest.raises(LocalProtocolError, match=r"filterload.data length is 36001, at most 36000"):
        encode(replace(largest, data=bytes(36_001)))
    with pytest.raises(LocalProtocolError, match=r"filterload.functions is 51, at most 50"):
        encode(replace(largest, functions=51))


def test_520_bytes_are_added_to_a_filter_and_521_discouraged() -> None:
    longest = m.FilterAdd(bytes(520))
    assert decode("filteradd", encode(longest)) == longest
    with pytest.raises(OversizedMessage, match=r"filteradd.data length is 521, at most 520"):
        decode("filteradd", compact_size(521) + bytes(521))
    with pytest.raises(LocalProtocolError, match=r"filteradd.data length is 521, at most 520"):
        encode(m.FilterAdd(bytes(521)))


def test_a_filter_is_cleared_without_a_word() -> None:
    assert encode(m.FilterClear()) == b""
    assert decode("filterclear", b"ignored") == m.FilterClear()


def test_a_real_merkle_block_is_read_and_written_byte_for_byte() -> None:
    payload = read("bitcoin", "p2p", "merkle300025.raw")
    block = decode("merkleblock", payload)
    assert isinstance(block, m.MerkleBlock)
    assert block.header.prev_hash == payload[4:36]
    assert (block.transactions, len(block.hashes), len(block.flags)) == (461, 10, 3)
    assert encode(block) == payload


def test_a_merkle_block_is_bounded_by_its_payload() -> None:
    block = m.MerkleBlock(HEADER, 2, (HASH, HASH), b"\x07", PARSER)
    payload = encode(block)
    assert decode("merkleblock", payload) == block
    for count in (3, 1 << 24):
        with traced() as memory:
            with pytest.raises(CodecError) as refused:
                decode("merkleblock", payload[:84] + compact_size(count) + payload[85:])
            assert memory()[1] < 20_000
        assert re.match(rf"merkleblock.hashes is {count}: \d+ bytes at least", str(refused.value))
    with pytest.raises(LocalProtocolError, match=r"merkleblock.header has 79 bytes, a header has 80"):
        encode(replace(block, raw_header=HEADER[:79]))
    with pytest.raises(LocalProtocolError, match=r"merkleblock.hashes has 31 bytes, a hash has 32"):
        encode(replace(block, hashes=(HASH[:31],)))


# --- compact filters (BIP157)


def test_the_filters_of_bip158_travel_as_they_are() -> None:
    vectors = json.loads(read("bitcoin", "vectors", "bip0158-testnet-19.json"))[1:]
    assert len(vectors) == 10
    for _, block_hash, _, _, previous, content, _, _ in vectors:
        message = m.CFilter(0, hash_from_hex(block_hash), bytes.fromhex(content))
        payload = b"\0" + bytes.fromhex(block_hash)[::-1] + compact_size(len(content) // 2) + bytes.fromhex(content)
        assert encode(message) == payload
        assert decode("cfilter", payload) == message
        answer = m.CFHeaders(0, hash_from_hex(block_hash), hash_from_hex(previous), (HASH,))
        assert decode("cfheaders", encode(answer)) == answer


@pytest.mark.parametrize(("command", "cls"), [("getcfilters", m.GetCFilters), ("getcfheaders", m.GetCFHeaders)])
def test_a_range_of_filters_is_a_height_and_a_hash(command: str, cls: type[m.GetCFilters | m.GetCFHeaders]) -> None:
    payload = b"\x00\x40\x0d\x03\x00" + HASH
    assert decode(command, payload) == cls(0, 200_000, HASH)
    assert encode(cls(0, 200_000, HASH)) == payload
    for size in range(len(payload)):
        with pytest.raises(CodecError, match=f"^{command}"):
            decode(command, payload[:size])


def test_checkpoints_are_asked_for_by_their_last_block() -> None:
    assert encode(m.GetCFCheckpt(0, HASH)) == b"\0" + HASH
    assert decode("getcfcheckpt", b"\0" + HASH) == m.GetCFCheckpt(0, HASH)


@pytest.mark.parametrize(
    ("message", "field", "limit"),
    [
        (m.CFHeaders(0, HASH, HASH, (HASH,) * 2_000), "cfheaders.filter_hashes", 2_000),
        (m.CFCheckpt(0, HASH, (HASH,) * 10_000), "cfcheckpt.filter_headers", 10_000),
    ],
    ids=["cfheaders", "cfcheckpt"],
)
def test_lists_of_filters_are_read_up_to_their_bounds(
    message: m.CFHeaders | m.CFCheckpt, field: str, limit: int
) -> None:
    payload = encode(message)
    assert decode(message.command, payload) == message
    start = payload[: -32 * limit - len(compact_size(limit))]
    with pytest.raises(CodecError, match=f"{field} is {limit + 1}, at most {limit}"):
        decode(message.command, start + compact_size(limit + 1) + HASH * (limit + 1))
    larger: m.Message
    if isinstance(message, m.CFHeaders):
        larger = replace(message, filter_hashes=(HASH,) * (limit + 1))
    else:
        larger = replace(message, filter_headers=(HASH,) * (limit + 1))
    with pytest.raises(LocalProtocolError, match=f"{field} is {limit + 1}, at most {limit}"):
        encode(larger)


def test_a_filter_is_as_long_as_its_payload_lets_it() -> None:
    longest = m.CFilter(0, HASH, bytes(3_999_962))
    assert len(encode(longest)) == 4_000_000
    assert decode("cfilter", encode(longest)) == longest
    with pytest.raises(CodecError, match=r"cfilter.filter length is 5: 5 bytes at least, 4 are left"):
        decode("cfilter", b"\0" + HASH + b"\x05" + bytes(4))
