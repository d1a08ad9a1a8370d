"""Every message of a network, drawn at random: one line a network, and the property tests hold it to its promises.

`WORDS[name]` is a strategy for each kind of message that the network of that name knows, and for one that it does not.
Bitcoin's are written down in `tests.messages`. Called by property tests.
"""

from __future__ import annotations

from typing import Any, TypeAlias

from hypothesis import strategies as st

from headway.network import Network
from headway.types import UNKNOWN_HEIGHT, Address, BlockId
from headway.wire import messages as m
from tests.messages import MESSAGES as BITCOIN
from tests.messages import hashes, ips, texts, u8, u32, u64
from tests.neomessages import LEGACY, N3
from tests.toynet import HEADER_SIZE, PARSER

Words: TypeAlias = dict[str, st.SearchStrategy[Any]]

raws = st.binary(max_size=200)
locators = st.lists(hashes.map(lambda raw: BlockId(UNKNOWN_HEIGHT, raw)), max_size=101).map(tuple)
entries = st.lists(st.builds(m.InvEntry, u8, hashes), max_size=300).map(tuple)
records = st.lists(st.binary(min_size=HEADER_SIZE, max_size=HEADER_SIZE), max_size=10).map(b"".join)
addresses = st.lists(st.builds(Address, ips, st.integers(1, 2**16 - 1)), max_size=20).map(tuple)

TOY: Words = {
    "version": st.builds(m.Version, u32, u64, u64, u64, texts(256), u32),
    "verack": st.just(m.Verack()),
    "ping": st.builds(m.Ping, st.none() | u64),
    "pong": st.builds(m.Pong, st.none() | u64),
    "getheaders": st.builds(m.GetHeaders, locators, hashes),
    "headers": records.map(lambda raw: m.Headers.fixed(raw, PARSER, size=HEADER_SIZE)),
    "getdata": st.builds(m.GetData, entries),
    "block": raws.map(lambda raw: m.Block(raw, PARSER)),
    "tx": raws.map(lambda raw: m.Tx(raw, PARSER)),
    "notfound": st.builds(m.NotFound, entries),
    "addr": st.builds(m.Addr, addresses),
    "getaddr": st.just(m.GetAddr()),
    "inv": st.builds(m.Inv, entries),
    "getblocks": st.builds(m.GetBlocks, locators, hashes),
    "sendaddrv2": st.just(m.SendAddrV2()),
}
UNKNOWN = st.builds(m.Unknown, st.integers(15, 255).map(lambda number: f"toy{number}"), raws)
"""Of a type that no network here knows; the toy network has no other names for them."""

WORDS: dict[str, Words] = {
    "regtest": BITCOIN | {"unknown": UNKNOWN},
    "toynet": TOY | {"unknown": UNKNOWN},
    "neo2": LEGACY | {"unknown": UNKNOWN},
    "neo3": {word: strategy for word, strategy in N3.items() if word != "pong"},  # which comes as an answer to a ping
}


def any_message(network: Network) -> st.SearchStrategy[Any]:
    """Any message that a remote of this network may send. (A private network's name begins with that of its chain.)"""
    return st.one_of(*next(words for name, words in WORDS.items() if network.name.startswith(name)).values())
