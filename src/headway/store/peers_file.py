"""The plain text peers file of the user (the "initial peers file" of the Neo document): one `host:port` a line.

What follows `#` is a comment; a host alone has the network's port. Read once at the start, before any seed is asked.
Called by `aio.node`, and by whoever imports or exports.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from headway.errors import ConfigError
from headway.store.exchange import read_file, replace_file
from headway.types import Address

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

MAX_BYTES: Final = 10_000_000
"""Twice what a full address book takes as text: more is the wrong file."""


def read_peers_file(path: Path, default_port: int) -> tuple[Address, ...]:
    """The addresses in their order, each once. Raises ConfigError that names the line."""
    try:
        lines = read_file(path, MAX_BYTES, "the peers file ").decode().splitlines()
    except UnicodeDecodeError as error:
        raise ConfigError(f"the peers file {path} is not text: {error.reason} at byte {error.start}") from error
    found: dict[Address, None] = {}
    for number, line in enumerate(lines, 1):
        if text := line.partition("#")[0].strip():
            try:
                found[Address.parse(text, default_port)] = None
            except ValueError as error:
                raise ConfigError(f"{path}, line {number}: {error}") from error
    return tuple(found)


def write_peers_file(path: Path, addresses: Iterable[Address], head: str = "") -> None:
    """Write addresses so that `read_peers_file` reads them, `head` as a comment before them. Raises StoreError."""
    comments = (f"# {line}" for line in head.splitlines())
    replace_file(path, "".join(f"{line}\n" for line in (*comments, *addresses)).encode())
