"""What `headway verify` found out: counts, the tip, what could not be checked, and the first fault.

A judge counts into a `Report` as it goes and raises `Fault` where something is wrong; so the counts of a refused file
are those of what came before. Called by all of `verify`.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from headway.errors import FutureHeader, HeadwayError
from headway.types import BlockId, hash_hex, printable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from headway.errors import InvalidHeader
    from headway.network import BlockVerdict, HeaderVerdict
    from headway.types import Height


class Unreadable(HeadwayError):
    """What could not be judged, because the system would not give it to us; no verdict on its content."""


class Fault(HeadwayError):
    """The first thing that is wrong. `rule` is a short stable name, `block` the offender where it has an id."""

    def __init__(self, rule: str, detail: str = "", block: BlockId | None = None, *, only_time: bool = False) -> None:
        super().__init__(rule)
        self.rule = rule
        self.detail = detail
        self.block = block
        self.only_time = only_time
        """Nothing is wrong but our clock or the header's: it may be valid later."""

    def __str__(self) -> str:
        where = f"block {self.block}: " if self.block else ""
        return where + self.rule + (f" ({self.detail})" if self.detail else "")

    @classmethod
    def of_header(cls, error: InvalidHeader) -> Fault:
        """The fault of a header that its chain's rules refused."""
        return cls(error.rule, error.detail, error.block, only_time=isinstance(error, FutureHeader))

    @classmethod
    def of_block(cls, verdict: BlockVerdict, block: BlockId) -> Fault:
        """The fault of a block that its chain's rules did not find valid."""
        return cls(verdict.rule, verdict.detail, block)


@dataclass
class Report:
    """The result so far."""

    headers: int = 0
    """Headers that passed."""
    blocks: int = 0
    """Blocks that passed."""
    tip: BlockId | None = None
    """The last header, or the one with most work where there are forks."""
    pruned_below: Height = 0
    """Of a pruned data directory: no block below this height need be there."""
    unchecked: Counter[str] = field(default_factory=Counter)
    """Rule -> headers or blocks to which it could not be applied."""
    error: Fault | Unreadable | None = None

    @property
    def valid(self) -> bool:
        return self.error is None

    @property
    def refused(self) -> bool:
        """Whether something is wrong with the content; what could not be judged, or not yet, is not refused."""
        return isinstance(self.error, Fault) and not self.error.only_time

    def count_headers(self, verdict: HeaderVerdict) -> None:
        """Count the headers that passed, and what could not be applied to them."""
        self.headers += verdict.accepted
        self.unchecked.update(verdict.unchecked)

    def count_block(self, verdict: BlockVerdict, never_checked: Iterable[str]) -> None:
        """Count a block that passed, and what was not or is never applied to blocks."""
        self.blocks += 1
        self.unchecked.update(verdict.unchecked)
        self.unchecked.update(never_checked)

    def data(self) -> dict[str, Any]:
        """As `--json` prints it; `pruneheight` is Core's word (getblockchaininfo)."""
        return {
            "valid": self.valid,
            "headers": self.headers,
            "blocks": self.blocks,
            "tip": _id(self.tip),
            **({"pruneheight": self.pruned_below} if self.pruned_below else {}),
            "unchecked": dict(sorted(self.unchecked.items())),
            "error": _error(self.error),
        }

    def text(self) -> str:
        """As people read it."""
        unchecked = ", ".join(f"{rule} {count}" for rule, count in sorted(self.unchecked.items()))
        pruned = f" (pruned: those from height {self.pruned_below:,} on are kept)" if self.pruned_below else ""
        lines = {
            "valid": "yes" if self.valid else "no" if self.refused else "unknown",
            "headers": f"{self.headers:,}",
            "blocks": f"{self.blocks:,}{pruned}",
            "tip": str(self.tip or "-"),
            "unchecked": unchecked or "-",
            "error": str(self.error or "-"),
        }
        return "\n".join(f"{name:<9}  {printable(value, limit=10_000)}" for name, value in lines.items())


def _id(block: BlockId | None) -> dict[str, Any] | None:
    return {"height": _height(block), "hash": hash_hex(block.hash)} if block else None


def _height(block: BlockId | None) -> int | None:
    return block.height if block and block.height >= 0 else None


def _error(error: Fault | Unreadable | None) -> dict[str, Any] | None:
    match error:
        case None:
            return None
        case Fault(rule=rule, block=block, detail=detail):
            block_hash = hash_hex(block.hash) if block else None
            return {"rule": rule, "block": block_hash, "height": _height(block), "detail": detail}
        case Unreadable():
            return {"rule": "unreadable", "block": None, "height": None, "detail": str(error)}
