"""Bitcoin Core's `banlist.json`: the bans of the operator.

    {"banned_nets": [{"version": 1, "ban_created": 1700000000, "banned_until": 1700086400, "address": "1.2.3.0/24"}]}

Times are unix seconds. Core passes over entries of other versions and what is no subnet; so do we [BanMapFromJson].
Whether a subnet can be banned is judged by `node.bans`. Called by whoever imports or exports.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from headway.errors import ConfigError
from headway.store.exchange import read_file, replace_file
from headway.types import Ban

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

VERSION: Final = 1
"""[CBanEntry::CURRENT_VERSION]"""
MAX_BYTES: Final = 16_000_000
"""Some 100,000 bans."""
MAX_SUBNET: Final = 100
"""Characters."""
_KEY: Final = "banned_nets"
_MAX_TIME: Final = (1 << 40) - 1


def read_banlist(path: Path) -> tuple[tuple[Ban, ...], int]:
    """The bans, and how many entries were passed over. Raises ConfigError for what is no such file."""
    try:
        found = json.loads(read_file(path, MAX_BYTES))
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{path} is not JSON: {error}") from error
    entries = found.get(_KEY) if isinstance(found, dict) else None
    if not isinstance(entries, list):
        raise ConfigError(f"{path} is no banlist of Bitcoin Core: there is no list {_KEY!r} in it")
    bans = [ban for entry in entries if (ban := _ban(entry)) is not None]
    return tuple(bans), len(entries) - len(bans)


def write_banlist(path: Path, bans: Iterable[Ban]) -> int:
    """Write the bans of the operator; returns how many. Raises StoreError."""
    entries = [
        {"version": VERSION, "ban_created": ban.created, "banned_until": ban.until, "address": ban.subnet}
        for ban in bans
        if ban.by_operator
    ]
    replace_file(path, json.dumps({_KEY: entries}, indent=4).encode() + b"\n")
    return len(entries)


def _ban(entry: Any) -> Ban | None:
    if not isinstance(entry, dict) or entry.get("version") != VERSION:
        return None
    subnet, created, until = (entry.get(name) for name in ("address", "ban_created", "banned_until"))
    if not isinstance(subnet, str) or not 0 < len(subnet) <= MAX_SUBNET or not subnet.isprintable():
        return None
    if not (isinstance(created, int) and isinstance(until, int) and 0 <= created <= _MAX_TIME and until >= 0):
        return None
    return Ban(subnet, min(until, _MAX_TIME), created)
