"""What a node machine is told at its start."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from headway.types import Services
from headway.ways import DIRECT, Ways

if TYPE_CHECKING:
    from headway.network import Network
    from headway.node.netgroup import AsNumber
    from headway.types import Address, Height


@dataclass(frozen=True, slots=True)
class NodeConfig:
    network: Network
    user_agent: str = "/headway:0.1.0/"
    peers: int = 8
    """Outbound peers to keep connected when they are found by ourselves, those for blocks alone included."""
    connect: tuple[Address, ...] = ()
    """Peers that the user named: these and no others; an address named twice is connected twice."""
    addnode: tuple[Address, ...] = ()
    """Peers that the user named, besides those that are found."""
    seednode: tuple[Address, ...] = ()
    """Peers to ask for addresses, and to leave again, where seeds are of no use."""
    peers_file: tuple[Address, ...] = ()
    """Addresses to begin with, before any seed is asked."""
    dns: bool = True
    """Whether seeds may be used; only without `connect`."""
    dnsseed: bool = True
    """Whether those of the DNS are asked, and not the fixed ones alone."""
    ways: Ways = DIRECT
    """How others are reached, and which of them."""
    asn: AsNumber | None = None
    """A map of autonomous systems, whose addresses are then one group each; None: prefixes are the groups."""
    relay: bool = False
    """Whether peers are asked to tell us of transactions even where blocks are announced without that
    (`Network.wants_relay`). None of theirs is told to others, or kept but for `tx_cache`."""
    tx_cache: int = 0
    """Bytes of others' transactions that are kept, so that new blocks come by their ids alone; 0: none. Peers must
    then be asked to tell of transactions (`relay`)."""
    sync: bool = True
    """Whether a chain is brought at all; without it a node has peers, and nothing to ask them."""
    floor: Height | None = 0
    """Lowest block to bring; None: headers only."""
    ceiling: Height | None = None
    """Highest block to bring; None: as far as the chain goes."""
    thorough: bool = False
    """Have every header's proof checked, not only as many as prove all hashes (see `ChainRules.check_headers`)."""
    serve: bool = False
    """Whether we answer others, and announce that we can."""
    pruned: bool = False
    """We do not keep all blocks, but the last ones at least (BIP159)."""
    upload_target: int = 0
    """Bytes of history that we give away in a day; 0: no limit [Core -maxuploadtarget]."""
    external: tuple[Address, ...] = ()
    """Where others can reach us: peers are told so; nobody is, when empty."""
    max_inbound: int = 117
    """Inbound peers at one time (Core: 125 in all, less its outbound ones)."""
    port: int = 0
    """Where we listen; 0 when we do not."""

    @property
    def block_relay_peers(self) -> int:
        """How many of the outbound peers are for headers and blocks alone [MAX_BLOCK_RELAY_ONLY_CONNECTIONS]: a fourth
        of them, two at most, as in Core's ten. None where no chain is brought."""
        return min(self.peers // 4, 2) if self.sync else 0

    @property
    def services(self) -> Services:
        """What we offer: blocks with their witnesses when we serve, all or the last ones; nothing otherwise."""
        if not self.serve:
            return Services.NONE
        return (Services.NETWORK_LIMITED if self.pruned else Services.NETWORK) | Services.WITNESS

    def network_towards(self, address: Address, *, inbound: bool) -> Network:
        """The network, with more time for a remote that we reach by a slow way."""
        patience = 1.0 if inbound else self.ways.patience(address)
        if patience == 1.0:
            return self.network
        return replace(self.network, timing=self.network.timing.stretched(patience))
