"""Our ways out through a real proxy: names that it looks up, every refusal of its, and a sync of a whole chain."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from headway import blocking
from headway.aio.dial import connect
from headway.errors import PeerGone, ProxyFailed
from headway.networks.bitcoin import REGTEST
from headway.store import Store
from headway.testing.chain import regtest_chain, store_chain
from headway.types import Address
from tests.interop.cli import Headway, run
from tests.interop.microsocks import Microsocks
from tests.loopback import ToyServer, on_loop
from tests.toynet import GENESIS, TOYNET, toy_chain

pytestmark = pytest.mark.interop

CHAIN = toy_chain(5)
NAME = "127.1"
"""To us a name like any other; to the resolver that the proxy asks it is 127.0.0.1, on every machine (inet_aton)."""
NO_NAME = "x" * 64 + ".invalid"
"""Too long for a label, so that a resolver refuses it without asking anybody."""


@pytest.fixture(scope="module")
def proxy() -> Iterator[Microsocks]:
    with Microsocks() as proxy:
        yield proxy


@on_loop
async def test_name_is_looked_up_by_the_proxy_and_not_by_us(proxy: Microsocks, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, *_hints: asked.append(host))
    async with ToyServer(CHAIN) as server:
        target = Address(NAME, server.address.port)
        async with connect(target, network=TOYNET, proxy=proxy.address) as peer:
            assert peer.address == target
            assert len(await peer.request_headers(GENESIS)) == len(CHAIN)
    assert asked == []
    proxy.wait_for_line(f"connected to {target}")


@on_loop
async def test_refusals_are_the_peers_and_in_words(proxy: Microsocks) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    for host, words in ((NAME, "connection refused"), (NO_NAME, "general failure")):
        with pytest.raises(PeerGone, match=f"the proxy {proxy.address} says: .*{words}"):
            async with connect(Address(host, port), network=TOYNET, proxy=proxy.address):
                pytest.fail("nobody is there")


@on_loop
async def test_proxy_with_accounts_has_none_for_us() -> None:
    with Microsocks(user="somebody") as proxy, pytest.raises(ProxyFailed, match="has accounts, and none for us"):
        async with connect(Address(NAME, 1), network=TOYNET, proxy=proxy.address):
            pytest.fail("nobody is let through")


def test_chain_comes_through_the_proxy_also_to_the_blocking_peer(proxy: Microsocks, tmp_path: Path) -> None:
    with Store.open(tmp_path / "served", REGTEST) as store:
        *_, tip = store_chain(store, list(regtest_chain(60)))
    words = ("--network", "regtest", "--datadir", tmp_path / "served", "--bind", "127.0.0.1:0")
    with Headway("serve", *words) as serve:
        port = serve.wait_for_line(r"^listening .*:(\d+)$")[1]
        with blocking.connect(f"{NAME}:{port}", network=REGTEST, proxy=proxy.address) as peer:
            assert len(peer.request_headers(REGTEST.rules.root)) == 60
        options = ("--network", "regtest", "--datadir", tmp_path / "ours", "--stop-at", "tip")
        result = run("sync", *options, "--connect", f"{NAME}:{port}", "--proxy", str(proxy.address))
    assert (result["height"], result["blocks"], result["peers"]) == (tip.height, 60, 1)
