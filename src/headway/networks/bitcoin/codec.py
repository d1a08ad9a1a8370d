"""Bitcoin's codec: v1 frames around the payloads of `payload`, one wire a connection.

Stateless but for the frame decoder: nothing that is negotiated changes how bytes are read or written. (Whether a peer
wants `addr` or `addrv2` is for the one who sends them.)
Called by the peer machine, through `headway.network.Codec` and `Wire`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from headway.errors import CodecError, LocalProtocolError
from headway.network import Limits
from headway.networks.bitcoin.address import is_ip, to_entry
from headway.networks.bitcoin.parser import PARSER
from headway.networks.bitcoin.payload import FORMATS, PROTOCOL_VERSION
from headway.types import Address, BlockRequest, Hash, Locator, Raw
from headway.wire.frames import Frame, FrameDecoder, encode_frame
from headway.wire.messages import (
    Addr,
    AddrV2,
    Block,
    GetAddr,
    GetData,
    GetHeaders,
    InvEntry,
    InvType,
    Message,
    Parser,
    Unknown,
    Version,
)

KNOWN_MAGICS: Final[Mapping[bytes, str]] = {
    bytes.fromhex("f9beb4d9"): "bitcoin",
    bytes.fromhex("0b110907"): "testnet3",
    bytes.fromhex("1c163f28"): "testnet4",
    bytes.fromhex("0a03cf40"): "signet",
    bytes.fromhex("fabfb5da"): "regtest",
    bytes.fromhex("416e7400"): "Neo Legacy mainnet",
    bytes.fromhex("416e7474"): "Neo Legacy testnet",
}
"""First bytes of a frame -> network, so that dialling the wrong one says so. Nothing else depends on it."""


@dataclass(frozen=True, slots=True)
class BitcoinCodec:
    """The codec of one Bitcoin network; `magic` alone tells them apart."""

    magic: bytes
    limits: Limits = field(default_factory=Limits)

    @property
    def parser(self) -> Parser:
        return PARSER

    @property
    def protocol_version(self) -> int:
        return PROTOCOL_VERSION

    @property
    def nonce_bits(self) -> int:
        return 64

    @property
    def silence_is_answer(self) -> bool:
        return False

    @property
    def answers_pings(self) -> bool:
        return True

    def open(self, *, inbound: bool) -> BitcoinWire:
        del inbound  # v1 frames are the same in both directions
        return BitcoinWire(self.magic, self.limits)


class BitcoinWire(FrameDecoder):
    """One connection's view of the codec (`headway.network.Wire`): the frames of its base, and their payloads."""

    __slots__ = ("_limits",)

    def __init__(self, magic: bytes, limits: Limits) -> None:
        super().__init__(magic, max_payload=limits.max_payload, known_magics=KNOWN_MAGICS, blocks_prove_themselves=True)
        self._limits = limits

    def decode(self, frame: Frame) -> Message:
        """Raises CodecError for a payload that breaks its format, or a frame with a fault."""
        if frame.fault:
            raise CodecError(frame.fault)
        if frame.unchecked:
            return Block(frame.payload, PARSER, frame.unchecked)
        known = FORMATS.get(frame.command)
        return known.decode(frame.payload, self._limits) if known else Unknown(frame.command, bytes(frame.payload))

    def encode(self, message: Message) -> list[Raw]:
        """Raises LocalProtocolError for a message that Bitcoin does not have, or values that its fields cannot hold."""
        if isinstance(message, Unknown):
            return encode_frame(self._magic, message.name, [message.payload])
        if (known := FORMATS.get(message.command)) is None:
            raise LocalProtocolError(f"Bitcoin has no {message.command}")
        return encode_frame(self._magic, message.command, known.encode(message, self._limits))

    def negotiated(self, theirs: Version) -> None:
        """Nothing that Bitcoin's peers negotiate changes these frames."""

    def ask_headers(self, locator: Locator, stop: Hash) -> Message:
        return self._encodable(GetHeaders(locator, stop))

    def ask_blocks(self, requests: Sequence[BlockRequest]) -> list[Message]:
        kinds = (InvType.WITNESS_BLOCK, InvType.CMPCT_BLOCK)
        entries = tuple(InvEntry(kinds[request.compact], request.hash) for request in requests)
        return [self._encodable(GetData(entries))]

    def ask_transaction(self, txid: Hash) -> Message:
        return self._encodable(GetData((InvEntry(InvType.WITNESS_TX, txid),)))

    def ask_addresses(self) -> Message:
        return GetAddr()

    def tell_addresses(self, addresses: Sequence[Address], *, all_networks: bool) -> Message | None:
        """By `addrv2` (BIP155) or `addr`, which holds IP addresses alone."""
        most = self._limits.max_addresses
        if not all_networks:
            plain = tuple(each for each in addresses if is_ip(each))[:most]
            return Addr(plain) if plain else None
        known = [(entry, each) for each in addresses if (entry := to_entry(each)) is not None][:most]
        return AddrV2(tuple(entry for entry, _ in known), tuple(each for _, each in known)) if known else None

    def _encodable(self, message: Message) -> Message:
        """The message, after trying: a caller's mistake is to be told where it is made, not when the message leaves."""
        self.encode(message)
        return message
