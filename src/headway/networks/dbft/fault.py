"""A broken rule as a value, before it is known what follows from it."""

from __future__ import annotations

from typing import NamedTuple


class Fault(NamedTuple):
    """What is wrong with a header or a block."""

    rule: str
    """Short stable name."""
    detail: str
    """For people."""
