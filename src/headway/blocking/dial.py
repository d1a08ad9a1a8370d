"""From an address to a ready peer.

Not here: the calls of a peer (`peer`), the bytes (`connection`). Called by users, through `headway.blocking`.
"""

from __future__ import annotations

import socket
import time
from math import inf
from typing import TYPE_CHECKING, Final

from headway import __version__
from headway.blocking.connection import words
from headway.blocking.peer import Peer
from headway.errors import ConfigError, PeerGone, RequestTimeout
from headway.network_file import load_network
from headway.peer.config import Identity, PeerConfig
from headway.types import Address

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
    **identity: Unpack[Identity],
) -> Peer:
    """One outbound peer, ready for use: `with connect(...) as peer`, and nothing is left of it afterwards.

    `target` is `host:port`, a host alone with the network's port, or an Address; `identity` is who we are; `timeout`
    holds for all of it. Raises PeerGone or RequestTimeout when nothing answers there, HandshakeRejected, ConfigError.
    """
    chain = load_network(network) if isinstance(network, str) else network
    identity.setdefault("user_agent", USER_AGENT)
    config = PeerConfig(chain, **identity)
    try:
        address = target if isinstance(target, Address) else Address.parse(target, chain.port)
    except ValueError as error:
        raise ConfigError(str(error)) from None
    until = inf if timeout is None else time.monotonic() + timeout
    peer = Peer(dial(address, _shorter(chain.timing.connect_timeout, timeout)), config=config)
    peer.handshake(timeout=None if timeout is None else max(until - time.monotonic(), 0.0))
    return peer


def _shorter(limit: float, timeout: float | None) -> float:
    """The shorter of two times, of which 0 and None are no limit."""
    return limit if timeout is None else min(limit or inf, max(timeout, 0.001))


def dial(target: Address, timeout: float) -> socket.socket:
    """A connected socket. The addresses of a name are tried one after another, within `timeout` s together.

    0 is no limit. Looking up a name takes what the system's resolver takes. Raises RequestTimeout, or PeerGone that
    says why nothing answered.
    """
    until = time.monotonic() + timeout if timeout else None
    failures = []
    for family, address in _lookup(target):
        dialled = socket.socket(family, socket.SOCK_STREAM)
        try:
            dialled.settimeout(None if until is None else max(until - time.monotonic(), 0.001))
            dialled.connect(address)
        except OSError as error:
            dialled.close()
            if isinstance(error, TimeoutError) and error.errno is None:  # ours; the system's own has a number
                raise RequestTimeout(f"cannot connect to {target}: no answer within {timeout:g} s") from None
            failures.append(words(error))
        except BaseException:
            dialled.close()
            raise
        else:
            return dialled
    raise PeerGone(f"cannot connect to {target}: {'; '.join(failures)}")


def _lookup(target: Address) -> list[tuple[int, tuple[object, ...]]]:
    """Families and socket addresses, as the system prefers them."""
    try:
        found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    except UnicodeError:
        raise PeerGone(f"cannot connect to {target}: not a name of a host") from None
    except OSError as error:
        raise PeerGone(f"cannot connect to {target}: the name has no address: {words(error)}") from None
    return [(info[0], info[4]) for info in found[:MAX_ANSWERS]]
