"""The networks under test, with limits so small that a short input reaches them. A network more is an entry more here.

`CODECS` are the subjects of the targets `frames` and `messages`, `MACHINES` (their superset) those of `machine`.
Called by the targets.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any, Final

from lz4 import block as lz4

from headway.network import Limits, Network, Wire
from headway.networks.bitcoin import REGTEST
from headway.networks.bitcoin.codec import BitcoinCodec
from headway.networks.bitcoin.header import HEADER_SIZE
from headway.networks.bitcoin.payload import FORMATS, PROTOCOL_VERSION
from headway.networks.neo2 import payload as neo2
from headway.networks.neo2.codec import Neo2Codec
from headway.networks.neo2.parser import PARSER as PARSER2
from headway.networks.neo3 import payload as neo3
from headway.networks.neo3.codec import Neo3Codec
from headway.networks.neo3.parser import PARSER as PARSER3
from headway.types import Address
from headway.wire import messages as m
from tests.link import NEO
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
    is_one_way: Callable[[m.Message], bool] = lambda _message: False
    """Whether a message can be read and not written: others say it, we never do."""
    is_rewritten: Callable[[m.Message, bytes], bool] = lambda _message, _payload: False
    """Whether a payload is one of several that mean the same message, and not the one that the encoder writes."""
    transaction: Callable[[Sequence[bytes]], bytes] = lambda _blocks: bytes(10)
    """A raw transaction; Neo's is one of the chain's blocks."""


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
    settled=_bitcoin_settled,
    is_rewritten=_bitcoin_is_rewritten,
)


# --- Neo

_N3_NUMBERS: Final = {
    "version": 0x00, "verack": 0x01, "getaddr": 0x10, "addr": 0x11, "ping": 0x18, "pong": 0x19, "getheaders": 0x20,
    "headers": 0x21, "getblocks": 0x24, "mempool": 0x25, "inv": 0x27, "getdata": 0x28, "getblockbyindex": 0x29,
    "notfound": 0x2A, "tx": 0x2B, "block": 0x2C, "extensible": 0x2E, "filterload": 0x30, "filteradd": 0x31,
    "filterclear": 0x32, "merkleblock": 0x38, "alert": 0x40,
}  # fmt: skip
_N3_OTHER: Final = 0x77


def _n3_frame(command: str, payload: bytes) -> bytes:
    """A payload that ends in an odd byte is packed, unless it is a version: no first frame is."""
    flags = payload[-1] & 1 if payload and command != "version" else 0
    if flags:
        payload = len(payload).to_bytes(4, "little") + lz4.compress(payload, store_size=False)
    size = len(payload)
    length = bytes([size]) if size < 0xFD else b"\xfd" + size.to_bytes(2, "little")
    return bytes([flags, _N3_NUMBERS.get(command, _N3_OTHER)]) + length + payload


def _n3_payload(frame: bytes) -> bytes:
    return frame[5:] if frame[2] == 0xFD else frame[3:]


def _is_never_ours(message: m.Message) -> bool:
    """Neo's messages of nothing: read, as some nodes send them, and not written."""
    match message:
        case m.Inv() | m.GetData() | m.NotFound():
            return not message.entries
        case m.Addr():
            return not message.addresses
        case m.GetHeaders() | m.GetBlocks():
            return not message.locator
        case _:
            return False


def _neo2_is_rewritten(message: m.Message, payload: bytes) -> bool:
    del payload
    return isinstance(message, m.Version) and message.relay  # any byte but 0


def _n3_settled(message: m.Message) -> m.Message:
    """A version that states no network states ours; what an addr tells but the port is not told on."""
    return replace(message, magic=message.magic or _N3_MAGIC) if isinstance(message, m.Version) else message


def _is_never_n3s(message: m.Message) -> bool:
    match message:
        case m.Version():
            return not message.capabilities  # those of a full node would be written, whose height is not known
        case m.GetHeaders():
            return False  # by height
        case _:
            return _is_never_ours(message)


def _n3_is_rewritten(message: m.Message, payload: bytes) -> bool:
    match message:
        case m.Version():
            return payload[:4] == bytes(4)
        case m.Addr():
            return True  # its capabilities come down to a port
        case _:
            return False


_RESTING: Final = replace(TIMING, verack_pause=0.5)
NEO2: Final = Subject(
    replace(NEO["neo2"], codec=Neo2Codec(NEO["neo2"].magic, LIMITS), limits=LIMITS, timing=_RESTING),
    v1_frames(NEO["neo2"].magic),
    lambda frame: frame[24:],
    tuple(neo2.FORMATS),
    is_one_way=_is_never_ours,
    is_rewritten=_neo2_is_rewritten,
    transaction=lambda blocks: PARSER2.transactions(blocks[0])[0].raw,
)
_N3_MAGIC: Final = int.from_bytes(NEO["neo3"].magic, "little")
NEO3: Final = Subject(
    replace(NEO["neo3"], codec=Neo3Codec(_N3_MAGIC, LIMITS), limits=LIMITS, timing=TIMING),
    _n3_frame,
    _n3_payload,
    tuple(neo3.formats(PARSER3)),
    _n3_settled,
    _is_never_n3s,
    _n3_is_rewritten,
    lambda blocks: next(each.raw for block in blocks for each in PARSER3.transactions(block)),
)

CODECS: Final = {"bitcoin": BITCOIN, "neo2": NEO2, "neo3": NEO3}
MACHINES: Final = {
    **CODECS,
    "toynet": Subject(toynet(limits=LIMITS, timing=TIMING), _toy_frame, _toy_payload),
    "toynet-neo": Subject(toynet(limits=LIMITS, timing=TIMING, handshake=NEO_MANNERS), _toy_frame, _toy_payload),
}
