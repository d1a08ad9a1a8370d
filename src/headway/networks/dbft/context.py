"""What is known of the header before the one that is judged. The core passes it through unread."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from headway.networks.dbft.header import SignedHeader
from headway.types import Hash, Height

LINK: Final = "link"
TIME: Final = "time"
NEXT_CONSENSUS: Final = "next-consensus"
"""Comparisons with the header before, as they stand under `unchecked` where that is not known."""


@dataclass(frozen=True, slots=True)
class HeaderContext:
    """The header before, as far as it is known: None where it is not."""

    height: Height | None
    """-1 before genesis."""
    hash: Hash | None = None
    timestamp: int | None = None
    """In the unit of the chain."""
    next_consensus: bytes | None = None
    """Hash of the script that must sign the next header."""

    @property
    def is_start(self) -> bool:
        """Whether genesis comes next, and nothing else can."""
        return self.height == -1

    @property
    def unchecked(self) -> dict[str, int]:
        """The comparisons that the next header is spared."""
        if self.is_start:
            return {}
        missing = ((LINK, self.hash), (TIME, self.timestamp), (NEXT_CONSENSUS, self.next_consensus))
        return {name: 1 for name, known in missing if known is None}


BEFORE_GENESIS: Final = HeaderContext(-1)


def after(header: SignedHeader, block_hash: Hash) -> HeaderContext:
    """Everything that is to be known for the header behind this one. `block_hash`: its hash."""
    return HeaderContext(header.height, block_hash, header.timestamp, header.next_consensus)
