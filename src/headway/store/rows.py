"""Rows of the address book's database: records as SQLite keeps them, and back, with nothing believed on the way.

A file may be damaged, or written by others: a row that is not what we would write is None. Called by `peers`.
"""

from __future__ import annotations

import math
import struct
from typing import TYPE_CHECKING, Any, Final

from headway.types import UNKNOWN_HEIGHT, Address, Ban, PeerMerit, PeerRecord, printable

if TYPE_CHECKING:
    from collections.abc import Sequence

SCHEMA: Final = """
    CREATE TABLE head (bytes BLOB NOT NULL);
    CREATE TABLE secret (bytes BLOB NOT NULL);
    CREATE TABLE peers (
        host TEXT NOT NULL, port INTEGER NOT NULL, services INTEGER NOT NULL, last_seen INTEGER NOT NULL,
        source TEXT NOT NULL, tried INTEGER NOT NULL, buckets BLOB NOT NULL, last_tried INTEGER NOT NULL,
        last_success INTEGER NOT NULL, missed INTEGER NOT NULL, other_chain INTEGER NOT NULL,
        user_agent TEXT NOT NULL, protocol INTEGER NOT NULL, height INTEGER NOT NULL,
        latency REAL, blocks_per_second REAL, ends TEXT NOT NULL,
        PRIMARY KEY (host, port)
    ) WITHOUT ROWID;
    CREATE TABLE bans (
        subnet TEXT NOT NULL, by_operator INTEGER NOT NULL, until INTEGER NOT NULL, created INTEGER NOT NULL,
        reason TEXT NOT NULL, PRIMARY KEY (subnet, by_operator)
    ) WITHOUT ROWID;
    CREATE TABLE anchors (number INTEGER PRIMARY KEY, host TEXT NOT NULL, port INTEGER NOT NULL)
"""
MAX_PEERS: Final = 200_000
"""Rows that are read: more than twice what the tables of a book hold."""
MAX_BANS: Final = 200_000
MAX_ANCHORS: Final = 8
GET_PEERS: Final = (
    "SELECT host, port, services, last_seen, source, tried, buckets, last_tried, last_success, missed, other_chain, "
    "user_agent, protocol, height, latency, blocks_per_second, ends FROM peers LIMIT ?"
)
PUT_PEER: Final = "INSERT OR REPLACE INTO peers VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
DROP_PEER: Final = "DELETE FROM peers WHERE host = ? AND port = ?"
GET_BANS: Final = "SELECT subnet, by_operator, until, created, reason FROM bans LIMIT ?"
PUT_BAN: Final = "INSERT OR REPLACE INTO bans VALUES (?, ?, ?, ?, ?)"
DROP_BAN: Final = "DELETE FROM bans WHERE subnet = ? AND by_operator = ?"
GET_ANCHORS: Final = "SELECT host, port FROM anchors ORDER BY number LIMIT ?"
PUT_ANCHOR: Final = "INSERT INTO anchors (host, port) VALUES (?, ?)"

MAX_HOST: Final = 255
MAX_TEXT: Final = 256
MAX_PLACES: Final = 8
MAX_ENDS: Final = 32
"""Reasons for which connections ended; there are fewer."""
MAX_END: Final = 64
"""Characters of one, with its number."""
_MAX_COUNT: Final = (1 << 31) - 1
_MAX_TIME: Final = (1 << 40) - 1
"""Unix seconds: the year 36812."""
_SIGN: Final = 1 << 63


def write_peer(record: PeerRecord) -> Sequence[Any]:
    address, merit = record.address, record.merit
    services = address.services - 2 * _SIGN if address.services >= _SIGN else address.services  # SQLite's are signed
    return (
        *(address.host, address.port, services, address.last_seen, record.source, int(record.tried)),
        struct.pack(f"<{len(record.buckets)}H", *record.buckets),
        *(record.last_tried, record.last_success, record.missed, int(record.other_chain)),
        *(merit.user_agent, merit.protocol, merit.height, merit.latency, merit.blocks_per_second),
        " ".join(f"{reason}={times}" for reason, times in merit.ends),
    )


def read_peer(row: Sequence[Any]) -> PeerRecord | None:
    """One row of `GET_PEERS`."""
    try:
        host, port, services, seen, source, tried, buckets, at, success, missed, other, *merit = row
        return PeerRecord(
            Address(_host(host), _number(port, 65_535), _services(services), _number(seen, _MAX_TIME)),
            _host(source) if source != "" else "",
            tried=bool(_number(tried, 1)),
            buckets=_buckets(buckets),
            last_tried=_number(at, _MAX_TIME),
            last_success=_number(success, _MAX_TIME),
            missed=_number(missed, _MAX_COUNT),
            other_chain=bool(_number(other, 1)),
            merit=_merit(merit),
        )
    except ValueError:
        return None


def write_ban(ban: Ban) -> Sequence[Any]:
    return ban.subnet, int(ban.by_operator), ban.until, ban.created, ban.reason


def read_ban(row: Sequence[Any]) -> Ban | None:
    """One row of `GET_BANS`."""
    subnet, by_operator, until, created, reason = row
    try:
        return Ban(
            _host(subnet, MAX_HOST + 6),
            _number(until, _MAX_TIME),
            _number(created, _MAX_TIME),
            by_operator=bool(_number(by_operator, 1)),
            reason=words(reason),
        )
    except ValueError:
        return None


def write_anchor(address: Address) -> Sequence[Any]:
    return address.host, address.port


def read_anchor(row: Sequence[Any]) -> Address | None:
    host, port = row
    try:
        return Address(_host(host), _number(port, 65_535))
    except ValueError:
        return None


def words(value: object) -> str:
    """Text made harmless. Raises ValueError for anything else."""
    if not isinstance(value, str):
        raise ValueError("no text")  # noqa: TRY004  what is wrong with a row is a ValueError
    return printable(value, MAX_TEXT)


def _host(value: object, limit: int = MAX_HOST) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= limit or not value.isprintable() or " " in value:
        raise ValueError("no host")
    return value


def _number(value: object, most: int, least: int = 0) -> int:
    if not isinstance(value, int) or not least <= value <= most:
        raise ValueError("no such number")
    return value


def _services(value: object) -> int:
    return _number(value, _SIGN - 1, -_SIGN) % (2 * _SIGN)


def _buckets(value: object) -> tuple[int, ...]:
    if not isinstance(value, bytes) or len(value) > 2 * MAX_PLACES or len(value) % 2:
        raise ValueError("no buckets")
    return struct.unpack(f"<{len(value) // 2}H", value)


def _merit(row: Sequence[Any]) -> PeerMerit:
    user_agent, protocol, height, latency, rate, ends = row
    return PeerMerit(
        words(user_agent),
        _number(protocol, (1 << 32) - 1),
        _number(height, _MAX_TIME, UNKNOWN_HEIGHT),
        _measure(latency),
        _measure(rate),
        _ends(ends),
    )


def _measure(value: object) -> float | None:
    if value is None:
        return None
    if not isinstance(value, float | int) or not math.isfinite(value) or value < 0:
        raise ValueError("no measure")
    return float(value)


def _ends(value: object) -> tuple[tuple[str, int], ...]:
    if not isinstance(value, str) or len(value) > MAX_ENDS * MAX_END:
        raise ValueError("no ends")
    pairs = [pair.partition("=") for pair in value.split()]
    if len(pairs) > MAX_ENDS or not all(reason.isidentifier() for reason, _, _ in pairs):
        raise ValueError("no ends")
    return tuple((reason, _number(int(times), _MAX_COUNT)) for reason, _, times in pairs)
