"""Verified headers and blocks from the peers of a blockchain network, without a node.

    socket bytes -> frames -> messages -> peer machine -> sync scheduler -> chain -> store
       aio/         wire/      wire/        peer/            sync/          chain/    store/
       networks/* plug in: codec, handshake policy, header and block rules

One peer:          async with headway.connect("203.0.113.7:8333", network="bitcoin") as peer: ...
The whole engine:  async with headway.Node(network="bitcoin", peers=8, datadir="...") as node: ...
No asyncio:        with headway.blocking.connect("203.0.113.7:8333") as peer: ...
Errors:            headway.errors, one tree under HeadwayError

Nothing is loaded before it is used: `import headway` costs no asyncio.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from headway import blocking as blocking
    from headway import errors as errors
    from headway import networks as networks
    from headway import testing as testing
    from headway import types as types
    from headway.aio.config import LocalConfig as LocalConfig
    from headway.aio.dial import connect as connect
    from headway.aio.dial import open_connection as open_connection
    from headway.aio.node import Node as Node
    from headway.aio.peer import Peer as Peer
    from headway.errors import HandshakeRejected as HandshakeRejected
    from headway.errors import HeadwayError as HeadwayError
    from headway.errors import PeerGone as PeerGone
    from headway.errors import RequestTimeout as RequestTimeout
    from headway.network import Limits as Limits
    from headway.network import Network as Network
    from headway.network import Timing as Timing
    from headway.network_file import load_network as load_network
    from headway.node.broadcast import Broadcast as Broadcast
    from headway.node.orders import BlockConnected as BlockConnected
    from headway.node.orders import BlockDisconnected as BlockDisconnected
    from headway.peer.info import PeerInfo as PeerInfo
    from headway.types import Address as Address
    from headway.types import BlockId as BlockId
    from headway.types import BlockRequest as BlockRequest
    from headway.types import Services as Services
    from headway.types import hash_from_hex as hash_from_hex
    from headway.types import hash_hex as hash_hex

__version__ = "0.1.0"

_HOME = {
    "headway.aio.config": ("LocalConfig",),
    "headway.aio.dial": ("connect", "open_connection"),
    "headway.aio.node": ("Node",),
    "headway.aio.peer": ("Peer",),
    "headway.errors": ("HandshakeRejected", "HeadwayError", "PeerGone", "RequestTimeout"),
    "headway.network": ("Limits", "Network", "Timing"),
    "headway.network_file": ("load_network",),
    "headway.node.broadcast": ("Broadcast",),
    "headway.node.orders": ("BlockConnected", "BlockDisconnected"),
    "headway.peer.info": ("PeerInfo",),
    "headway.types": ("Address", "BlockId", "BlockRequest", "Services", "hash_from_hex", "hash_hex"),
}
"""Module -> the public names that live there."""
_MODULES = ("blocking", "errors", "networks", "testing", "types")
_MODULE_OF = {name: module for module, names in _HOME.items() for name in names}

__all__ = ["__version__", *_MODULES, *_MODULE_OF]  # noqa: PLE0604  # strings all, from the table above


if not TYPE_CHECKING:  # or a type checker would believe in every name

    def __getattr__(name: str) -> Any:
        if name in _MODULE_OF:
            value = getattr(importlib.import_module(_MODULE_OF[name]), name)
        elif name in _MODULES:
            value = importlib.import_module(f"headway.{name}")
        else:
            raise AttributeError(f"module 'headway' has no attribute {name!r}")
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
