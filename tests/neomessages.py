"""Messages of both generations of Neo, drawn at random: `LEGACY` and `N3`, a strategy a command.

Small ones, whatever they hold: what a message of the largest size does is for the unit tests. Called by property tests.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from hypothesis import strategies as st

from headway.network import Limits
from headway.networks.neo2.parser import PARSER as PARSER2
from headway.networks.neo3 import capabilities
from headway.networks.neo3.parser import PARSER as PARSER3
from headway.types import UNKNOWN_HEIGHT, Address, BlockId
from headway.wire import messages as m
from headway.wire.buffer import compact_size
from tests.messages import hashes, ips, texts, u8, u16, u32, u64

LIMITS: Final = Limits(
    max_payload=0x02000000,
    max_headers=2_000,
    full_headers=1,
    max_inventory=500,
    max_getdata=500,
    max_addresses=200,
    max_locator=16,
)
MAGIC2: Final = bytes.fromhex("416e7400")
MAGIC3: Final = 860_833_102

Strategy = st.SearchStrategy[Any]


def witness(invocation: bytes, verification: bytes) -> bytes:
    return b"\1" + compact_size(len(invocation)) + invocation + compact_size(len(verification)) + verification


def raw_headers(kept_size: int, longest: int) -> st.SearchStrategy[bytes]:
    scripts = st.binary(max_size=longest)
    kept = st.binary(min_size=kept_size, max_size=kept_size)
    return st.builds(lambda unsigned, *parts: unsigned + witness(*parts), kept, scripts, scripts)


def headers_message(raw: list[bytes], parser: m.Parser, separator: bytes) -> m.Headers:
    starts, ends, at = [], [], 0
    for each in raw:
        starts.append(at)
        ends.append(at + len(each))
        at = ends[-1] + len(separator)
    return m.Headers(b"".join(each + separator for each in raw), tuple(starts), tuple(ends), parser)


def inventories(cls: Callable[[Any], Any]) -> Strategy:
    """Of one type each: transactions, blocks, what Neo numbers as Bitcoin numbers something else, others."""
    kinds = st.sampled_from([m.InvType.TX, m.InvType.BLOCK, 0x103, 0x2E, 0xE0])
    listed = st.lists(hashes, min_size=1, max_size=100)
    return st.builds(lambda kind, found: cls(tuple(m.InvEntry(kind, each) for each in found)), kinds, listed)


def shared(parser: m.Parser, headers: st.SearchStrategy[bytes]) -> dict[str, Strategy]:
    blocks = st.builds(lambda header, rest: m.Block(header + rest, parser), headers, st.binary(max_size=200))
    return {
        "verack": st.just(m.Verack()),
        "ping": st.builds(m.Ping, u32, u32, u32),
        "pong": st.builds(m.Pong, u32, u32, u32),
        "block": blocks,
        "tx": st.binary(max_size=200).map(lambda raw: m.Tx(raw, parser)),
        "inv": inventories(m.Inv),
        "getdata": inventories(m.GetData),
        "notfound": inventories(m.NotFound),
        "getaddr": st.just(m.GetAddr()),
        "mempool": st.just(m.MemPool()),
        "filterload": st.builds(m.FilterLoad, st.binary(max_size=300), st.integers(0, 50), u32, st.just(0)),
        "filteradd": st.builds(m.FilterAdd, st.binary(max_size=520)),
        "filterclear": st.just(m.FilterClear()),
        "merkleblock": st.builds(
            m.MerkleBlock,
            headers,
            st.integers(0, 65_535),
            st.lists(hashes, max_size=20).map(tuple),
            st.binary(max_size=100),
            st.just(parser),
        ),
        "alert": st.builds(m.Alert, st.binary(max_size=100)),
    }


HEADERS2 = raw_headers(104, 300)
HEADERS3 = raw_headers(109, 300)
locators = st.lists(hashes.map(lambda raw: BlockId(UNKNOWN_HEIGHT, raw)), min_size=1, max_size=16).map(tuple)

LEGACY: Final[dict[str, Strategy]] = {
    **shared(PARSER2, HEADERS2),
    "version": st.builds(m.Version, u32, u64, u32, u32, texts(1024), u32, st.booleans(), u16),
    "getheaders": st.builds(m.GetHeaders, locators, hashes),
    "getblocks": st.builds(m.GetBlocks, locators, hashes),
    "headers": st.lists(HEADERS2, max_size=5).map(lambda raw: headers_message(raw, PARSER2, b"\0")),
    "addr": st.lists(st.builds(Address, ips, u16, u64, u32), min_size=1, max_size=50).map(
        lambda found: m.Addr(tuple(found))
    ),
}

known_capabilities = st.sampled_from(
    [
        (0x01, b"\x5d\x28"),
        (0x02, b"\x5d\x29"),
        (0x03, b"\0"),
        (0x10, b"\1\2\3\4"),
        (0x11, b"\0"),
    ]
)
unknown_capabilities = st.tuples(u8.filter(lambda kind: kind not in {1, 2, 3, 0x10, 0x11}), st.binary(max_size=1024))
capability_lists = st.builds(
    lambda known, unknown: (*known, *unknown),
    st.lists(known_capabilities, unique_by=lambda item: item[0], min_size=1),
    st.lists(unknown_capabilities, max_size=5),
)
counts = st.integers(0, 2_000)


def version3(
    magic: int, protocol: int, time: int, nonce: int, agent: str, found: capabilities.Capabilities
) -> m.Version:
    return m.Version(
        protocol,
        int(capabilities.is_full_node(found)),
        time,
        nonce,
        agent,
        capabilities.height_of(found),
        capabilities.is_full_node(found),
        port=capabilities.port_of(found),
        magic=magic,
        capabilities=found,
    )


N3: Final[dict[str, Strategy]] = {
    **shared(PARSER3, HEADERS3),
    "version": st.builds(version3, u32.filter(bool), u32, u32, u32, texts(1024), capability_lists),
    "getheaders": st.builds(lambda first, count: m.GetHeaders((), first_height=first, count=count), u32, counts),
    "getblocks": st.builds(
        lambda start, count: m.GetBlocks((BlockId(UNKNOWN_HEIGHT, start),), count=count),
        hashes,
        st.integers(0, 0x7FFF),
    ),
    "getblockbyindex": st.builds(m.GetBlockByIndex, u32, counts),
    "headers": st.lists(HEADERS3, min_size=1, max_size=5).map(lambda raw: headers_message(raw, PARSER3, b"")),
    "addr": st.lists(st.builds(Address, ips, u16, st.just(0), u32), min_size=1, max_size=50).map(
        lambda found: m.Addr(tuple(found))
    ),
}
