"""Neo Legacy's codec: the frames of Bitcoin around the payloads of `payload`, one wire a connection.

Blocks and headers are asked for by hash. Who has nothing to give may say nothing at all, and not everyone answers a
ping: neo-one and all nodes before C# 2.10 do not.
Called by the peer machine, through `headway.network.Codec` and `Wire`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from headway.errors import CodecError, LocalProtocolError
from headway.network import Limits
from headway.networks.dbft.magics import KNOWN_MAGICS
from headway.networks.dbft.pings import NONCE_BITS, Pings
from headway.networks.neo2.parser import PARSER
from headway.networks.neo2.payload import FORMATS
from headway.types import Address, BlockRequest, Hash, Locator, Raw, ip_of
from headway.wire.frames import Frame, FrameDecoder, encode_frame
from headway.wire.messages import (
    Addr,
    GetAddr,
    GetData,
    GetHeaders,
    InvEntry,
    InvType,
    Message,
    Parser,
    Ping,
    Pong,
    Unknown,
    Version,
)

PROTOCOL_VERSION: Final = 0
"""The only one there is."""


@dataclass(frozen=True, slots=True)
class Neo2Codec:
    """The codec of one network of Neo Legacy; `magic` alone tells them apart."""

    magic: bytes
    limits: Limits

    @property
    def parser(self) -> Parser:
        return PARSER

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
        return False

    def open(self, *, inbound: bool) -> Neo2Wire:
        del inbound  # frames are the same in both directions
        return Neo2Wire(self.magic, self.limits)


class Neo2Wire(FrameDecoder):
    """One connection's view of the codec (`headway.network.Wire`): the frames of its base, and their payloads."""

    __slots__ = ("_limits", "_pings")

    def __init__(self, magic: bytes, limits: Limits) -> None:
        super().__init__(magic, max_payload=limits.max_payload, known_magics=KNOWN_MAGICS)
        self._limits = limits
        self._pings = Pings()

    def decode(self, frame: Frame) -> Message:
        """Raises CodecError for a payload that breaks its format, or a frame with a fault."""
        if frame.fault:
            raise CodecError(frame.fault)
        known = FORMATS.get(frame.command)
        if known is None:
            return Unknown(frame.command, bytes(frame.payload))
        message = known.decode(frame.payload, self._limits)
        if isinstance(message, Pong) and message.nonce is not None:
            return Pong(self._pings.answered(message.nonce), message.height, message.wall_time)
        return message

    def encode(self, message: Message) -> list[Raw]:
        """Raises LocalProtocolError for a message that Neo does not have, or values that its fields cannot hold."""
        if isinstance(message, Unknown):
            return encode_frame(self._magic, message.name, [message.payload])
        if (known := FORMATS.get(message.command)) is None:
            raise LocalProtocolError(f"Neo Legacy has no {message.command}")
        chunks = encode_frame(self._magic, message.command, known.encode(message, self._limits))
        if isinstance(message, Ping) and message.nonce is not None:
            self._pings.sent(message.nonce)
        return chunks

    def negotiated(self, theirs: Version) -> None:
        """Nothing that peers negotiate changes these frames."""

    def ask_headers(self, locator: Locator, stop: Hash) -> Message:
        """By the newest hash alone: other servers use the first of several, neo-one the one that is lowest."""
        return self._encodable(GetHeaders(locator[:1], stop))

    def ask_blocks(self, requests: Sequence[BlockRequest]) -> list[Message]:
        entries = [InvEntry(InvType.BLOCK, request.hash) for request in requests]
        most = self._limits.max_inventory
        return [self._encodable(GetData(tuple(entries[at : at + most]))) for at in range(0, len(entries), most)]

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
