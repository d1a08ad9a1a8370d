"""Bitcoin messages of every kind, drawn at random: `MESSAGES`, a strategy a command.

Small ones, whatever they hold: what a message of the largest size does is for the unit tests. Called by property tests.
"""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from headway.networks.bitcoin.address import NetworkId, to_address
from headway.networks.bitcoin.parser import PARSER
from headway.types import UNKNOWN_HEIGHT, Address, BlockId
from headway.wire import messages as m
from tests.chain_builder import transaction, tx_input, tx_output

u16, u32, u64 = st.integers(0, 2**16 - 1), st.integers(0, 2**32 - 1), st.integers(0, 2**64 - 1)
i32, i64 = st.integers(-(2**31), 2**31 - 1), st.integers(-(2**63), 2**63 - 1)
hashes = st.binary(min_size=32, max_size=32)


def texts(max_size: int, min_size: int = 0) -> st.SearchStrategy[str]:
    return st.binary(min_size=min_size, max_size=max_size).map(lambda raw: raw.decode("latin-1"))


ips = st.ip_addresses().map(str).filter(lambda text: not text.startswith("::ffff:"))  # that is IPv4, written otherwise
addresses = st.builds(Address, ips, u16, u64, u32)
versions = st.builds(
    m.Version,
    protocol=i32.filter(bool),
    services=u64,
    wall_time=st.integers(0, 2**63 - 1),
    nonce=u64,
    user_agent=texts(256),
    start_height=i32,
    relay=st.booleans(),
    remote=addresses,
    local=addresses,
)
locators = st.lists(hashes.map(lambda raw: BlockId(UNKNOWN_HEIGHT, raw)), max_size=101).map(tuple)
inventories = st.lists(st.builds(m.InvEntry, u32, hashes), max_size=300).map(tuple)
records = st.lists(st.binary(min_size=80, max_size=80), max_size=10)
sizes = {
    NetworkId.IPV4: 4,
    NetworkId.IPV6: 16,
    NetworkId.TORV3: 32,
    NetworkId.I2P: 32,
    NetworkId.CJDNS: 16,
}
hosts = st.one_of(
    st.sampled_from(sorted(sizes)).flatmap(
        lambda n: st.tuples(st.just(int(n)), st.binary(min_size=sizes[n], max_size=sizes[n]))
    ),
    st.tuples(st.sampled_from([int(NetworkId.TORV2), 7, 255]), st.binary(max_size=512)),
)
entries = st.builds(lambda host, *rest: m.NetAddressV2(*host, *rest), hosts, u16, u64, u32)


def addrv2(items: list[m.NetAddressV2]) -> m.AddrV2:
    return m.AddrV2(tuple(items), tuple(filter(None, map(to_address, items))))


def headers_every_81_bytes(raw: list[bytes]) -> m.Headers:
    return m.Headers.fixed(b"".join(record + b"\0" for record in raw), PARSER, size=80, stride=81)


u8 = st.integers(0, 255)
hash_lists = st.lists(hashes, max_size=20).map(tuple)
raw_headers = st.binary(min_size=80, max_size=80)
index_lists = st.sets(st.integers(0, 2**16 - 1), max_size=20).map(lambda indexes: tuple(sorted(indexes)))
SOME_TRANSACTIONS = [
    bytes(10),
    transaction([tx_input(bytes(36), b"script")], [tx_output(1, b"")]),
    transaction([tx_input(bytes(36))] * 2, [tx_output(2, bytes(300))], witness=[(b"a", b""), ()]),
]
transactions = st.sampled_from(SOME_TRANSACTIONS).map(lambda raw: m.Tx(raw, PARSER))


@st.composite
def compact_blocks(draw: st.DrawFn) -> m.CmpctBlock:
    """Of a block of up to 20 transactions, some of which travel whole."""
    is_whole = draw(st.lists(st.booleans(), max_size=20))
    prefilled = tuple(m.PrefilledTransaction(at, draw(transactions)) for at, whole in enumerate(is_whole) if whole)
    short_ids = tuple(draw(st.integers(0, 2**48 - 1)) for whole in is_whole if not whole)
    return m.CmpctBlock(draw(raw_headers), draw(u64), short_ids, prefilled, PARSER)


MESSAGES: dict[str, st.SearchStrategy[Any]] = {
    "version": versions,
    "verack": st.just(m.Verack()),
    "ping": st.builds(m.Ping, st.none() | u64),
    "pong": st.builds(m.Pong, st.none() | u64),
    "getheaders": st.builds(m.GetHeaders, locators, hashes, i32.filter(bool)),
    "getblocks": st.builds(m.GetBlocks, locators, hashes, i32.filter(bool)),
    "headers": records.map(headers_every_81_bytes),
    "sendheaders": st.just(m.SendHeaders()),
    "inv": st.builds(m.Inv, inventories),
    "getdata": st.builds(m.GetData, inventories),
    "notfound": st.builds(m.NotFound, inventories),
    "block": st.binary(min_size=80, max_size=200).map(lambda raw: m.Block(raw, PARSER)),
    "tx": st.binary(max_size=200).map(lambda raw: m.Tx(raw, PARSER)),
    "addr": st.lists(addresses, max_size=20).map(lambda items: m.Addr(tuple(items))),
    "addrv2": st.lists(entries, max_size=20).map(addrv2),
    "sendaddrv2": st.just(m.SendAddrV2()),
    "getaddr": st.just(m.GetAddr()),
    "wtxidrelay": st.just(m.WtxidRelay()),
    "feefilter": st.builds(m.FeeFilter, i64),
    "sendcmpct": st.builds(m.SendCmpct, st.booleans(), u64),
    "mempool": st.just(m.MemPool()),
    "reject": st.builds(m.Reject, texts(12), st.integers(0, 255), texts(111), st.binary(max_size=32)),
    "feature": st.builds(m.Feature, texts(80, min_size=4), st.binary(max_size=512)),
    "sendtxrcncl": st.builds(m.SendTxRcncl, u32, u64),
    "alert": st.builds(m.Alert, st.binary(max_size=200)),
    "cmpctblock": compact_blocks(),
    "getblocktxn": st.builds(m.GetBlockTxn, hashes, index_lists),
    "blocktxn": st.builds(m.BlockTxn, hashes, st.lists(transactions, max_size=5).map(tuple)),
    "filterload": st.builds(m.FilterLoad, st.binary(max_size=200), st.integers(0, 50), u32, u8),
    "filteradd": st.builds(m.FilterAdd, st.binary(max_size=520)),
    "filterclear": st.just(m.FilterClear()),
    "merkleblock": st.builds(m.MerkleBlock, raw_headers, u32, hash_lists, st.binary(max_size=20), st.just(PARSER)),
    "getcfilters": st.builds(m.GetCFilters, u8, u32, hashes),
    "cfilter": st.builds(m.CFilter, u8, hashes, st.binary(max_size=200)),
    "getcfheaders": st.builds(m.GetCFHeaders, u8, u32, hashes),
    "cfheaders": st.builds(m.CFHeaders, u8, hashes, hashes, hash_lists),
    "getcfcheckpt": st.builds(m.GetCFCheckpt, u8, hashes),
    "cfcheckpt": st.builds(m.CFCheckpt, u8, hashes, hash_lists),
}
