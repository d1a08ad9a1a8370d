"""What a test waits for: a class of messages, a command, a very message, what satisfies a function, or several.

    Pong    "pong"    Pong(7)    lambda message: len(message.entries) > 3    (Headers, NotFound)

Called by `conversation`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, TypeAlias, get_args

from headway.errors import LocalProtocolError
from headway.peer.trace import describe
from headway.types import printable
from headway.wire.messages import Message, Unknown

if TYPE_CHECKING:
    Want: TypeAlias = type[Message] | str | Message | Callable[[Any], bool] | tuple["Want", ...]

_CLASSES: Final[tuple[type, ...]] = get_args(Message)


def matches(want: Want, message: Message) -> bool:
    """Whether this is what was waited for. Raises LocalProtocolError for what nobody can wait for."""
    if isinstance(want, tuple):
        return any(matches(each, message) for each in want)
    if isinstance(want, str):
        return message.command == want
    if isinstance(want, _CLASSES):
        return message == want
    if isinstance(want, type):
        if want not in _CLASSES:
            raise LocalProtocolError(f"{want.__name__} is no class of messages (headway.wire.messages)")
        return isinstance(message, want)
    if not callable(want):
        raise LocalProtocolError(f"not to be waited for: {want!r}; give a message, its class, a command or a function")
    return bool(want(message))


def words(want: Want) -> str:
    """What is waited for, for people."""
    if isinstance(want, tuple):
        return " or ".join(map(words, want))
    if isinstance(want, str):
        return printable(want, 32)
    if isinstance(want, _CLASSES):
        return describe(want)  # type: ignore[arg-type]  # one of the union, by the table
    if isinstance(want, type):
        return "unknown command" if want is Unknown else str(getattr(want, "command", want.__name__))
    return f"message for {getattr(want, '__name__', want)}"
