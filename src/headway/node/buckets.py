"""Where in the two tables of the book an address goes, and the tables: buckets of 64 places.

Which bucket it is depends on a secret key, the address's group and, in the new table, the group of whoever told of it:
a group that floods us fills the few buckets that are its own, and cannot find out which they are. Hashes and numbers
are those of Bitcoin Core's addrman, so a peers.dat says the same to both. What moves when is decided by `tables`.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from headway.wire.host import locate

if TYPE_CHECKING:
    import random

    from headway.types import Address

NEW_BUCKETS: Final = 1024
"""[ADDRMAN_NEW_BUCKET_COUNT]"""
TRIED_BUCKETS: Final = 256
"""[ADDRMAN_TRIED_BUCKET_COUNT]"""
BUCKET_SIZE: Final = 64
"""Places in one [ADDRMAN_BUCKET_SIZE]."""
NEW_BUCKETS_PER_SOURCE_GROUP: Final = 64
"""Of the new table, for all that one group tells us [the same name]."""
TRIED_BUCKETS_PER_GROUP: Final = 8
"""Of the tried table, for all addresses of one group [the same name]."""

T = TypeVar("T")


def address_key(address: Address) -> bytes:
    """What an address is to the hashes [Core CService::GetKey]; of a name a digest stands in."""
    data = locate(address.host).data or sha256(address.host.encode(errors="replace")).digest()
    return data + address.port.to_bytes(2, "big")


def new_bucket(key: bytes, group: bytes, source_group: bytes, turn: int = 0) -> int:
    """Bucket of the new table for an address of `group` of which `source_group` told [AddrInfo::GetNewBucket].

    `turn`: another bucket of that source, for those who may look for room in several.
    """
    more = bytes((turn,)) if turn else b""
    first = _hash(key, _prefixed(group), _prefixed(source_group), more) % NEW_BUCKETS_PER_SOURCE_GROUP
    return _hash(key, _prefixed(source_group), first.to_bytes(8, "little")) % NEW_BUCKETS


def tried_bucket(key: bytes, address: bytes, group: bytes) -> int:
    """Bucket of the tried table for an address, by its `address_key` and its group [AddrInfo::GetTriedBucket]."""
    first = _hash(key, _prefixed(address)) % TRIED_BUCKETS_PER_GROUP
    return _hash(key, _prefixed(group), first.to_bytes(8, "little")) % TRIED_BUCKETS


def place_in(key: bytes, bucket: int, address: bytes, *, tried: bool) -> int:
    """The one place that an address may have in a bucket [AddrInfo::GetBucketPosition], counted through the table."""
    which = b"K" if tried else b"N"
    number = _hash(key, which, bucket.to_bytes(4, "little"), _prefixed(address)) % BUCKET_SIZE
    return bucket * BUCKET_SIZE + number


def _hash(*parts: bytes) -> int:
    """[HashWriter::GetCheapHash]"""
    return int.from_bytes(sha256(sha256(b"".join(parts)).digest()).digest()[:8], "little")


def _prefixed(data: bytes) -> bytes:
    """Behind its length, as Core writes a vector; ours are all shorter than 253 bytes."""
    return bytes((len(data),)) + data


class Table(Generic[T]):
    """Buckets, of which a random one that is not empty costs the same always."""

    def __init__(self, buckets: int) -> None:
        self._places: list[T | None] = [None] * (buckets * BUCKET_SIZE)
        self._taken = [0] * buckets  # places of each bucket
        self._used: list[int] = []  # buckets with something in them, in no order
        self._at = [-1] * buckets  # where each of them stands there
        self._count = 0

    def __len__(self) -> int:
        """Places taken."""
        return self._count

    def at(self, place: int) -> T | None:
        return self._places[place]

    def put(self, place: int, entry: T) -> None:
        """Fill a place that is free."""
        bucket = place // BUCKET_SIZE
        assert self._places[place] is None, "who is in the place has been sent away"
        self._places[place] = entry
        self._taken[bucket] += 1
        self._count += 1
        if self._taken[bucket] == 1:
            self._at[bucket] = len(self._used)
            self._used.append(bucket)

    def clear(self, place: int) -> None:
        """Free a place that is taken."""
        bucket = place // BUCKET_SIZE
        self._places[place] = None
        self._taken[bucket] -= 1
        self._count -= 1
        if not self._taken[bucket]:
            last = self._used.pop()
            if last != bucket:
                self._used[self._at[bucket]] = last
                self._at[last] = self._at[bucket]
            self._at[bucket] = -1

    def draw(self, rng: random.Random) -> T | None:
        """Somebody at random: every bucket that is not empty is as likely as any other, however full [Core Select_]."""
        if not self._used:
            return None
        first = rng.choice(self._used) * BUCKET_SIZE
        start = first + rng.randrange(BUCKET_SIZE)
        places = self._places[start : first + BUCKET_SIZE] + self._places[first:start]
        return next(entry for entry in places if entry is not None)
