"""Frames that no honest peer would send: made by hand, or a good one with one thing wrong.

    corrupt(REGTEST, Ping(7), "checksum")                  # bytes; the same seed, the same bytes
    craft_frame(REGTEST, "headers", b"...", length=5)      # each part as it should not be

Frames of Bitcoin and Neo Legacy have 24 bytes before the payload, those of Neo N3 a few (`wire.frames`,
`networks.neo3.frames`). Bytes out, nothing else. Called by `conversation`, and by users.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, get_args

from headway.errors import LocalProtocolError
from headway.networks.neo3.frames import COMMANDS as N3_COMMANDS
from headway.networks.neo3.frames import MAX_PAYLOAD as N3_MAX_PAYLOAD
from headway.networks.neo3.frames import N3FrameDecoder
from headway.wire.buffer import Reader, compact_size
from headway.wire.frames import COMMAND_SIZE, HEADER_SIZE, FrameDecoder
from headway.wire.frames import checksum as checksum_of

if TYPE_CHECKING:
    from headway.network import Network
    from headway.wire.messages import Message

Damage: TypeAlias = Literal["magic", "command", "length", "oversized", "checksum", "truncated", "trailing", "flipped"]
"""What can be wrong with a frame:

magic      another network's, or nobody's
command    one that no peer knows: not ASCII; on N3 a number that nothing has
length     more bytes are announced than come, 1 to 1,000: a receiver that believes it swallows what comes next
oversized  more bytes are announced than the protocol allows
checksum   not that of the payload
truncated  the payload ends too early; length and checksum are right
trailing   1 to 100 bytes too many stand behind the payload; length and checksum are right
flipped    one bit of the payload is another; length and checksum are right
"""
DAMAGES: Final[tuple[Damage, ...]] = get_args(Damage)

_UNASSIGNED: Final = tuple(sorted(set(range(0x100)) - set(N3_COMMANDS)))
"""Numbers of N3's frames that no command has."""
_MOST: Final = 0xFFFFFFFF
"""What the length of a frame can say at most."""


def craft_frame(
    network: Network,
    command: str | bytes,
    payload: bytes,
    *,
    magic: bytes | None = None,
    length: int | None = None,
    checksum: bytes | None = None,
) -> bytes:
    """A frame of these parts; None: as it should be. `command` as bytes stands there as it is.

    Raises LocalProtocolError for a part that the frames of this network do not have, or cannot hold.
    """
    if _is_n3(network):
        if magic is not None or checksum is not None:
            raise LocalProtocolError("Neo N3's frames have no magic and no checksum; its version message has a magic")
        return _n3_command(command) + compact_size(len(payload) if length is None else length) + payload
    field = command.encode("latin-1") if isinstance(command, str) else command
    own_magic = network.magic if magic is None else magic
    stated = checksum_of(payload) if checksum is None else checksum
    announced = len(payload) if length is None else length
    if len(field) > COMMAND_SIZE or len(own_magic) != 4 or len(stated) != 4 or not 0 <= announced <= _MOST:
        raise LocalProtocolError(
            f"a frame has 4 bytes of magic, at most {COMMAND_SIZE} of command, 4 of length, 4 of checksum"
        )
    return own_magic + field.ljust(COMMAND_SIZE, b"\0") + announced.to_bytes(4, "little") + stated + payload


def corrupt(network: Network, message: Message, how: Damage, *, seed: int = 0) -> bytes:
    """The frame of a message with one thing wrong. The same `seed` gives the same bytes.

    Raises LocalProtocolError for damage that this network's frames or this message cannot have.
    """
    if how not in DAMAGES:
        raise LocalProtocolError(f"no damage is named {how!r}; there are {', '.join(DAMAGES)}")
    rng = random.Random(f"{how} {seed}")
    payload = payload_of(network, message)
    if how == "command":
        name = _command_of_nobody(network, rng)
        return craft_frame(network, name, payload)
    if how in _PARTS:
        return craft_frame(network, message.command, payload, **_PARTS[how](network, payload, rng))
    if how != "trailing" and not payload:
        raise LocalProtocolError(f"{message.command} has no payload that could be {how}")
    return craft_frame(network, message.command, _PAYLOADS[how](payload, rng))


def payload_of(network: Network, message: Message) -> bytes:
    """The bytes of a message behind its frame header. Raises LocalProtocolError where this network has no such one."""
    frame = b"".join(bytes(chunk) for chunk in network.codec.open(inbound=False).encode(message))
    if not _is_n3(network):
        return frame[HEADER_SIZE:]
    reader = Reader(frame)
    reader.skip(2, "flags and command")
    reader.compact_size("length")
    return reader.rest()


def _another(value: bytes, rng: random.Random) -> bytes:
    """As many bytes that are not these."""
    return next(found for found in iter(lambda: rng.randbytes(len(value)), b"") if found != value)


_PARTS: Final[Mapping[str, Callable[[Network, bytes, random.Random], dict[str, Any]]]] = {
    # damage -> the part of the frame that is not as it should be
    "magic": lambda network, _, rng: {"magic": _another(network.magic, rng)},
    "length": lambda _, payload, rng: {"length": len(payload) + rng.randint(1, 1_000)},
    "oversized": lambda network, _, rng: {"length": rng.randint(_largest(network) + 1, _MOST)},
    "checksum": lambda _, payload, rng: {"checksum": _another(checksum_of(payload), rng)},
}
_PAYLOADS: Final[Mapping[str, Callable[[bytes, random.Random], bytes]]] = {
    # damage -> the payload instead
    "truncated": lambda payload, rng: payload[: rng.randrange(len(payload))],
    "trailing": lambda payload, rng: payload + rng.randbytes(rng.randint(1, 100)),
    "flipped": lambda payload, rng: _flipped(payload, rng.randrange(8 * len(payload))),
}


def _flipped(payload: bytes, bit: int) -> bytes:
    changed = bytearray(payload)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def _largest(network: Network) -> int:
    """Bytes of payload that the protocol allows, whatever we ourselves take."""
    return max(network.limits.max_payload, N3_MAX_PAYLOAD)


def _command_of_nobody(network: Network, rng: random.Random) -> bytes:
    return bytes([rng.choice(_UNASSIGNED)]) if _is_n3(network) else b"\xff" + rng.randbytes(COMMAND_SIZE - 1)


def _n3_command(command: str | bytes) -> bytes:
    """Flags and the number of the command."""
    if isinstance(command, bytes):
        return b"\0" + command
    known = {name: number for number, name in N3_COMMANDS.items()}
    if command not in known:
        raise LocalProtocolError(f"Neo N3 has no {command!r}; give the byte itself")
    return bytes([0, known[command]])


def _is_n3(network: Network) -> bool:
    """Which of the two frames it has. Raises LocalProtocolError for a chain with a frame of its own."""
    wire = network.codec.open(inbound=False)
    if isinstance(wire, N3FrameDecoder):
        return True
    if isinstance(wire, FrameDecoder):
        return False
    raise LocalProtocolError(f"how frames of {network.name} are made is not known here: build them by hand, send_raw")
