"""What a remote may say, over every network and manner: the stage of the property tests of `peer`."""

from __future__ import annotations

from dataclasses import dataclass, replace

from headway.errors import LocalProtocolError
from headway.network import Limits, Network, Timing
from headway.types import Address
from headway.wire import messages as m
from tests.link import (
    NEO,
    NETWORKS,
    Remote,
    block_of,
    blocks_of,
    genesis_of,
    headers_of,
    missing,
    requests_of,
    unknown,
)
from tests.toynet import NEO_MANNERS, toynet

TIMING = Timing(
    handshake_timeout=20.0,
    idle_timeout=100.0,
    ping_interval=15.0,
    ping_timeout=40.0,
    headers_timeout=10.0,
    addresses_timeout=5.0,
    transaction_timeout=5.0,
    batch_timeout=10.0,
    block_timeout=25.0,
    close_timeout=5.0,
)
LIMITS = Limits(typical_block_size=1_000, max_blocks_in_flight=12, max_queued_requests=3, max_getdata=5)
WORLDS: dict[str, Network] = {
    "regtest": replace(NETWORKS["regtest"], timing=TIMING, limits=LIMITS),
    "toynet": toynet(timing=TIMING, limits=LIMITS),
    "toynet with Neo's manners": toynet(timing=TIMING, limits=LIMITS, handshake=NEO_MANNERS),
    **{name: replace(network, timing=TIMING, limits=LIMITS) for name, network in NEO.items()},
}
_NEO_NAMES = {network.name for network in NEO.values()}


@dataclass(frozen=True)
class Scene:
    """A chain and everything that a remote may say about it."""

    network: Network
    blocks: list[bytes]

    @classmethod
    def of(cls, world: str) -> Scene:
        network = WORLDS[world]
        return cls(network, blocks_of(network, 20))

    def messages(self, remote: Remote) -> list[m.Message]:
        """One of each kind at least that the chain has, several of the heavy ones."""
        found = [*self._messages(remote), *self._neos_own(remote)]
        return [message for message in found if self._can_say(message)]

    def _can_say(self, message: m.Message) -> bool:
        try:
            self.network.codec.open(inbound=False).encode(message)
        except LocalProtocolError:
            return False
        return True

    def _messages(self, remote: Remote) -> list[m.Message]:
        requests = requests_of(self.network, self.blocks)
        entries = (m.InvEntry(m.InvType.BLOCK, requests[0].hash), m.InvEntry(m.InvType.TX, bytes(32)))
        ours = remote.peer.nonce
        found: list[m.Message] = [
            remote.version,
            replace(remote.version, nonce=ours, user_agent="\x1b[2J"),
            m.Verack(),
            m.SendAddrV2(),
            m.Ping(7),
            m.Ping(None),
            m.Pong(0),
            m.Pong(None),
            m.Pong(7),
            m.GetHeaders((genesis_of(self.network),)),
            m.GetBlocks((genesis_of(self.network),)),
            m.Inv(entries),
            m.GetData(entries),
            missing(requests[0].hash, requests[3].hash, bytes(32)),
            m.Addr((Address("192.0.2.1", 1), Address("192.0.2.2", 2))),
            m.Addr((Address("192.0.2.20", 4444),)),
            m.GetAddr(),
            unknown(self.network, 99, b"anything"),
        ]
        found += [headers_of(self.network, self.blocks[at : at + n]) for at, n in ((0, 20), (0, 0), (5, 3), (0, 1))]
        found += [block_of(self.network, raw) for raw in (*self.blocks[:6], b"too short")]
        return found

    def _neos_own(self, remote: Remote) -> list[m.Message]:
        """What other chains do not have, or say in another way: one kind an inventory, heights wherever it fits."""
        if self.network.name not in _NEO_NAMES:
            return []
        block, tx = m.InvEntry(m.InvType.BLOCK, requests_of(self.network, self.blocks)[0].hash), m.InvType.TX
        return [
            replace(remote.version, user_agent="NEO:neo-one-js:1.0.0-preview"),
            m.Inv((block,)),
            m.Inv((m.InvEntry(tx, bytes(32)),)),
            m.GetData((block,)),
            m.NotFound((m.InvEntry(tx, bytes(32)),)),
            m.Ping(8, 600, 1),
            m.Pong(8, 700, 1),
            m.GetHeaders((), first_height=1, count=5),
            m.GetBlockByIndex(1, 5),
            m.MemPool(),
            m.Unknown("extensible", b"anything"),
            m.Unknown("consensus", b"anything"),
        ]
