"""Neo N3's codec: the frames of `frames` around the payloads of `payload`, one wire a connection.

Headers and blocks are asked for by height. Who has nothing to give says nothing at all, but answers a ping, and in its
turn: a ping behind a question shows where the answers to it end.
Called by the peer machine, through `headway.network.Codec` and `Wire`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from headway.errors import LocalProtocolError
from headway.network import Limits
from headway.networks.dbft.pings import NONCE_BITS, Pings
from headway.networks.neo3.frames import N3FrameDecoder, encode_frame
from headway.networks.neo3.parser import PARSER, Neo3Parser
from headway.networks.neo3.payload import MAX_INDEXED, formats, height_after
from headway.types import UNKNOWN_HEIGHT, Address, BlockRequest, Hash, Height, Locator, Raw, ip_of
from headway.wire.frames import Frame
from headway.wire.messages import (
    Addr,
    GetAddr,
    GetBlockByIndex,
    GetData,
    GetHeaders,
    InvEntry,
    InvType,
    Message,
    Ping,
    Pong,
    Unknown,
    Version,
)

PROTOCOL_VERSION: Final = 0
"""The only one there is."""
MAX_BLOCKS: Final = 500
"""Blocks that one getblockbyindex brings, however many it asks for (C# InvPayload.MaxHashesCount)."""


@dataclass(frozen=True, slots=True)
class Neo3Codec:
    """The codec of one network of Neo N3."""

    magic: int
    """The network's number, as version messages state it."""
    limits: Limits
    parser: Neo3Parser = PARSER
    """Tells networks with StateRootInHeader from all others."""

    @property
    def protocol_version(self) -> int:
        return PROTOCOL_VERSION

    @property
    def nonce_bits(self) -> int:
        return NONCE_BITS

    @property
    def silence_is_answer(self) -> bool:
        return True

    @property
    def answers_pings(self) -> bool:
        return True

    def open(self, *, inbound: bool) -> Neo3Wire:
        del inbound  # frames are the same in both directions
        return Neo3Wire(self.magic, self.limits, self.parser)


class Neo3Wire(N3FrameDecoder):
    """One connection's view of the codec (`headway.network.Wire`): the frames of its base, and their payloads."""

    __slots__ = ("_formats", "_limits", "_magic", "_pings")

    def __init__(self, magic: int, limits: Limits, parser: Neo3Parser) -> None:
        super().__init__(max_payload=limits.max_payload)
        self._magic = magic
        self._limits = limits
        self._formats = formats(parser)
        self._pings = Pings()

    def decode(self, frame: Frame) -> Message:
        """Raises CodecError for a payload that breaks its format."""
        known = self._formats.get(frame.command)
        if known is None:
            return Unknown(frame.command, bytes(frame.payload))
        message = known.decode(frame.payload, self._limits)
        if isinstance(message, Pong) and message.nonce is not None:
            return Pong(self._pings.answered(message.nonce), message.height, message.wall_time)
        return message

    def encode(self, message: Message) -> list[Raw]:
        """Raises LocalProtocolError for a message that Neo does not have, or values that its fields cannot hold.

        A version that states no network states ours.
        """
        if isinstance(message, Unknown):
            return encode_frame(message.name, [message.payload])
        if (known := self._formats.get(message.command)) is None:
            raise LocalProtocolError(f"Neo N3 has no {message.command}")
        if isinstance(message, Version) and not message.magic:
            message = replace(message, magic=self._magic)
        chunks = encode_frame(message.command, known.encode(message, self._limits))
        if isinstance(message, Ping) and message.nonce is not None:
            self._pings.sent(message.nonce)
        return chunks

    def negotiated(self, theirs: Version) -> None:
        """We never compress, and read what is compressed in any case."""

    def ask_headers(self, locator: Locator, stop: Hash) -> Message:
        """From the height after the newest block on. N3 has no word for `stop`."""
        count = min(self._limits.max_headers, MAX_INDEXED)
        return self._encodable(GetHeaders(locator, stop, first_height=height_after(locator), count=count))

    def ask_blocks(self, requests: Sequence[BlockRequest]) -> list[Message]:
        """Runs of heights; by hash where no height is known."""
        return [self._encodable(_ask_run(run)) for run in _runs(requests)]

    def ask_transaction(self, txid: Hash) -> Message:
        return self._encodable(GetData((InvEntry(InvType.TX, txid),)))

    def ask_addresses(self) -> Message:
        return GetAddr()

    def tell_addresses(self, addresses: Sequence[Address], *, all_networks: bool) -> Message | None:
        """IP addresses are all that Neo's peers tell each other."""
        del all_networks
        known = tuple(each for each in addresses if ip_of(each.host) is not None)[: self._limits.max_addresses]
        return Addr(known) if known else None

    def _encodable(self, message: Message) -> Message:
        """The message, after trying: a caller's mistake is to be told where it is made, not when the message leaves."""
        self.encode(message)
        return message


def _runs(requests: Sequence[BlockRequest]) -> list[list[BlockRequest]]:
    """What one message each can ask for, in the order of the requests."""
    runs: list[list[BlockRequest]] = []
    for request in requests:
        if runs and len(runs[-1]) < MAX_BLOCKS and request.height == _next_height(runs[-1][-1].height):
            runs[-1].append(request)
        else:
            runs.append([request])
    return runs


def _next_height(height: Height) -> Height:
    return UNKNOWN_HEIGHT if height == UNKNOWN_HEIGHT else height + 1


def _ask_run(run: Sequence[BlockRequest]) -> Message:
    if run[0].height == UNKNOWN_HEIGHT:
        return GetData(tuple(InvEntry(InvType.BLOCK, request.hash) for request in run))
    return GetBlockByIndex(run[0].height, len(run))
