"""From an address to a ready peer, and why there is none."""

from __future__ import annotations

import socket
from dataclasses import replace
from typing import Any

import pytest

import headway
from headway.blocking.dial import MAX_ANSWERS, connect, dial
from headway.errors import ConfigError, HandshakeRejected, PeerGone, ProxyFailed, RequestFailed, RequestTimeout
from headway.network import Timing
from headway.peer.events import PeerState
from headway.types import Address
from headway.wire import messages as m
from tests.farend import FarEnd, meanwhile, served
from tests.socks import Fault, SocksProxy, in_a_thread
from tests.toynet import TOYNET, toy_chain, toynet

ONION = "x" * 56 + ".onion"


def nowhere() -> Address:
    """Where nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return Address(*listener.getsockname())


def test_connect_gives_a_ready_peer_and_leaves_nothing() -> None:
    with served(toy_chain(3)) as address:
        with headway.blocking.connect(str(address), network=TOYNET) as peer:
            assert peer.state is PeerState.READY
            assert peer.address == address
        assert peer.disconnected is not None


def test_remote_is_told_who_we_are() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        heard: list[m.Message] = []

        def accept() -> None:
            far = FarEnd(listener.accept()[0])
            with far.sock:
                far.shake()
                heard.extend([far.hear("version"), far.hear("verack")])

        with meanwhile(accept), connect(Address(*listener.getsockname()), network=TOYNET, services=5):
            pass
    version = heard[0]
    assert isinstance(version, m.Version)
    assert (version.user_agent, version.services) == (f"/headway:{headway.__version__}/", 5)


def test_refused_connection_says_so() -> None:
    address = nowhere()
    with pytest.raises(PeerGone, match=f"cannot connect to {address}: connection refused"):
        connect(address, network=TOYNET)


def test_host_alone_has_the_port_of_its_network() -> None:
    address = nowhere()
    with pytest.raises(PeerGone, match=f"cannot connect to {address}: "):
        connect(address.host, network=replace(TOYNET, port=address.port))


@pytest.mark.parametrize(("limits", "told"), [((0.05, None), "0.05"), ((60.0, 0.04), "0.04"), ((0.0, 0.03), "0.03")])
def test_remote_that_takes_no_connection_is_a_request_timeout(limits: tuple[float, float | None], told: str) -> None:
    chain = toynet(timing=Timing(connect_timeout=limits[0]))
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        address = Address(*full.getsockname())
        with dial(address, 60.0), pytest.raises(RequestTimeout, match=f"no answer within {told} s"):
            connect(address, network=chain, timeout=limits[1])


def test_remote_that_is_silent_is_a_request_timeout_within_the_time_for_all_of_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(RequestTimeout, match="no handshake"):
        connect(Address(*silent.getsockname()), network=TOYNET, timeout=0.05)


def test_remote_of_another_network_is_rejected() -> None:
    with served(toy_chain(1)) as address, pytest.raises(HandshakeRejected):
        connect(address, network="regtest")


def test_name_is_looked_up_and_its_addresses_are_tried_in_turn() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, dial(Address("localhost", listener.getsockname()[1]), 0.0):
        listener.accept()[0].close()


@pytest.mark.parametrize("name", ["no such name", "x" * 300 + ".example"])
def test_name_without_an_address_is_peer_gone(name: str) -> None:
    with pytest.raises(PeerGone, match=r"not a name of a host|the name has no address"):
        dial(Address(name, 1), 1.0)


@pytest.mark.parametrize("target", ["", "host:port", "host:99999", "[::1"])
def test_what_is_no_address_is_a_config_error(target: str) -> None:
    with pytest.raises(ConfigError):
        connect(target, network=TOYNET)


def test_network_that_does_not_exist_is_a_config_error() -> None:
    with pytest.raises(ConfigError, match="no network is named"):
        connect("127.0.0.1", network="bitcon")


def test_name_of_a_thousand_addresses_is_tried_only_so_often(monkeypatch: pytest.MonkeyPatch) -> None:
    port = nowhere().port
    answers = [
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", (f"127.0.0.{number % 250}", port)) for number in range(1_000)
    ]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_kwargs: answers)
    with pytest.raises(PeerGone) as caught:
        dial(Address("many.example", 1), 60.0)
    assert str(caught.value).count(";") == MAX_ANSWERS - 1


# Through a proxy.


def test_proxy_is_asked_and_our_resolver_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    ask = socket.getaddrinfo

    def getaddrinfo(host: str, *hints: Any, **more: Any) -> Any:
        assert host == "127.0.0.1", f"our resolver was asked for {host}"
        return ask(host, *hints, **more)

    with served(toy_chain(3)) as address, in_a_thread(SocksProxy({"peer.example": address, ONION: address})) as proxy:
        monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
        for target in ("peer.example:8333", f"{ONION}:8333"):
            with connect(target, network=TOYNET, proxy=str(proxy.address)) as peer:
                assert str(peer.address) == target
                assert peer.ping() >= 0.0
        monkeypatch.undo()
    assert [(asked.kind, asked.host, asked.port) for asked in proxy.asked] == [
        (3, "peer.example", 8333),
        (3, ONION, 8333),
    ]
    assert len({asked.username for asked in proxy.asked}) == 2
    assert len({asked.password for asked in proxy.asked}) == 2


def test_what_is_near_goes_past_the_proxy() -> None:
    with served(toy_chain(3)) as address, connect(address, network=TOYNET, proxy=nowhere()) as peer:
        assert peer.address == address


@pytest.mark.parametrize(
    ("fault", "error", "words"),
    [
        (Fault(), PeerGone, "says: host unreachable"),
        (Fault(code=5), PeerGone, "says: connection refused"),
        (Fault(at="hello", answer=b"HTTP"), ProxyFailed, "speaks no SOCKS5"),
        (Fault(at="login", answer=b""), ProxyFailed, "hung up"),
        (Fault(at="request", answer=b"\x05"), PeerGone, "hung up"),
    ],
)
def test_every_failure_of_a_proxy_has_its_type_and_words(fault: Fault, error: type[RequestFailed], words: str) -> None:
    with in_a_thread(SocksProxy({}, fault)) as proxy, pytest.raises(RequestFailed) as caught:
        connect(f"{ONION}:8333", network=TOYNET, onion=proxy.address)
    assert type(caught.value) is error
    assert str(caught.value).startswith(f"cannot connect to {ONION}:8333: the proxy {proxy.address} ")
    assert words in str(caught.value)


@pytest.mark.parametrize(("at", "error"), [("hello", ProxyFailed), ("request", RequestTimeout)])
def test_silence_is_the_proxys_until_it_was_asked(at: str, error: type[RequestFailed]) -> None:
    silent = SocksProxy({}, Fault(at=at, is_silent=True))
    with in_a_thread(silent), pytest.raises(RequestFailed, match=r"gave no answer within 0\.5 s") as caught:
        connect(f"{ONION}:8333", network=TOYNET, timeout=0.5, onion=silent.address)
    assert type(caught.value) is error


def test_proxy_that_is_not_there_is_no_fault_of_the_peer() -> None:
    address = nowhere()
    with pytest.raises(ProxyFailed, match=f"the proxy {address} cannot be reached: connection refused"):
        connect(f"{ONION}:8333", network=TOYNET, proxy=address)
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        address = Address(*full.getsockname())
        with dial(address, 60.0), pytest.raises(ProxyFailed, match=r"gave no answer within 0\.05 s"):
            connect(f"{ONION}:8333", network=TOYNET, timeout=0.05, proxy=address)


def test_onion_service_without_a_proxy_is_a_config_error() -> None:
    with pytest.raises(ConfigError, match=r"no way to .*--proxy or --onion"):
        connect(f"{ONION}:8333", network=TOYNET)
