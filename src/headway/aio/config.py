"""What a user tells a `Peer` about himself: identity, height and callbacks (the LocalConfig of the Neo document).

Not here: durations and bounds, which stand on the `Network` (`dataclasses.replace(network, timing=Timing(...))`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from headway import __version__
from headway.network import Network
from headway.network_file import load_network
from headway.peer.config import Identity, PeerConfig
from headway.types import Services

if TYPE_CHECKING:
    from headway.aio.peer import Peer

Callback: TypeAlias = Callable[["Peer", Any], Any]
"""`def` or `async def (peer, message)`. Callbacks of one peer run one after another, in order of arrival."""

USER_AGENT: Final = f"/headway:{__version__}/"


def _zero() -> int:
    return 0


class Keywords(Identity, total=False):
    """The fields of `LocalConfig` but the network, as keywords of `headway.connect`."""

    on_headers: Callback | None
    on_block: Callback | None
    on_inv: Callback | None
    on_tx: Callback | None
    on_addr: Callback | None
    on_getheaders: Callback | None
    on_getdata: Callback | None
    on_getaddr: Callback | None
    on_getblocks: Callback | None
    on_disconnect: Callback | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalConfig:
    """Ourselves, as one peer sees us, and what we do with what it sends.

    An exception in a callback is logged and disconnects with `Reason.CALLBACK_FAILED`. The peer's deadlines stand still
    while a callback runs, unless it awaits a reply of this very peer.
    """

    network: Network | str
    """A network, its name, or the path of its file (`headway.load_network`)."""
    user_agent: str = USER_AGENT
    services: int = int(Services.NONE)
    """What we offer."""
    nonce: int | None = None
    """64 bits; None: fresh and random for each connection."""
    protocol_version: int | None = None
    """None: the newest that we speak."""
    relay: bool = False
    """Whether we want to hear of unconfirmed transactions."""
    port: int = 0
    """Where we listen; 0 when we do not."""
    start_height: Callable[[], int] = _zero
    on_headers: Callback | None = None
    """Gets `Headers`, asked or announced."""
    on_block: Callback | None = None
    """Gets `Block`."""
    on_inv: Callback | None = None
    """Gets `Inv`."""
    on_tx: Callback | None = None
    """Gets `Tx`."""
    on_addr: Callback | None = None
    """Gets `Addr`, also where the remote sent `addrv2`."""
    on_getheaders: Callback | None = None
    """Gets `GetHeaders`."""
    on_getdata: Callback | None = None
    """Gets `GetData`."""
    on_getaddr: Callback | None = None
    """Gets `GetAddr`."""
    on_getblocks: Callback | None = None
    """Gets `GetBlocks`."""
    on_disconnect: Callback | None = None
    """Gets `PeerDisconnected`, after everything else."""
    _peer_config: PeerConfig | None = field(default=None, init=False, repr=False, compare=False)

    def peer_config(self) -> PeerConfig:
        """The part that the machine knows, one for all peers of this config. Raises ConfigError for a network that does
        not exist."""
        if self._peer_config is None:
            object.__setattr__(self, "_peer_config", self._make_peer_config())
        assert self._peer_config is not None, "it was made just now"
        return self._peer_config

    def _make_peer_config(self) -> PeerConfig:
        return PeerConfig(
            network=load_network(self.network) if isinstance(self.network, str) else self.network,
            user_agent=self.user_agent,
            services=self.services,
            nonce=self.nonce,
            protocol_version=self.protocol_version,
            relay=self.relay,
            port=self.port,
            start_height=self.start_height,
        )
