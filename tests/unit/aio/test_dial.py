"""From an address to a connected socket and to a ready peer, directly and through a proxy, and why there is none."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Callable
from typing import Any

import pytest

import headway
from headway.aio.connection import endpoints
from headway.aio.dial import connect, dial, open_connection
from headway.aio.peer import Peer
from headway.errors import (
    ConfigError,
    HandshakeRejected,
    LocalProtocolError,
    PeerGone,
    ProxyFailed,
    RequestFailed,
    RequestTimeout,
)
from headway.peer.events import PeerState
from headway.types import Address
from headway.ways import Ways
from tests.data import absent
from tests.loopback import ToyServer, listen, on_loop, serving
from tests.socks import LOGIN, NO_LOGIN, Asked, Fault, SocksProxy
from tests.toynet import GENESIS, TOYNET, toy_chain

CHAIN = toy_chain(40)
ONION = Address("x" * 56 + ".onion", 8333)
PUBLIC = Address("192.175.48.6", 8333)
"""Of the public internet, and nobody's: AS112 swallows what comes to it (RFC 7535). Nothing here dials it."""

Resolver = Callable[[dict[str, list[str]]], None]


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Resolver:
    """Puts names of the test in the place of the system's; an address is still itself, any other name is a failure."""
    ask = socket.getaddrinfo

    def install(table: dict[str, list[str]]) -> None:
        def getaddrinfo(host: str, port: int, *hints: Any) -> list[Any]:
            if host not in table:
                pytest.fail(f"our resolver was asked for {host}")
            return [each for address in table[host] for each in ask(address, port, *hints)]

        monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)

    return install


def both_families() -> tuple[socket.socket, socket.socket, int]:
    """Listeners on ::1 and 127.0.0.1 with one port."""
    try:
        new = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError:
        absent("this machine has no IPv6")
    port = new.getsockname()[1]
    try:
        old = socket.create_server(("127.0.0.1", port))
    except BaseException:
        new.close()
        raise
    return new, old, port


# Directly.


@on_loop
async def test_open_connection_gives_a_connected_socket() -> None:
    listener, address = listen()
    with listener, await headway.open_connection(address.host, address.port) as sock:
        assert sock.getpeername() == (address.host, address.port)


@on_loop
async def test_open_connection_tries_the_addresses_of_a_name() -> None:
    listener, address = listen()
    with listener, await open_connection("localhost", address.port) as sock:
        assert sock.getpeername()[1] == address.port


@on_loop
async def test_refused_connection_says_so() -> None:
    listener, address = listen()
    listener.close()
    with pytest.raises(PeerGone, match=f"cannot connect to {address}: connection refused"):
        await open_connection(address)


@on_loop
async def test_remote_that_takes_no_connection_is_a_request_timeout() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full, socket.socket() as last:
        last.setblocking(False)
        address = Address(*full.getsockname())
        with await open_connection(address), pytest.raises(RequestTimeout, match=r"no answer within 0\.05 s"):
            await open_connection(address, connect_timeout=0.05)


@on_loop
async def test_zero_seconds_to_connect_are_no_limit() -> None:
    listener, address = listen()
    with listener, await open_connection(address, connect_timeout=0.0) as sock:
        assert endpoints(sock)[1] == address


@on_loop
async def test_name_without_an_address_is_peer_gone() -> None:
    with pytest.raises(PeerGone, match="the name has no address"):
        await open_connection("no such name", 1)


@on_loop
async def test_host_without_a_port_is_the_callers_mistake() -> None:
    with pytest.raises(LocalProtocolError, match="no port"):
        await open_connection("127.0.0.1")


@on_loop
async def test_cancelled_dial_leaves_no_socket() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        address = Address(*full.getsockname())
        with await open_connection(address):
            dial = asyncio.create_task(open_connection(address))
            await asyncio.sleep(0)
            dial.cancel()
            await asyncio.wait([dial])
            assert dial.cancelled()


@on_loop
async def test_connect_gives_a_ready_peer_and_leaves_nothing() -> None:
    listener, address = listen()
    with listener:

        async def accept() -> None:
            accepted, _ = await asyncio.get_running_loop().sock_accept(listener)
            peer = Peer(accepted, inbound=True, config=serving(CHAIN))
            await peer.run()
            with pytest.raises(PeerGone):
                async for _ in peer.messages():
                    pass
            await peer.close()

        async with asyncio.TaskGroup() as group:
            group.create_task(accept())
            async with headway.connect(str(address), network=TOYNET, user_agent="/mine:1/") as peer:
                assert len(await peer.request_headers(GENESIS)) == len(CHAIN)
        assert peer.state is PeerState.CLOSED


@on_loop
async def test_connect_to_a_port_where_nothing_listens_is_peer_gone() -> None:
    listener, address = listen()
    listener.close()
    with pytest.raises(PeerGone, match="refused"):
        async with connect(address, network=TOYNET):
            pytest.fail("nobody is there")


@on_loop
@pytest.mark.parametrize("target", ["", "host:port", "host:99999", "[::1"])
async def test_connect_to_what_is_no_address_is_a_config_error(target: str) -> None:
    with pytest.raises(ConfigError):
        async with connect(target, network=TOYNET):
            pytest.fail("no such address")


@on_loop
async def test_remote_of_another_network_is_rejected() -> None:
    async with ToyServer(CHAIN) as server:
        with pytest.raises(HandshakeRejected):
            async with connect(server.address, network="regtest"):
                pytest.fail("that is no peer of regtest")


# Several addresses of one name.


@on_loop
async def test_name_of_both_families_is_reached_by_ipv6_first(names: Resolver) -> None:
    new, old, port = both_families()
    names({"both.example": ["127.0.0.1", "::1"]})
    with new, old, await open_connection("both.example", port) as sock:
        assert sock.family == socket.AF_INET6


@on_loop
async def test_family_that_refuses_does_not_hold_up_the_other(names: Resolver) -> None:
    new, old, port = both_families()
    new.close()
    names({"both.example": ["::1", "127.0.0.1"]})
    with old, await open_connection("both.example", port) as sock:
        assert sock.family == socket.AF_INET


@on_loop
async def test_name_whose_addresses_all_fail_says_why_of_each(names: Resolver) -> None:
    new, old, port = both_families()
    new.close()
    old.close()
    names({"both.example": ["127.0.0.1", "::1"]})
    why = f"both.example:{port}: [::1]:{port}: connection refused; 127.0.0.1:{port}: connection refused"
    with pytest.raises(PeerGone, match=re.escape(f"cannot connect to {why}")):
        await open_connection("both.example", port)


# Through a proxy.


@on_loop
@pytest.mark.parametrize(
    ("target", "kind"),
    [(Address("peer.example", 8333), 3), (ONION, 3), (PUBLIC, 1), (Address("2620:4f:8000::6", 8333), 4)],
)
async def test_proxy_is_asked_and_our_resolver_is_not(names: Resolver, target: Address, kind: int) -> None:
    names({})
    async with ToyServer(CHAIN) as server, SocksProxy({target.host: server.address}) as proxy:
        async with connect(target, network=TOYNET, proxy=proxy.address) as peer:
            assert peer.address == target
            assert peer.info.addr == str(target)
            assert len(await peer.request_headers(GENESIS)) == len(CHAIN)
        assert [(asked.kind, asked.host, asked.port) for asked in proxy.asked] == [(kind, target.host, 8333)]


@on_loop
async def test_every_connection_has_credentials_of_its_own() -> None:
    async with ToyServer(CHAIN) as server, SocksProxy({ONION.host: server.address}) as proxy:
        for _ in range(8):
            (await open_connection(ONION, proxy=proxy.address)).close()
    logins = {(asked.username, asked.password) for asked in proxy.asked}
    assert len(logins) == len({user for user, _ in logins}) == len({password for _, password in logins}) == 8
    assert all(len(text) >= 32 for login in logins for text in login)


@on_loop
@pytest.mark.parametrize("method", [NO_LOGIN, LOGIN])
@pytest.mark.parametrize("trickles", [False, True])
async def test_proxy_may_want_a_login_or_none_and_be_slow(method: int, *, trickles: bool) -> None:
    async with (
        ToyServer(CHAIN) as server,
        SocksProxy({ONION.host: server.address}, Fault(trickles=trickles), method) as proxy,
        connect(ONION, network=TOYNET, onion=proxy.address) as peer,
    ):
        assert peer.state is PeerState.READY
    assert proxy.asked == [Asked(3, ONION.host, 8333, proxy.asked[0].username, proxy.asked[0].password)]


@on_loop
async def test_what_the_remote_says_first_is_not_lost_in_the_handshake() -> None:
    """A remote that speaks at once: its words follow the proxy's answer in the same packet."""
    listener, address = listen()
    loop = asyncio.get_running_loop()

    async def accept() -> None:
        accepted, _ = await loop.sock_accept(listener)
        with accepted:
            for answer in (b"\x05\x00", b"\x05\x00\x00\x01" + bytes(6) + b"hello"):
                await loop.sock_recv(accepted, 1_000)
                await loop.sock_sendall(accepted, answer)

    with listener:
        async with asyncio.TaskGroup() as group:
            group.create_task(accept())
            with await open_connection(ONION, proxy=address) as sock:
                assert await loop.sock_recv(sock, 1_000) == b"hello"


@on_loop
async def test_what_is_near_goes_past_the_proxy() -> None:
    async with ToyServer(CHAIN) as server, SocksProxy() as proxy:
        async with connect(server.address, network=TOYNET, proxy=proxy.address) as peer:
            assert peer.address == server.address
        assert proxy.asked == []


@on_loop
async def test_onion_service_without_a_proxy_is_a_config_error_and_nobody_is_asked(names: Resolver) -> None:
    names({})
    with pytest.raises(ConfigError, match=r"no way to .*\.onion:8333: .*--proxy or --onion"):
        await open_connection(ONION)
    with pytest.raises(ConfigError, match="onion: not a port"):
        await open_connection(ONION, onion="127.0.0.1:tor")


@on_loop
@pytest.mark.parametrize(
    ("fault", "error", "words"),
    [
        (Fault(code=1), PeerGone, "could not connect (general failure)"),
        (Fault(code=5), PeerGone, "says: connection refused"),
        (Fault(code=0xF0), PeerGone, "says: the onion service is not known"),
        (Fault(code=7), ProxyFailed, "makes no connections"),
        (Fault(at="hello", answer=b"HTTP/1.1 400 Bad Request"), ProxyFailed, "speaks no SOCKS5"),
        (Fault(at="hello", answer=b""), ProxyFailed, "hung up"),
        (Fault(at="hello", answer=b"\x05\xff"), ProxyFailed, "other means"),
        (Fault(at="login", answer=b"\x01\x01"), ProxyFailed, "has accounts"),
        (Fault(at="login", answer=b"\x01"), ProxyFailed, "hung up"),
        (Fault(at="request", answer=b""), PeerGone, "hung up"),
        (Fault(at="request", answer=b"\x05\x00\x00\x03\xff only so much"), PeerGone, "hung up"),
        (Fault(at="request", answer=b"\x05\x00\x00\x07"), ProxyFailed, "speaks no SOCKS5"),
    ],
)
async def test_every_failure_of_a_proxy_has_its_type_and_words(
    fault: Fault, error: type[RequestFailed], words: str
) -> None:
    async with SocksProxy({ONION.host: Address("127.0.0.1", 1)}, fault) as proxy:
        with pytest.raises(RequestFailed) as caught:
            await open_connection(ONION, proxy=proxy.address)
    assert type(caught.value) is error
    said = str(caught.value)
    assert said.startswith(f"cannot connect to {ONION}: the proxy {proxy.address} ")
    assert words in said


@on_loop
@pytest.mark.parametrize(("at", "error"), [("hello", ProxyFailed), ("login", ProxyFailed), ("request", RequestTimeout)])
async def test_silence_is_the_proxys_until_it_was_asked(at: str, error: type[RequestFailed]) -> None:
    async with SocksProxy({}, Fault(at=at, is_silent=True)) as proxy:
        with pytest.raises(RequestFailed, match=r"gave no answer within 0\.5 s") as caught:
            await open_connection(ONION, connect_timeout=0.5, proxy=proxy.address)
    assert type(caught.value) is error


@on_loop
async def test_proxy_that_is_not_there_is_no_fault_of_the_peer() -> None:
    listener, address = listen()
    listener.close()
    with pytest.raises(ProxyFailed, match=f"the proxy {address} cannot be reached: connection refused"):
        await open_connection(ONION, proxy=address)
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        address = Address(*full.getsockname())
        with await open_connection(address), pytest.raises(ProxyFailed, match=r"gave no answer within 0\.05 s"):
            await open_connection(ONION, connect_timeout=0.05, proxy=address)


@on_loop
async def test_proxy_by_name_is_looked_up_here(names: Resolver) -> None:
    names({"tor.example": ["127.0.0.1"]})
    async with ToyServer(CHAIN) as server, SocksProxy({ONION.host: server.address}) as proxy:
        with await open_connection(ONION, proxy=Address("tor.example", proxy.address.port)):
            assert len(proxy.asked) == 1


@on_loop
@pytest.mark.parametrize("at", ["hello", "login", "request"])
async def test_dial_that_is_cancelled_in_the_handshake_leaves_no_socket(at: str) -> None:
    async with SocksProxy({}, Fault(at=at, is_silent=True)) as proxy:
        dialling = asyncio.create_task(dial(ONION, 0.0, Ways(onion=proxy.address)))
        await proxy.silence.wait()
        dialling.cancel()
        await asyncio.wait([dialling])
        assert dialling.cancelled()


@on_loop
async def test_remote_behind_a_proxy_has_more_time() -> None:
    told: list[float] = []
    async with ToyServer(CHAIN) as server:
        routes = {"peer.example": server.address, ONION.host: server.address}
        async with SocksProxy(routes) as proxy:
            for target in (server.address, Address("peer.example", 8333), ONION):
                async with connect(target, network=TOYNET, proxy=proxy.address) as peer:
                    told.append(peer.config.peer_config().network.timing.handshake_timeout)
    usual = TOYNET.timing.handshake_timeout
    assert told == [usual, 2 * usual, 3 * usual]
