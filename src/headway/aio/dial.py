"""From an address to a connected socket, and to a ready peer: directly, or through a proxy (`headway.ways`).

Not here: the calls of a peer (`peer`), the bytes (`connection`), whom to dial (`node`). Called by users and `driver`.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from headway.aio.config import Keywords, LocalConfig
from headway.aio.dns import lookup
from headway.aio.peer import Peer
from headway.aio.proxy import greeting, shake
from headway.aio.race import first_connected
from headway.errors import ConfigError, LocalProtocolError, PeerGone, ProxyFailed, RequestFailed, RequestTimeout
from headway.network import Timing
from headway.types import Address
from headway.ways import DIRECT, Ways, interleaved

if TYPE_CHECKING:
    import socket
    from collections.abc import AsyncIterator
    from typing import Unpack

    from headway.network import Network
    from headway.ways.socks5 import Socks5


@asynccontextmanager
async def connect(
    target: str | Address,
    *,
    network: Network | str = "bitcoin",
    proxy: str | Address | None = None,
    onion: str | Address | None = None,
    **identity: Unpack[Keywords],
) -> AsyncIterator[Peer]:
    """One outbound peer, ready for use, and nothing left of it afterwards.

    `target` is `host:port`, a host alone with the network's port, or an Address; `identity` are fields of LocalConfig.
    `proxy`: a SOCKS5 proxy to go through, `onion`: another one for onion services; what is behind one has more time for
    everything. Raises PeerGone, RequestTimeout or ProxyFailed when nothing answers there, HandshakeRejected,
    ConfigError for a target that is none or to which there is no way.
    """
    config = LocalConfig(network=network, **identity)
    chain = config.peer_config().network
    try:
        address = target if isinstance(target, Address) else Address.parse(target, chain.port)
    except ValueError as error:
        raise ConfigError(str(error)) from None
    ways = Ways.of(proxy=proxy, onion=onion)
    if (patience := ways.patience(address)) != 1.0:
        config = replace(config, network=replace(chain, timing=chain.timing.stretched(patience)))
    async with connected(address, config, ways) as peer:
        yield peer


@asynccontextmanager
async def connected(address: Address, config: LocalConfig, ways: Ways) -> AsyncIterator[Peer]:
    """As `connect`; every duration is as the network of `config` has it."""
    timeout = config.peer_config().network.timing.connect_timeout
    sock = await _open(address, timeout, ways)
    way = ways.to(address)
    peer = Peer(sock, config=config, address=address if way is not None and way.proxy is not None else None)
    try:
        await peer.run()
        yield peer
    finally:
        await peer.close()


async def open_connection(
    host: str | Address,
    port: int | None = None,
    *,
    connect_timeout: float | None = None,
    proxy: str | Address | None = None,
    onion: str | Address | None = None,
) -> socket.socket:
    """Dial. Returns a connected socket, to be given to `Peer`; until then its holder closes it.

    `host` is an `Address`, or a name or IP address with `port`. The addresses of a name race each other, within
    `connect_timeout` seconds altogether (0: no limit; None: the usual ten, through a proxy more). `proxy` and `onion`
    as for `connect`; the socket ends at the proxy then, so tell `Peer` the address.
    Raises RequestTimeout, PeerGone that says why nothing answered, ProxyFailed, or ConfigError where there is no way.
    """
    if isinstance(host, str):
        if port is None:
            raise LocalProtocolError(f"no port to dial at {host}")
        host = Address(host, port)
    ways = Ways.of(proxy=proxy, onion=onion)
    if connect_timeout is None:
        connect_timeout = Timing().connect_timeout * ways.patience(host)
    return await _open(host, connect_timeout, ways)


async def _open(address: Address, connect_timeout: float, ways: Ways) -> socket.socket:
    try:
        return await dial(address, connect_timeout, ways)
    except RequestFailed as error:
        raise type(error)(f"cannot connect to {address}: {error}") from None


async def dial(target: Address, connect_timeout: float, ways: Ways = DIRECT) -> socket.socket:
    """As `open_connection`; the errors say the reason alone."""
    way = ways.to(target)
    if way is None:
        raise ConfigError(ways.why_not(target))
    if way.proxy is not None:
        return await _dial_through(way.proxy, target, connect_timeout)
    try:
        async with asyncio.timeout(connect_timeout or None):
            return await _reach(target)
    except TimeoutError:
        raise RequestTimeout(f"no answer within {connect_timeout:g} s") from None


async def _dial_through(proxy: Address, target: Address, connect_timeout: float) -> socket.socket:
    handshake = greeting(proxy, target)
    try:
        async with asyncio.timeout(connect_timeout or None):
            try:
                sock = await _reach(proxy)
            except PeerGone as error:
                raise ProxyFailed(f"the proxy {proxy} cannot be reached: {error}") from None
            await shake(sock, handshake)
            return sock
    except TimeoutError:
        handshake.receive_timeout(connect_timeout)
        raise _failure_of(handshake) from None


def _failure_of(handshake: Socks5) -> RequestFailed:
    assert handshake.failure is not None, "time ran out before its end"
    return handshake.failure


async def _reach(target: Address) -> socket.socket:
    """A direct connection to the first of the target's addresses that answers. Raises PeerGone."""
    try:
        addresses = await lookup(target.host, target.port)
    except OSError as error:
        raise PeerGone(f"the name has no address: {error.strerror or error}") from None
    found = await first_connected(interleaved(addresses))
    if isinstance(found, dict):
        reasons = (why if address == target else f"{address}: {why}" for address, why in found.items())
        raise PeerGone("; ".join(reasons) or "the name has no address")
    return found
