"""The protocol trace of connections as log lines: `headway -v` turns it on. Called by `peer` and `node`."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

trace = logging.getLogger("headway.trace")


def tracer(peer: int) -> Callable[[str], None] | None:
    """Takes the lines of one machine, with the number of its peer in front; None when nobody listens."""
    if not trace.isEnabledFor(logging.DEBUG):
        return None
    return lambda line: trace.debug("%d %s", peer, line)
