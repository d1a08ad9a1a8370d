"""Typed words become messages: a command, its required fields in order, the others as name=value.

The table is made from the dataclasses of `headway.wire.messages`; a message with a field that nobody types by hand (a
block, a proof) is not in it, and goes as `raw COMMAND HEX`. Which of them a network knows, its codec says.
Called by `shell` only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, Field, fields
from typing import TYPE_CHECKING, Any, Final, NamedTuple, get_args

from headway.cli.peer.names import parse_block
from headway.cli.peer.session import genesis_of
from headway.types import Address, hash_from_hex
from headway.wire import messages as m

if TYPE_CHECKING:
    from headway.network import Network


class Form(NamedTuple):
    """How a field of one type is typed."""

    hint: str
    read: Callable[[str], Any]


class ListForm(NamedTuple):
    """How a field that takes all words that are left is typed."""

    hint: str
    read: Callable[[Sequence[str], Network], tuple[Any, ...]]


def _int(text: str) -> int:
    try:
        return int(text, 0)
    except ValueError:
        raise ValueError(f"{text[:80]!r} is no number") from None


def _bool(text: str) -> bool:
    if text not in _BOOLS:
        raise ValueError(f"{text[:80]!r} is neither yes nor no")
    return _BOOLS[text]


def _hex(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise ValueError(f"{text[:80]!r} is not hex") from None


def _locator(words: Sequence[str], network: Network) -> tuple[Any, ...]:
    """Without a block: genesis."""
    return tuple(map(parse_block, words)) or (genesis_of(network),)


def _entries(words: Sequence[str], _network: Network) -> tuple[Any, ...]:
    """A kind, and the hashes of that kind until the next one."""
    kind: int | None = None
    found = []
    for word in words:
        if word.upper() in m.InvType.__members__:
            kind = m.InvType[word.upper()]
        elif len(word) < _HASH_DIGITS and word.isascii() and word.isdigit():
            kind = int(word)
        elif kind is None:
            raise ValueError(f"{word[:80]!r} is no kind: {', '.join(kind.name.lower() for kind in m.InvType)}")
        else:
            found.append(m.InvEntry(kind, hash_from_hex(word)))
    if not found:
        raise ValueError("a kind and at least one hash are needed")
    return tuple(found)


_HASH_DIGITS: Final = 64
_BOOLS: Final = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}

_FORMS: Final[Mapping[str, Form]] = {
    **dict.fromkeys(("int", "int | None", "Height"), Form("N", _int)),
    "bool": Form("yes|no", _bool),
    "str": Form("TEXT", str),
    "bytes": Form("HEX", _hex),
    "Hash": Form("HASH", hash_from_hex),
    "Address | None": Form("HOST:PORT", Address.parse),
}
"""By the type as it stands in the class: `Hash` and `bytes` are the same to Python, and not to who types."""
_LISTS: Final[Mapping[str, ListForm]] = {
    "Locator": ListForm("[HEIGHT:]HASH...", _locator),
    "tuple[InvEntry, ...]": ListForm("KIND HASH...", _entries),
    "tuple[Address, ...]": ListForm("HOST:PORT...", lambda words, _network: tuple(map(Address.parse, words))),
    "tuple[Hash, ...]": ListForm("HASH...", lambda words, _network: tuple(map(hash_from_hex, words))),
    "tuple[int, ...]": ListForm("N...", lambda words, _network: tuple(map(_int, words))),
}


def _is_required(field: Field[Any]) -> bool:
    return field.default is MISSING and field.default_factory is MISSING


def _is_typable(cls: type[Any]) -> bool:
    return all(field.type in _FORMS or field.type in _LISTS for field in fields(cls) if _is_required(field))


MESSAGES: Final[Mapping[str, type[Any]]] = {
    cls.command: cls for cls in get_args(m.Message) if cls is not m.Unknown and _is_typable(cls)
}
"""Every message that can be typed, by its command."""


def usage(command: str) -> str:
    """How a message is typed."""
    words = [command]
    for field in fields(MESSAGES[command]):
        form = _FORMS.get(str(field.type)) or _LISTS.get(str(field.type))
        if form is None:
            continue
        if isinstance(form, ListForm):
            words.append(form.hint)
        else:
            words.append(f"{field.name}:{form.hint}" if _is_required(field) else f"[{field.name}={form.hint}]")
    return " ".join(words)


def message_from(words: Sequence[str], network: Network) -> m.Message:
    """The message that was typed. Raises ValueError that says what is wrong."""
    command, *rest = words
    try:
        message: m.Message = MESSAGES[command](**_values(MESSAGES[command], rest, network))
    except ValueError as error:
        raise ValueError(f"{command}: {error} (usage: {usage(command)})") from None
    return message


def _values(cls: type[Any], rest: Sequence[str], network: Network) -> dict[str, Any]:
    """Field by field. Raises ValueError."""
    known = {field.name: field for field in fields(cls)}
    named = {name: value for name, mark, value in (word.partition("=") for word in rest) if mark and name in known}
    plain = [word for word in rest if word.partition("=")[0] not in named]
    values: dict[str, Any] = {}
    for field in known.values():
        if field.name in named and field.type in _FORMS:
            values[field.name] = _FORMS[str(field.type)].read(named.pop(field.name))
        elif _is_required(field) and field.type in _LISTS:
            values[field.name] = _LISTS[str(field.type)].read(plain, network)
            plain = []
        elif _is_required(field):
            values[field.name] = _FORMS[str(field.type)].read(_first(plain, field.name))
    if plain or named:
        raise ValueError(f"{(plain or list(named))[0][:80]!r} is too much")
    return values


def _first(words: list[str], name: str) -> str:
    if not words:
        raise ValueError(f"{name} is missing")
    return words.pop(0)


def raw_message(words: Sequence[str]) -> m.Unknown:
    """`raw COMMAND [HEX]`: any payload under any command."""
    match words:
        case [_, command]:
            return m.Unknown(command, b"")
        case [_, command, *payload]:
            return m.Unknown(command, _hex("".join(payload)))
    raise ValueError("usage: raw COMMAND [HEX]")


def decoded(words: Sequence[str], network: Network) -> list[m.Message]:
    """`decode HEX`, of whole frames, or `decode COMMAND HEX`, of a payload. Raises ValueError, CodecError."""
    match words:
        case [_, frames]:
            data = _hex(frames)
        case [_, command, *payload]:
            chunks = network.codec.open(inbound=False).encode(m.Unknown(command, _hex("".join(payload))))
            data = b"".join(map(bytes, chunks))
        case _:
            raise ValueError("usage: decode HEX (frames), or decode COMMAND HEX (a payload)")
    wire = network.codec.open(inbound=False)
    wire.receive_data(data)
    found, size = [], 0
    for frame in wire.frames():
        if frame.fault:
            raise ValueError(f"{frame.command}: {frame.fault}")
        found.append(wire.decode(frame))
        size += frame.size
    if size < len(data):
        raise ValueError(f"{len(data) - size} bytes at the end are no whole frame")
    return found
