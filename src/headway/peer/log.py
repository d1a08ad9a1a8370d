"""The protocol trace of connections as log lines: `headway -v` turns it on. Called by `aio` and `blocking`."""

from __future__ import annotations

import itertools
import logging
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

trace = logging.getLogger("headway.trace")

numbers: Final = itertools.count(1)
"""The ids of peers that stand alone, one count for a process: a line of the trace belongs to one connection."""


def tracer(peer: int) -> Callable[[str], None] | None:
    """Takes the lines of one peer's machine, its number in front; None when nobody listens."""
    if not trace.isEnabledFor(logging.DEBUG):
        return None
    return lambda line: trace.debug("%d %s", peer, line)


def node_tracer() -> Callable[[str], None] | None:
    """Takes the lines of a node's machine, which names its peers itself; None when nobody listens."""
    return trace.debug if trace.isEnabledFor(logging.DEBUG) else None
