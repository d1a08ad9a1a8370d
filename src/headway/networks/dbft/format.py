"""What a command's payload format is, to the tables of both generations' payloads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from headway.network import Limits
from headway.types import Raw
from headway.wire.messages import Message


class Format(NamedTuple):
    """How one command's payload is read and written."""

    decode: Callable[[Raw, Limits], Message]
    """Raises CodecError."""
    encode: Callable[[Any, Limits], Sequence[Raw]]
    """The payload's chunks. Raises LocalProtocolError for values out of range."""


def empty(message: Message) -> Format:
    """A command that says all by itself; a payload is ignored, as in C#."""
    return Format(lambda _payload, _limits: message, lambda _message, _limits: [])
