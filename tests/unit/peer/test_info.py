"""One connection in the words of getpeerinfo."""

from __future__ import annotations

import json

from headway.aio.config import LocalConfig
from headway.networks.bitcoin import REGTEST
from headway.peer.info import peer_info, service_names
from headway.types import Address, BlockRequest
from headway.wire import messages as m
from tests.link import HERE, THERE, WALL, ready
from tests.loopback import on_loop, peers, raw_pair, serving
from tests.toynet import GENESIS, TOYNET, toy_chain

CORE = (
    "id addr addrbind addrlocal network services servicesnames relaytxes lastsend lastrecv last_transaction last_block "
    "bytessent bytesrecv conntime timeoffset pingtime minping pingwait version subver inbound bip152_hb_to "
    "bip152_hb_from startingheight presynced_headers synced_headers synced_blocks inflight addr_relay_enabled "
    "addr_processed addr_rate_limited permissions minfeefilter bytessent_per_msg bytesrecv_per_msg connection_type "
    "transport_protocol_type session_id"
)
"""Fields of getpeerinfo that we have (Bitcoin Core src/rpc/net.cpp). It has no other but mapped_as, last_inv_sequence
and inv_to_send."""


@on_loop
async def test_names_are_those_of_getpeerinfo_and_what_is_unknown_is_left_out() -> None:
    async with peers() as (ours, _):
        names = set(CORE.split()) | {"headway"}
        names -= {"addrlocal", "pingwait"}  # the toy version names no address, and no ping is out
        assert set(ours.info.as_dict()) == names - {"pingtime", "minping"}
        await ours.ping()
        assert set(ours.info.as_dict()) == names


@on_loop
async def test_figures_are_those_of_the_connection() -> None:
    theirs = serving(toy_chain(3), services=9, start_height=lambda: 3, user_agent="/theirs:1/")
    async with peers(theirs=theirs) as (ours, _):
        await ours.ping()
        await ours.request_headers(GENESIS)
        info = ours.info
        assert (info.services, info.servicesnames) == ("0000000000000009", ("NETWORK", "WITNESS"))
        assert (info.version, info.subver, info.startingheight) == (2, "/theirs:1/", 3)
        assert (info.inbound, info.connection_type) == (False, "manual")
        assert info.bytesrecv_per_msg["headers"] == 8 + 3 * 44
        assert info.bytesrecv == sum(info.bytesrecv_per_msg.values())
        assert info.bytessent == sum(info.bytessent_per_msg.values())
        assert 0 < (info.minping or 0) <= (info.pingtime or 0)
        assert abs(info.timeoffset) <= 1
        assert info.conntime <= info.lastrecv <= info.conntime + 60
        assert (info.last_block, info.last_transaction) == (0, 0)
        assert json.loads(json.dumps(info.as_dict()))["addr"] == str(ours.address)


@on_loop
async def test_what_getpeerinfo_has_no_name_for_stands_apart() -> None:
    chain = toy_chain(3)
    async with peers(theirs=serving(chain, start_height=lambda: 3)) as (ours, _):
        await ours.ping()
        headers = await ours.request_headers(GENESIS)
        assert len([block async for block in ours.request_blocks(headers)]) == 3
        await ours.close()
        own = json.loads(json.dumps(ours.info.as_dict()))["headway"]
    assert (own["state"], own["ended"], own["message"]) == ("CLOSED", "REQUESTED", "closed by us")
    assert own["requests"]["headers"] == {"asked": 1, "settled": 1, "expired": 0, "cancelled": 0}
    assert (own["pings"], own["averageping"]) == (1, ours.info.pingtime)
    assert (own["blocks"], own["blocks_in_flight"], own["dropped_frames"]) == (3, 0, 0)
    assert own["blocks_per_second"] > 0
    assert own["received"]["block"]["messages"] == 3
    assert own["received"]["block"]["bytes"] == ours.info.bytesrecv_per_msg["block"]
    assert own["sent"]["getheaders"]["messages"] == 1
    assert 0 <= own["sent"]["getheaders"]["last"] - ours.info.conntime <= 60


def test_what_a_remote_states_of_itself_and_what_it_owes_us_is_told() -> None:
    remote = ready(REGTEST)
    blocks = [BlockRequest(None, height, hash=bytes([height]) * 32) for height in (7, 8)]
    nameless = BlockRequest(None, hash=bytes([9]) * 32)
    remote.peer.request_blocks([*blocks, nameless], 1.0)
    remote.peer.ping(1.0)
    remote.peer.send(m.SendCmpct(announce=True, version=2), 1.0)
    addresses = m.Addr((Address("192.0.2.1", 8333), Address("192.0.2.2", 8333)))
    remote.says(m.FeeFilter(1_000), m.SendCmpct(announce=True, version=2), addresses, now=2.0)
    info = peer_info(remote.peer, 3.5, WALL + 3.5, number=1, bound=THERE, connection_type="manual", presynced=77)
    assert (info.presynced_headers, info.synced_headers) == (77, -1)
    assert (info.inflight, info.headway.blocks_in_flight) == ((7, 8), 3)
    assert info.pingwait == 2.5
    assert (info.minfeefilter, info.addr_processed) == (0.00001, 2)
    assert (info.bip152_hb_to, info.bip152_hb_from) == (True, True)
    assert (info.startingheight, info.headway.height) == (500, 500)
    assert info.addrlocal == str(HERE)
    assert (info.headway.ended, info.headway.averageping) == (None, None)


@on_loop
async def test_words_of_the_remote_are_harmless() -> None:
    async with peers(theirs=LocalConfig(network=TOYNET, user_agent="/\x1b[31mred\x9b/")) as (ours, _):
        assert ours.info.user_agent == "/?[31mred?/"


@on_loop
async def test_info_is_there_after_the_end() -> None:
    async with raw_pair(LocalConfig(network=TOYNET)) as (peer, _):
        await peer.close()
    assert peer.info.user_agent == "/raw/"
    assert peer.info.version == 2


def test_unknown_services_have_a_name_too() -> None:
    assert service_names(0) == ()
    assert service_names(0b1100_0100_1101 | 1 << 63) == (
        "NETWORK", "BLOOM", "WITNESS", "COMPACT_FILTERS", "NETWORK_LIMITED", "P2P_V2", "UNKNOWN[2^63]",
    )  # fmt: skip
