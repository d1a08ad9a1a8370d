"""Through a real Tor, on a network of its own: an onion service, isolation, and what Tor says where it fails."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

import headway
from headway import blocking
from headway.errors import PeerGone
from headway.networks.bitcoin import REGTEST
from headway.store import Store
from headway.testing.chain import regtest_chain, store_chain
from headway.types import Address
from tests.interop.cli import Headway, run
from tests.interop.tor import TorNetwork
from tests.loopback import on_loop

pytestmark = [pytest.mark.interop, pytest.mark.soak]

HEIGHT = 60
PORT = 8333
UNKNOWN = "2gzyxa5ihm7nsggfxnu52rck2vv4rvmdlkiu3zzui5du4xyclen53wid.onion"
"""A name that is well formed, and of the Tor Project; nobody has it here."""


@pytest.fixture(scope="module")
def tor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TorNetwork]:
    """A Tor network with an onion service behind which `headway serve` answers."""
    directory = tmp_path_factory.mktemp("tor")
    with Store.open(directory / "served", REGTEST) as store:
        list(store_chain(store, list(regtest_chain(HEIGHT))))
    words = ("--network", "regtest", "--datadir", directory / "served", "--bind", "127.0.0.1:0")
    with Headway("serve", *words) as serve:
        target = int(serve.wait_for_line(r"^listening .*:(\d+)$")[1])
        with TorNetwork(directory, target=target, port=PORT) as tor:
            yield tor


def test_chain_comes_from_an_onion_service(tor: TorNetwork, tmp_path: Path) -> None:
    options = ("--network", "regtest", "--datadir", tmp_path, "--stop-at", "tip", "--onion", str(tor.proxy))
    result = run("sync", *options, "--connect", str(tor.onion), "--connect", str(tor.onion))
    assert (result["height"], result["blocks"], result["peers"]) == (HEIGHT, HEIGHT, 2)
    with blocking.connect(tor.onion, network=REGTEST, proxy=tor.proxy) as peer:
        assert len(peer.request_headers(REGTEST.rules.root)) == HEIGHT
        assert peer.info.network == "onion"


@on_loop
async def test_each_connection_has_a_circuit_of_its_own(tor: TorNetwork) -> None:
    sockets = [await headway.open_connection(tor.onion, proxy=tor.proxy) for _ in range(3)]
    joined = [circuit for circuit in tor.circuits() if circuit.get("HS_STATE") == "HSCR_JOINED"]
    logins = {(circuit["SOCKS_USERNAME"], circuit["SOCKS_PASSWORD"]) for circuit in joined}
    assert len(joined) == len(logins) >= 3
    for each in sockets:
        each.close()


@on_loop
@pytest.mark.parametrize(
    ("host", "words"),
    [
        ("a" * 56 + ".onion", "this is no address of an onion service"),
        (UNKNOWN, "the onion service is not known"),
    ],
)
async def test_what_tor_says_of_an_address_is_told(tor: TorNetwork, host: str, words: str) -> None:
    with pytest.raises(PeerGone, match=f"the proxy {tor.proxy} says: {words}"):
        await headway.open_connection(Address(host, PORT), proxy=tor.proxy)


@on_loop
async def test_name_is_left_to_tor(tor: TorNetwork, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, *_: pytest.fail(f"our resolver was asked for {host}"))
    with pytest.raises(headway.HeadwayError, match=f"the proxy {tor.proxy} "):  # it has no exit
        await headway.open_connection("peer.invalid", PORT, connect_timeout=5.0, proxy=tor.proxy)
