"""The plain text peers file of the user (the "initial peers file" of the Neo document): one `host:port` a line.

What follows `#` is a comment; a host alone has the network's port. Read once at the start, before any seed is asked.
Called by `aio.node`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from headway.errors import ConfigError
from headway.types import Address

if TYPE_CHECKING:
    from pathlib import Path

MAX_BYTES: Final = 1_000_000
"""Some 50,000 addresses: more is the wrong file."""


def read_peers_file(path: Path, default_port: int) -> tuple[Address, ...]:
    """The addresses in their order, each once. Raises ConfigError that names the line."""
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
        lines = content.decode().splitlines()
    except OSError as error:
        raise ConfigError(f"cannot read the peers file {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"the peers file {path} is not text: {error.reason} at byte {error.start}") from error
    if len(content) > MAX_BYTES:
        raise ConfigError(f"the peers file {path} is longer than {MAX_BYTES} bytes")
    found: dict[Address, None] = {}
    for number, line in enumerate(lines, 1):
        if text := line.partition("#")[0].strip():
            try:
                found[Address.parse(text, default_port)] = None
            except ValueError as error:
                raise ConfigError(f"{path}, line {number}: {error}") from error
    return tuple(found)
