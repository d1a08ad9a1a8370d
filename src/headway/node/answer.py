"""What those who answer others want done: messages to be sent, stored blocks and headers to be read, peers to be left.

Made by `serve`, `handout`, `broadcast` and `reassembly`, carried out by `dispatch`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from headway.errors import RemoteProtocolError
    from headway.peer.events import Reason
    from headway.types import Address
    from headway.wire.messages import Block, Message


@dataclass(frozen=True, slots=True)
class Answer:
    """Send this to the peer."""

    peer: int
    message: Message


@dataclass(frozen=True, slots=True)
class ReadBlock:
    """Read a stored block for the peer; tell `Server.loaded`."""

    peer: int
    position: int


@dataclass(frozen=True, slots=True)
class ReadHeaders:
    """Read stored headers for the peer; tell `Server.headers_loaded`."""

    peer: int
    positions: tuple[int, ...]
    context: Any


@dataclass(frozen=True, slots=True)
class TellAddresses:
    """Send it these, in the form that it takes."""

    peer: int
    addresses: tuple[Address, ...]


@dataclass(frozen=True, slots=True)
class Refuse:
    """The peer asks for what it cannot have: it is to be disconnected, and is not to blame."""

    peer: int
    reason: Reason
    why: str


@dataclass(frozen=True, slots=True)
class Assembled:
    """A block was put together out of what the peer sent: as if it had sent the whole."""

    peer: int
    block: Block


@dataclass(frozen=True, slots=True)
class Fault:
    """The peer sent what cannot be."""

    peer: int
    error: RemoteProtocolError


ServeOutput: TypeAlias = Answer | ReadBlock | ReadHeaders | TellAddresses | Refuse | Assembled | Fault
