"""From an address to a ready peer, directly or through a proxy (`headway.ways`).

Not here: the calls of a peer (`peer`), the bytes (`connection`). Called by users, through `headway.blocking`.
"""

from __future__ import annotations

import socket
import time
from dataclasses import replace
from math import inf
from typing import TYPE_CHECKING, Final

from headway import __version__
from headway.blocking.connection import words
from headway.blocking.peer import Peer
from headway.blocking.proxy import greeting, shake
from headway.blocking.race import first_connected
from headway.errors import ConfigError, PeerGone, ProxyFailed, RequestFailed, RequestTimeout
from headway.network_file import load_network
from headway.peer.config import Identity, PeerConfig
from headway.types import Address
from headway.ways import DIRECT, Ways, interleaved

if TYPE_CHECKING:
    from typing import Unpack

    from headway.network import Network

USER_AGENT: Final = f"/headway:{__version__}/"
MAX_ANSWERS: Final = 32
"""Addresses tried of one name (Core nMaxIPs)."""


def connect(
    target: str | Address,
    *,
    network: Network | str = "bitcoin",
    timeout: float | None = None,
    proxy: str | Address | None = None,
    onion: str | Address | None = None,
    **identity: Unpack[Identity],
) -> Peer:
    """One outbound peer, ready for use: `with connect(...) as peer`, and nothing is left of it afterwards.

    `target` is `host:port`, a host alone with the network's port, or an Address; `identity` is who we are; `timeout`
    holds for all of it. `proxy`: a SOCKS5 proxy to go through, `onion`: another one for onion services; what is behind
    one has more time for everything. Raises PeerGone, RequestTimeout or ProxyFailed when nothing answers there,
    HandshakeRejected, ConfigError for a target that is none or to which there is no way.
    """
    chain = load_network(network) if isinstance(network, str) else network
    identity.setdefault("user_agent", USER_AGENT)
    try:
        address = target if isinstance(target, Address) else Address.parse(target, chain.port)
    except ValueError as error:
        raise ConfigError(str(error)) from None
    ways = Ways.of(proxy=proxy, onion=onion)
    chain = replace(chain, timing=chain.timing.stretched(ways.patience(address)))
    until = inf if timeout is None else time.monotonic() + timeout
    dialled = dial(address, _shorter(chain.timing.connect_timeout, timeout), ways)
    way = ways.to(address)
    known = address if way is not None and way.proxy is not None else None
    peer = Peer(dialled, config=PeerConfig(chain, **identity), address=known)
    peer.handshake(timeout=None if timeout is None else max(until - time.monotonic(), 0.0))
    return peer


def _shorter(limit: float, timeout: float | None) -> float:
    """The shorter of two times, of which 0 and None are no limit."""
    return limit if timeout is None else min(limit or inf, max(timeout, 0.001))


def dial(target: Address, timeout: float, ways: Ways = DIRECT) -> socket.socket:
    """A connected socket. The addresses of a name race each other, within `timeout` s together.

    0 is no limit. Looking up a name takes what the system's resolver takes. Raises RequestTimeout, PeerGone that says
    why nothing answered, ProxyFailed, or ConfigError where there is no way.
    """
    way = ways.to(target)
    if way is None:
        raise ConfigError(ways.why_not(target))
    try:
        return _reach(target, timeout) if way.proxy is None else _through(way.proxy, target, timeout)
    except RequestFailed as error:
        raise type(error)(f"cannot connect to {target}: {error}") from None


def _through(proxy: Address, target: Address, timeout: float) -> socket.socket:
    handshake = greeting(proxy, target)
    until = time.monotonic() + (timeout or inf)
    try:
        dialled = _reach(proxy, timeout)
    except PeerGone as error:
        raise ProxyFailed(f"the proxy {proxy} cannot be reached: {error}") from None
    except RequestTimeout:
        raise ProxyFailed(f"the proxy {proxy} gave no answer within {timeout:g} s") from None
    try:
        shake(dialled, handshake, until)
    except TimeoutError:
        handshake.receive_timeout(timeout)
        assert handshake.failure is not None, "time ran out before its end"
        raise handshake.failure from None
    return dialled


def _reach(target: Address, timeout: float) -> socket.socket:
    """A direct connection to the first of the target's addresses that answers. Raises PeerGone or RequestTimeout."""
    until = time.monotonic() + (timeout or inf)
    try:
        found = first_connected(interleaved(_lookup(target)), until)
    except TimeoutError:
        raise RequestTimeout(f"no answer within {timeout:g} s") from None
    if isinstance(found, dict):
        raise PeerGone("; ".join(why if at == target else f"{at}: {why}" for at, why in found.items()))
    return found


def _lookup(target: Address) -> list[Address]:
    """The addresses of one name, as the system prefers them."""
    try:
        found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    except UnicodeError:
        raise PeerGone("not a name of a host") from None
    except OSError as error:
        raise PeerGone(f"the name has no address: {words(error)}") from None
    return list(dict.fromkeys(Address(str(info[4][0]), target.port) for info in found))[:MAX_ANSWERS]
