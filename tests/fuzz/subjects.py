"""The networks under test, with limits so small that a short input reaches them. A network more is an entry more here.

`CODECS` are the subjects of the targets `frames` and `messages`, `MACHINES` (their superset) those of `machine`.
Called by the targets.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any, Final

from headway.network import Limits, Network, Wire
from headway.networks.bitcoin import REGTEST
from headway.networks.bitcoin.codec import BitcoinCodec
from headway.networks.bitcoin.header import HEADER_SIZE
from headway.networks.bitcoin.payload import FORMATS, PROTOCOL_VERSION
from headway.types import Address
from headway.wire import messages as m
from tests.scene import TIMING
from tests.toynet import _NUMBERS, NEO_MANNERS, toy_frame, toynet

LIMITS: Final = Limits(
    max_payload=5_000,
    max_headers=20,
    max_inventory=50,
    max_addresses=10,
    max_locator=10,
    max_getdata=5,
    max_blocks_in_flight=12,
    max_queued_requests=3,
    typical_block_size=1_000,
    max_send_queue=10_000,
    max_unread=50_000,
)


@dataclass(frozen=True)
class Subject:
    """A network, and what the targets must know of its codec."""

    network: Network
    frame: Callable[[str, bytes], bytes]
    """A sound frame of a command and any payload, by a definition of its own."""
    payload: Callable[[bytes], bytes]
    """The payload of a frame that its codec made."""
    commands: Sequence[str] = ()
    """Every command that the codec reads."""
    settled: Callable[[Any], Any] = lambda message: message
    """A message with what the encoder writes in place of a field that was not there: as it comes back."""
    is_rewritten: Callable[[m.Message, bytes], bool] = lambda _message, _payload: False
    """Whether a payload is one of several that mean the same message, and not the one that the encoder writes."""


def held(wire: Wire) -> int:
    """Bytes in the buffers of a wire. What is short is a constant, such as a magic."""
    slots = {name for cls in type(wire).__mro__ for name in vars(cls).get("__slots__", ())}
    values = (getattr(wire, name) for name in slots | getattr(wire, "__dict__", {}).keys())
    return sum(len(value) for value in values if isinstance(value, bytes | bytearray) and len(value) > 4)


def v1_frames(magic: bytes) -> Callable[[str, bytes], bytes]:
    """The frame of Bitcoin and Neo Legacy."""

    def frame(command: str, payload: bytes) -> bytes:
        checksum = sha256(sha256(payload).digest()).digest()[:4]
        return magic + command.encode().ljust(12, b"\0") + len(payload).to_bytes(4, "little") + checksum + payload

    return frame


def _toy_frame(command: str, payload: bytes) -> bytes:
    return toy_frame(_NUMBERS.get(command, 99), payload)


def _toy_payload(frame: bytes) -> bytes:
    return frame[8:]


def _bitcoin_settled(message: m.Message) -> m.Message:
    match message:
        case m.Version():
            local = message.local or Address("::", 0)
            return replace(message, protocol=message.protocol or PROTOCOL_VERSION, local=local)
        case m.GetHeaders() | m.GetBlocks():
            return replace(message, protocol=message.protocol or PROTOCOL_VERSION)
        case m.Headers():
            return m.Headers.fixed(message.compact(), message.parser, size=HEADER_SIZE)
        case _:
            return message


def _bitcoin_is_rewritten(message: m.Message, payload: bytes) -> bool:
    match message:
        case m.Version():
            is_short = len(payload) < 86 + len(message.user_agent)  # with all fields, and a text of up to 252 bytes
            had_no_time = message.wall_time == 0  # also where it was negative
            return is_short or had_no_time or not message.protocol or message.relay
        case m.GetHeaders() | m.GetBlocks():
            return not message.protocol
        case m.Headers():
            return message.stride == HEADER_SIZE  # counts of transactions that are not zero
        case m.SendCmpct():
            return message.announce
        case _:
            return False


BITCOIN: Final = Subject(
    replace(REGTEST, codec=BitcoinCodec(REGTEST.magic, LIMITS), limits=LIMITS, timing=TIMING),
    v1_frames(REGTEST.magic),
    lambda frame: frame[24:],
    tuple(FORMATS),
    _bitcoin_settled,
    _bitcoin_is_rewritten,
)

CODECS: Final = {"bitcoin": BITCOIN}
MACHINES: Final = {
    **CODECS,
    "toynet": Subject(toynet(limits=LIMITS, timing=TIMING), _toy_frame, _toy_payload),
    "toynet-neo": Subject(toynet(limits=LIMITS, timing=TIMING, handshake=NEO_MANNERS), _toy_frame, _toy_payload),
}
