"""A chain that a test peer serves, honestly or not: an actor that answers, but for what it is told to do wrong.

    ServedChain(network, blocks)                            # honest
    ServedChain(network, blocks, withheld={7})              # block 7 never comes
    ServedChain(network, blocks, instead={7: damaged})      # other bytes come for it
    ServedChain(network, blocks, headers={7: header})       # another header stands in its place

Where the test shakes hands by itself, `serve` asks it for its answers alone: messages in, messages out. As any actor it
can also be played (`stage`), handshake and all. It serves each remote all it asks for. Called by `stories`.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar, Final, TypedDict, Unpack

from headway.errors import LocalProtocolError
from headway.sim.actor import Honest, Talk
from headway.sim.chain import Chain
from headway.types import Address, Hash, Height
from headway.wire import messages as m

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from headway.network import Network

_QUESTIONS: Final = (m.GetHeaders, m.GetBlocks, m.GetData, m.GetBlockByIndex)


class Tricks(TypedDict, total=False):
    """What a served chain does wrong."""

    withheld: Collection[Height]
    """Blocks of which it says nothing."""
    instead: Mapping[Height, bytes]
    """What it sends when it is asked for a block."""
    headers: Mapping[Height, bytes]
    """Raw headers that stand in place of true ones. Their blocks are asked for by either hash."""


class ServedChain(Honest):
    """Blocks from height 1 on, after the first one of the network."""

    name: ClassVar[str] = "served"
    is_honest: ClassVar[bool] = False

    def __init__(self, network: Network, blocks: Sequence[bytes], **tricks: Unpack[Tricks]) -> None:
        if not network.rules.genesis_block:
            raise LocalProtocolError(f"{network.name} begins at a block that nobody can serve; take one with genesis")
        super().__init__(_Renamed(network, blocks, tricks.get("headers", {})), random.SystemRandom())
        self._withheld = frozenset(tricks.get("withheld", ()))
        self._instead = dict(tricks.get("instead", {}))
        self.asked: Counter[Height] = Counter()
        """How often each block was asked for, by height."""

    def answers(self, message: m.Message) -> Sequence[m.Message]:
        """What to say to a message, one reply after another; nothing to most."""
        talk = _Replies(self)
        if isinstance(message, _QUESTIONS):
            self.received(talk, message)
        return talk.replies

    def announcement(self) -> m.Message:
        """An inv of the last block: a node that hears it asks."""
        return m.Inv((m.InvEntry(m.InvType.BLOCK, self.chain.hashes[self.height]),))

    def asked_blocks(self, talk: Talk, hashes: Sequence[Hash]) -> None:
        heights = [self.chain.heights.get(block) for block in hashes]
        self.asked.update(height for height in heights if height is not None)
        given = zip(hashes, heights, strict=True)
        super().asked_blocks(talk, [block for block, height in given if height not in self._withheld])

    def block_for(self, talk: Talk, block: Hash) -> bytes | None:
        height = self.chain.heights.get(block, 0)
        return self._instead[height] if height in self._instead else super().block_for(talk, block)


class _Renamed(Chain):
    """A chain some of whose headers are others."""

    def __init__(self, network: Network, blocks: Sequence[bytes], headers: Mapping[Height, bytes]) -> None:
        super().__init__(network, blocks)
        header_of, true = network.codec.parser.header, self.raw_headers
        self.raw_headers = [headers.get(height, raw) for height, raw in enumerate(true, 1)]
        assert len(self.hashes) == len(true) + 1, "each height has one name that is told; others are only understood"
        self.heights.update({header_of(raw).hash: height for height, raw in enumerate(true, 1)})


class _Replies(Talk):
    """A connection on which others have shaken hands, and speak: what is to be said there is kept for them."""

    def __init__(self, chain: ServedChain) -> None:
        super().__init__(chain, _Nowhere(), inbound=True, remote=Address("::", 0))
        self.replies: list[m.Message] = []

    def send(self, *messages: m.Message) -> None:
        self.replies += messages


class _Nowhere:
    """A `Port` for who says nothing by itself."""

    now = 0.0
    wall_time = 0.0

    def send(self, data: bytes) -> None: ...
    def close(self) -> None: ...
    def later(self, delay: float, action: Callable[..., None], *arguments: Any) -> None: ...
    def set_reading(self, *, reading: bool) -> None: ...
