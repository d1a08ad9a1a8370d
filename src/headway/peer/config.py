"""What a peer machine is told about ourselves: identity and height.

It is told by value, so that the machine depends on nothing else (the Neo document).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypedDict

from headway.network import Network
from headway.types import Instant, Services


class Identity(TypedDict, total=False):
    """Those fields of `PeerConfig` that a user says about himself, as keywords."""

    user_agent: str
    services: int
    nonce: int | None
    protocol_version: int | None
    relay: bool
    port: int
    start_height: Callable[[], int]


@dataclass(frozen=True, slots=True)
class PeerConfig:
    network: Network
    user_agent: str = "/headway:0.1.0/"
    services: int = int(Services.NONE)
    """What we offer."""
    nonce: int | None = None
    """64 bits; None: fresh and random for each connection."""
    protocol_version: int | None = None
    """None: the newest that the network's codec speaks."""
    relay: bool = False
    """Whether we want to hear of unconfirmed transactions (BIP37 relay flag)."""
    port: int = 0
    """Where we listen; 0 when we do not."""
    start_height: Callable[[], int] = int
    """Asked whenever a message tells our height; `int` gives 0."""
    required_services: int = 0
    """What the remote must offer; the owner leaves it 0 for inbound and manual peers."""
    is_own_nonce: Callable[[int], bool] = lambda _nonce: False
    """Whether a nonce in an inbound version is one of our own open outbound connections (self-connection)."""
    verifies_blocks: bool = False
    """Whether the owner verifies each block that he asked for before he believes it, so that its checksum may be left
    to him (`Block.unchecked`)."""
    is_needed: Callable[[Instant], bool] = lambda _now: False
    """Whether the remote is to be kept although it does not answer: there is no other. Asked when its time is up."""
