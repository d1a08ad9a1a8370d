"""One connection in the words of getpeerinfo."""

from __future__ import annotations

import json

import pytest

from headway.aio.config import LocalConfig
from headway.peer.info import network_of, service_names
from headway.types import Address
from tests.loopback import on_loop, peers, raw_pair, serving
from tests.toynet import GENESIS, TOYNET, toy_chain

CORE = (
    "id addr addrbind addrlocal network services servicesnames relaytxes lastsend lastrecv last_transaction last_block "
    "bytessent bytesrecv conntime timeoffset pingtime minping version subver inbound startingheight synced_headers "
    "synced_blocks inflight bytessent_per_msg bytesrecv_per_msg connection_type transport_protocol_type session_id"
)
"""Fields of getpeerinfo that we have."""


@on_loop
async def test_names_are_those_of_getpeerinfo_and_what_is_unknown_is_left_out() -> None:
    async with peers() as (ours, _):
        names = set(CORE.split()) - {"addrlocal"}  # the toy version names no address
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
async def test_words_of_the_remote_are_harmless() -> None:
    async with peers(theirs=LocalConfig(network=TOYNET, user_agent="/\x1b[31mred\x9b/")) as (ours, _):
        assert ours.info.user_agent == "/?[31mred?/"


@on_loop
async def test_info_is_there_after_the_end() -> None:
    async with raw_pair(LocalConfig(network=TOYNET)) as (peer, _):
        await peer.close()
    assert peer.info.user_agent == "/raw/"
    assert peer.info.version == 2


@pytest.mark.parametrize(
    ("host", "network"),
    [
        ("8.8.8.8", "ipv4"),
        ("2a01:4f8::1", "ipv6"),
        ("127.0.0.1", "not_publicly_routable"),
        ("10.1.2.3", "not_publicly_routable"),
        ("somewhere.example", "not_publicly_routable"),
        ("x" * 56 + ".onion", "onion"),
        ("x" * 52 + ".b32.i2p", "i2p"),
    ],
)
def test_network_of_an_address(host: str, network: str) -> None:
    assert network_of(Address(host, 8333)) == network


def test_unknown_services_have_a_name_too() -> None:
    assert service_names(0) == ()
    assert service_names(0b1100_0100_1101 | 1 << 63) == (
        "NETWORK", "BLOOM", "WITNESS", "COMPACT_FILTERS", "NETWORK_LIMITED", "P2P_V2", "UNKNOWN[2^63]",
    )  # fmt: skip
