"""A message told field by field, for people: `last` and `decode` of the shell.

All that a remote says is made harmless where the lines are printed. Called by `shell` only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any, Final

from headway.cli.peer.names import utc
from headway.errors import CodecError
from headway.peer.info import service_names
from headway.peer.trace import describe
from headway.types import Address, BlockId, hash_hex
from headway.wire import messages as m

MAX_SHOWN: Final = 10
"""Members of a list that are told; of the rest the number."""
MAX_BYTES: Final = 64
"""Bytes of a field that are told."""


def lines_of(message: m.Message) -> Iterator[str]:
    """What it is, then a line a field; lists take a line a member."""
    yield describe(message)
    for name, value in _told(message):
        if isinstance(value, list):
            yield f"  {name}  [{len(value)}]"
            yield from (f"    {_word(member)}" for member in value[:MAX_SHOWN])
            if len(value) > MAX_SHOWN:
                yield f"    ... and {len(value) - MAX_SHOWN:,} more"
        else:
            yield f"  {name}  {_word(value)}"


def _told(message: m.Message) -> Iterable[tuple[str, Any]]:
    tell = _HEAVY.get(type(message))
    try:
        return list(tell(message)) if tell else _fields_of(message)
    except CodecError as error:  # heavy messages are parsed only now
        return [("unreadable", _Said(error.message))]


def _headers(headers: m.Headers) -> Iterator[tuple[str, Any]]:
    yield "headers", [_Said(f"{hash_hex(each.hash)}  {utc(each.time)}") for each in headers]


def _block(block: m.Block) -> Iterator[tuple[str, Any]]:
    header = block.header
    yield "hash", _Said(hash_hex(header.hash))
    yield "prev_hash", _Said(hash_hex(header.prev_hash))
    yield "time", _Said(utc(header.time))
    yield "transactions", len(block.transactions)


def _transaction(transaction: m.Tx) -> Iterator[tuple[str, Any]]:
    yield "txid", _Said(hash_hex(transaction.txid))
    yield "raw", bytes(transaction.raw)


_HEAVY: Final[Mapping[type, Callable[[Any], Iterable[tuple[str, Any]]]]] = {
    m.Headers: _headers,
    m.Block: _block,
    m.Tx: _transaction,
}


def _fields_of(value: Any) -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for field in fields(value):
        if not field.repr:
            continue  # the parser
        member = getattr(value, field.name)
        if field.type == "Hash":
            member = _Said(hash_hex(member))
        elif field.type == "tuple[Hash, ...]":
            member = [_Said(hash_hex(each)) for each in member]
        elif field.name == "services":
            member = _Said(", ".join(service_names(member)) or "none")
        found.append((field.name, list(member) if isinstance(member, tuple) else member))
    return found


class _Said(str):
    """Words of ours, as they are."""

    __slots__ = ()


def _word(value: Any) -> str:  # noqa: PLR0911  # one case for each kind of value
    match value:
        case _Said():
            return str(value)
        case str():
            return repr(value)
        case bytes() | memoryview():
            more = f"... {len(value):,} bytes" if len(value) > MAX_BYTES else ""
            return bytes(value[:MAX_BYTES]).hex() + more or "-"
        case BlockId() | Address():
            return str(value)
        case m.InvEntry(type=kind, hash=hash_):
            named = m.InvType(kind).name.lower() if kind in m.InvType.__members__.values() else str(kind)
            return f"{named} {hash_hex(hash_)}"
        case None:
            return "-"
    if is_dataclass(value):
        return " ".join(f"{name}={_word(member)}" for name, member in _fields_of(value))
    return str(value)
