"""A far end of whole nodes in virtual time that the test plays: it says what it likes, right or wrong, on many links.

To the world it is a node like others: it may call one, or listen and be dialled. Nothing answers by itself.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from headway.types import Address
from headway.wire.messages import Message, Verack, Version
from tests.virtual import WALL, VirtualNode, World

if TYPE_CHECKING:
    from headway.network import Wire
    from headway.types import Raw


class Stranger(VirtualNode):
    def __init__(self, world: World, *, at: str = "") -> None:
        """`at`: where it can be dialled; the links that come of it are numbered from 1, as those of `call`."""
        self.world = world
        self.version = Version(
            world.network.codec.protocol_version, 9, int(WALL), 77, "/stranger:1/", 0, remote=Address("10.0.0.1", 1)
        )
        self._far: dict[int, tuple[VirtualNode, int]] = {}
        self._wires: dict[int, Wire] = {}
        if at:
            world.listening[Address.parse(at)] = self

    @property
    def links(self) -> list[int]:
        """Those that are open."""
        return list(self._far)

    def call(self, node: VirtualNode, *, source: str = "10.0.0.9:9") -> int | None:
        """Dial a node. The number of the link; None: it took no more peers."""
        link = self._new_link(inbound=False)
        peer = node.give("handle_inbound", Address.parse(source))
        if peer is None:
            return None
        self._far[link] = (node, peer)
        node._far[peer] = (self, link)
        return link

    def shake(self, link: int, **version: Any) -> list[Message]:
        """Its half of a handshake; what the node says to it."""
        self.says(link, replace(self.version, **version), Verack())
        return self.hears(link)

    def says(self, link: int, *messages: Message) -> None:
        wire = self._wires[link]
        self.sends(link, b"".join(bytes(chunk) for message in messages for chunk in wire.encode(message)))

    def sends(self, link: int, data: bytes) -> None:
        """Bytes as they are; nothing when the link has ended."""
        if far := self._far.get(link):
            far[0].give("receive_data", far[1], data)

    def hears(self, link: int) -> list[Message]:
        """What the node has said since the last time, once all of it has travelled."""
        self.world.run(0.1)
        wire = self._wires[link]
        return [wire.decode(frame) for frame in wire.frames()]

    def hangs_up(self, link: int) -> None:
        node, peer = self._far.pop(link)
        node._closed(peer)

    # What the world tells a node.

    def give(self, name: str, *arguments: Any) -> int:
        assert (name, len(arguments)) == ("handle_inbound", 1), "the world tells a listening far end of nothing else"
        return self._new_link(inbound=True)

    def _arrive(self, peer: int, data: Raw) -> None:
        self._wires[peer].receive_data(data)

    def _closed(self, peer: int) -> None:
        self._far.pop(peer, None)

    def _new_link(self, *, inbound: bool) -> int:
        link = len(self._wires) + 1
        self._wires[link] = self.world.network.codec.open(inbound=inbound)
        return link
