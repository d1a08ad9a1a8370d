"""How long every collection inside a machine is: to see that a remote makes none of them grow past its cap.

It looks at whatever our objects hold, so that a collection which is added later is seen without being named.
"""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Any, Final

OURS: Final = ("headway.", "tests.toynet")
"""Modules whose objects are looked into."""
NOT_OF_A_REMOTE: Final = frozenset(
    {"_config", "config", "network", "_network", "_rules", "_parser", "parser", "_limits", "_timing", "_known_magics"}
    | {"_log", "_rng", "_scratch", "scratch", "address", "_index"}
)
"""What we were told by our owner, the buffer of fixed size into which bytes are read, and the index of headers, which
grows with work alone."""

_COLLECTIONS: Final = (bytes, bytearray, memoryview, str, list, tuple, dict, set, frozenset, deque, array)


def sizes(root: object) -> dict[str, int]:
    """Path -> length of every collection in `root`; the longest, where several lie at one path. Empty ones are left
    out."""
    found: dict[str, int] = {}
    _measure(root, "", found, set())
    return found


def _measure(value: object, path: str, found: dict[str, int], seen: set[int]) -> None:
    if id(value) in seen:
        return
    seen.add(id(value))
    if isinstance(value, _COLLECTIONS):
        if len(value):
            found[path] = max(found.get(path, 0), len(value))
        for item in _items(value):
            _measure(item, f"{path}[]", found, seen)
    elif type(value).__module__.startswith(OURS) and not isinstance(value, Enum):
        for name in _attributes(value):
            if name not in NOT_OF_A_REMOTE:
                _measure(getattr(value, name, None), f"{path}.{name}".removeprefix("."), found, seen)


def _items(value: Any) -> Iterator[object]:
    """What a collection holds, numbers left out."""
    if isinstance(value, Mapping):
        value = value.values()
    elif isinstance(value, bytes | bytearray | memoryview | str | array):
        return
    for item in value:
        if not isinstance(item, int | float):
            yield item


def _attributes(value: object) -> list[str]:
    slots = [name for cls in type(value).__mro__ for name in getattr(cls, "__slots__", ())]
    return slots + list(getattr(value, "__dict__", ()))


# The caps.

CAPS: Final = {
    # end of a path: the most that may lie there, and whose bound it is
    "_output._late": 16,  # peer.output.MAX_LATE
    "stats.received": 41,  # commands that the codec knows, and one entry for all others
    "stats.sent": 41,
    "tally.received": 41,  # the same of all together, those that have gone among them
    "tally.sent": 41,
    "tally.ended": 2 * 15,  # each reason, of both directions
    "wire._received": 4_000_000 + 24 + 65_536,  # Limits.max_payload, a frame header, and one read
    "wire._buffer": 4_000_000 + 24 + 65_536,
    "wire._block": 4_000_000,
    "book._entries": 81_920,  # node.addrbook.MAX_ADDRESSES
    "_troubles._troubled": 81_920,
    "_ledger._changed": 81_920,
    "_rota._idle[]": 81_920,
    "_rota._resting": 2 * 81_920 + 64,  # node.rota.SLACK
    "_new._places": 65_536,  # 1024 buckets of 64
    "_new._taken": 1_024,
    "_new._used": 1_024,
    "_new._at": 1_024,
    "_tried._places": 16_384,
    "_pace._dials": 4_096,  # node.pace.MAX_HOSTS
    "bans._discouraged": 50_000,  # node.bans.MAX_DISCOURAGED
    "bans._changed": 50_000,
    "_peers._gone": 1_024,  # node.table.MAX_GONE
    "queue": 50_000,  # of one whom we serve: Limits.max_inventory
}
ANY_OTHER: Final = 256
"""Longest of all the rest: the words of an error (`types.printable`)."""


def past_their_caps(root: object) -> dict[str, int]:
    """Every collection that is longer than it may be. There should be none, once the outputs were taken."""
    return {path: size for path, size in sizes(root).items() if size > _cap(path)}


def _cap(path: str) -> int:
    return next((most for end, most in CAPS.items() if path.endswith(end)), ANY_OTHER)
