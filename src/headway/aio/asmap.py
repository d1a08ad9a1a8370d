"""The map of autonomous systems that the user names, read once at the start. Its form is `node.asmap`'s matter.

Called by `aio.node`.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

from headway.errors import ConfigError
from headway.node.asmap import MAX_BYTES, AsMap
from headway.store.exchange import read_file

if TYPE_CHECKING:
    from pathlib import Path

    from headway.node.netgroup import AsNumber

MAX_KNOWN: Final = 65_536
"""Addresses whose number is remembered: as many as a book holds."""


def read_asmap(path: Path) -> AsNumber:
    """What tells an address's AS number by this file. Raises ConfigError: unreadable, or no map."""
    data = read_file(path, MAX_BYTES, "the asmap ")
    try:
        return lru_cache(MAX_KNOWN)(AsMap(data).number)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from None
