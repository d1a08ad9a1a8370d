"""One address of the book: what we know of it, and the rules that need nothing but that.

Times that end in `_at` are of the driver's clock and of this run; `last_*` are unix seconds, and are kept.
Called by the modules of the book (`addrbook`, `tables`, `rota`) only.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from headway.node.buckets import BUCKET_SIZE
from headway.types import Address, Net, PeerMerit, PeerRecord
from headway.wire.host import locate

if TYPE_CHECKING:
    from headway.types import Instant

HORIZON: Final = 30 * 86_400
"""Seconds: who was not seen for so long may be gone [ADDRMAN_HORIZON]."""
RETRIES: Final = 3
"""Dials in vain of an address that never answered [ADDRMAN_RETRIES]."""
MAX_FAILURES: Final = 10
"""Dials in vain of one that did, within `MIN_FAIL` [ADDRMAN_MAX_FAILURES]."""
MIN_FAIL: Final = 7 * 86_400
"""Seconds [ADDRMAN_MIN_FAIL]."""
AHEAD: Final = 600
"""Seconds by which a last sighting may lie ahead of our clock."""
JUST_TRIED: Final = 60
"""Seconds in which the outcome of a dial may not be known yet."""
RECENTLY: Final = 600
"""Seconds in which an address that was dialled is not likely to be dialled again [GetChance]."""
MAX_PLACES: Final = 8
"""Of one address in the new table [ADDRMAN_NEW_BUCKETS_PER_ADDRESS]."""
FIRST_BACKOFF: Final = 1.0
MAX_BACKOFF: Final = 3600.0
"""Seconds between tries of an address that keeps failing."""
NOTHING_KNOWN: Final = PeerMerit()


@dataclass(slots=True, eq=False)
class Entry:
    address: Address
    source: str = ""
    """The host that told us first; empty: ourselves."""
    manual: bool = False
    """Named by the user: in no table, and never dropped for room."""
    tried: bool = False
    """It stands in the tried table, else in the new one."""
    places: tuple[int, ...] = ()
    """Where it stands there."""
    last_tried: float = 0.0
    last_success: float = 0.0
    last_counted: float = 0.0
    """When a dial in vain was last counted in `missed`."""
    missed: int = 0
    """Dials in vain since the last success, counted once between two successes with anybody [Core nAttempts]."""
    other_chain: bool = False
    merit: PeerMerit = NOTHING_KNOWN
    is_kept: bool = False
    """It is in the database, so that its end must be told there."""
    net: Net = field(init=False)

    # Of this run.

    attempts: int = 0
    """Dials."""
    failures: int = 0
    """Since the last success: what the wait grows with."""
    next_try_at: Instant = 0.0
    in_use: int = 0
    """Connections and dials now."""
    wanted: int = 1
    """Connections to it that may be at one time: for one that the user named, as many as he asked for; 0: forgotten."""
    last_error: str = ""
    discouraged: bool = False
    given_up: bool = False
    """It failed often enough, or is discouraged: nothing is to be hoped of it soon."""
    idle_at: int = -1
    """Where it stands among those that may be dialled; -1 when it may not."""

    def __post_init__(self) -> None:
        self.net = locate(self.address.host).net

    @classmethod
    def restored(cls, record: PeerRecord) -> Entry:
        return cls(
            record.address,
            record.source,
            tried=record.tried,
            last_tried=record.last_tried,
            last_success=record.last_success,
            missed=record.missed,
            other_chain=record.other_chain,
            merit=record.merit,
            is_kept=True,
        )

    @property
    def is_full(self) -> bool:
        return self.in_use >= self.wanted

    @property
    def may_spread(self) -> bool:
        """It may have one more place in the new table."""
        return bool(self.places) and not self.tried and len(self.places) < MAX_PLACES

    def backoff(self) -> float:
        """Seconds until the next try after one more failure."""
        return min(FIRST_BACKOFF * 2.0 ** min(self.failures, 20), MAX_BACKOFF)

    def is_terrible(self, wall_time: float) -> bool:
        """Its place is better given to another [Core AddrInfo::IsTerrible]. Of one whose last sighting nobody told us
        (0), that says nothing."""
        if 0 <= wall_time - self.last_tried <= JUST_TRIED:
            return False
        seen = self.address.last_seen
        if seen and (seen > wall_time + AHEAD or wall_time - seen > HORIZON):
            return True
        if not self.last_success:
            return self.missed >= RETRIES
        return self.missed >= MAX_FAILURES and wall_time - self.last_success > MIN_FAIL

    def chance(self, wall_time: float) -> float:
        """With which probability it is taken when it is drawn [Core AddrInfo::GetChance]."""
        recently = 0.01 if 0 <= wall_time - self.last_tried < RECENTLY else 1.0
        return recently * 0.66 ** min(self.missed, 8)

    def yields_to(self, other: Entry, wall_time: float) -> bool:
        """Whether it gives up one of its places in the new table to another. One in use does not: it would come back
        at once, and be dialled a second time."""
        if self.in_use:
            return False
        return self.is_terrible(wall_time) or (len(self.places) > 1 and not other.places)

    def freshen(self, told: Address, wall_time: float) -> tuple[bool, bool]:
        """Somebody told of it again: take over what is new [Core AddSingle]. (Anything has changed; it is newer.)"""
        known, seen = self.address, told.last_seen
        is_newer = seen > known.last_seen
        interval = 3600 if wall_time - seen < 86_400 else 86_400
        if known.last_seen >= seen - interval:
            seen = known.last_seen
        services = known.services | told.services
        if (services, seen) == (known.services, known.last_seen):
            return False, is_newer
        self.address = Address(known.host, known.port, services, seen)
        return True, is_newer

    def record(self) -> PeerRecord:
        return PeerRecord(
            address=self.address,
            source=self.source,
            tried=self.tried,
            buckets=() if self.tried else tuple(place // BUCKET_SIZE for place in self.places),
            last_tried=int(self.last_tried),
            last_success=int(self.last_success),
            missed=self.missed,
            other_chain=self.other_chain,
            merit=self.merit,
        )
