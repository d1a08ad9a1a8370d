"""How often one host is dialled, whatever its port: gossip may name one host a thousand times, to have it hammered.

Called by `addrbook`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from headway.types import Instant

WINDOW: Final = 60.0
"""Seconds."""
MAX_DIALS: Final = 4
"""Of one host within `WINDOW`."""
MAX_HOSTS: Final = 4_096
"""Hosts remembered; beyond them the one dialled longest ago is forgotten."""


class HostPace:
    def __init__(self) -> None:
        self._dials: dict[str, tuple[Instant, ...]] = {}  # by host, the one dialled last at the end

    def allows(self, host: str, now: Instant) -> bool:
        """Whether one more dial now is not too many."""
        dials = self._dials.get(host, ())
        return len(dials) < MAX_DIALS or now - dials[-MAX_DIALS] >= WINDOW

    def note(self, host: str, now: Instant) -> None:
        """It is dialled now."""
        dials = (*self._dials.pop(host, ()), now)[-MAX_DIALS:]
        self._dials[host] = dials
        for oldest in tuple(self._dials)[:2]:  # one comes, so up to two go: those of old do not stay
            if len(self._dials) > MAX_HOSTS or now - self._dials[oldest][-1] >= WINDOW:
                del self._dials[oldest]
