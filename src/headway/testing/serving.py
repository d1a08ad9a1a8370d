"""A chain that a test peer serves, honestly or not: which answers a question of the remote has.

    ServedChain(network, blocks)                            # honest
    ServedChain(network, blocks, withheld={7})              # block 7 never comes
    ServedChain(network, blocks, instead={7: damaged})      # other bytes come for it
    ServedChain(network, blocks, headers={7: header})       # another header stands in its place

Messages in, messages out. It answers getheaders, getblocks, getdata (blocks) and getblockbyindex; pings are answered by
every conversation. A dumb server: it serves each remote all it asks for. Called by `stories`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final, TypedDict, Unpack

from headway.errors import LocalProtocolError
from headway.types import Height
from headway.wire import messages as m

if TYPE_CHECKING:
    from headway.network import Network

MAX_BLOCKS_INV: Final = 500
"""Hashes in the answer to one getblocks, and blocks in that to one getblockbyindex (Core's literal nLimit; C#
InvPayload.MaxHashesCount)."""
_BLOCK_TYPES: Final = (m.InvType.BLOCK, m.InvType.WITNESS_BLOCK)


class Tricks(TypedDict, total=False):
    """What a served chain does wrong."""

    withheld: Collection[Height]
    """Blocks of which it says nothing."""
    instead: Mapping[Height, bytes]
    """What it sends when it is asked for a block."""
    headers: Mapping[Height, bytes]
    """Raw headers that stand in place of true ones. Their blocks are asked for by either hash."""


class ServedChain:
    """Blocks from height 1 on, after the first one of the network."""

    def __init__(self, network: Network, blocks: Sequence[bytes], **tricks: Unpack[Tricks]) -> None:
        if not network.rules.genesis_block:
            raise LocalProtocolError(f"{network.name} begins at a block that nobody can serve; take one with genesis")
        headers = tricks.get("headers", {})
        parser = network.codec.parser
        self._network = network
        self._parser = parser
        self._blocks = [network.rules.genesis_block, *blocks]
        true = [parser.block_header(block) for block in self._blocks]
        self._headers = [headers.get(height, header.raw) for height, header in enumerate(true)]
        self._hashes = [parser.header(raw).hash for raw in self._headers]
        self._height_of = {header.hash: height for height, header in enumerate(true)}
        self._height_of |= {block: height for height, block in enumerate(self._hashes)}
        self._withheld = frozenset(tricks.get("withheld", ()))
        self._instead = dict(tricks.get("instead", {}))
        self.asked: Counter[Height] = Counter()
        """How often each block was asked for, by height."""

    @property
    def height(self) -> Height:
        """Of its last block."""
        return len(self._blocks) - 1

    def answers(self, message: m.Message) -> Iterator[m.Message]:
        """What to say to a message, one reply after another; nothing to most."""
        match message:
            case m.GetHeaders():
                yield from self._answer_headers(message)
            case m.GetBlocks():
                if hashes := [self._hashes[height] for height in self._after(message, MAX_BLOCKS_INV)]:
                    yield m.Inv(tuple(m.InvEntry(m.InvType.BLOCK, block) for block in hashes))
            case m.GetData():
                for entry in message.entries:
                    yield from self._answer_data(entry)
            case m.GetBlockByIndex():
                first, most = message.first_height, message.count or MAX_BLOCKS_INV
                for height in range(first, min(first + min(most, MAX_BLOCKS_INV), self.height + 1)):
                    yield from self._answer_block(height, m.InvType.WITNESS_BLOCK)
            case _:
                pass

    def announcement(self) -> m.Message:
        """An inv of the last block: a node that hears it asks."""
        return m.Inv((m.InvEntry(m.InvType.BLOCK, self._hashes[-1]),))

    def _answer_headers(self, question: m.GetHeaders) -> Iterator[m.Message]:
        most = min(question.count or self._network.limits.max_headers, self._network.limits.max_headers)
        heights = self._after(question, most)
        if heights or not self._network.codec.silence_is_answer:
            yield self._headers_message([self._headers[height] for height in heights])

    def _headers_message(self, raws: Sequence[bytes]) -> m.Headers:
        size = self._network.rules.header_size
        if size:
            return m.Headers.fixed(b"".join(raws), self._parser, size=size)
        return m.Headers.joined(raws, self._parser)

    def _after(self, question: m.GetHeaders | m.GetBlocks, most: int) -> range:
        """Heights that answer it: after the first known block of its locator, to its stop or `most` of them."""
        if isinstance(question, m.GetHeaders) and question.first_height is not None:
            start = max(question.first_height, 1)
        else:
            known = (height for block in question.locator if (height := self._height_of.get(block.hash)) is not None)
            start = next(known, 0) + 1
        stop = self._height_of.get(question.stop, self.height)
        end = stop if stop >= start else self.height
        return range(start, min(start + most, end + 1))

    def _answer_data(self, entry: m.InvEntry) -> Iterator[m.Message]:
        height = self._height_of.get(entry.hash) if entry.type in _BLOCK_TYPES else None
        if height is not None:
            yield from self._answer_block(height, entry.type)
        elif not self._network.codec.silence_is_answer:
            yield m.NotFound((entry,))

    def _answer_block(self, height: Height, kind: int) -> Iterator[m.Message]:
        self.asked[height] += 1
        if height in self._withheld:
            return
        if height in self._instead:
            yield m.Block(self._instead[height], self._parser)
            return
        raw = self._blocks[height]
        yield m.Block(self._parser.stripped(raw) if kind == m.InvType.BLOCK else raw, self._parser)
