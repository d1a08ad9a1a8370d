"""How many addresses one peer may tell us: a bucket of tokens [Core m_addr_token_bucket, bitcoin/bitcoin#22387].

An honest node tells of a new address now and then, and answers one getaddr with up to a thousand. Who floods us is not
ended, but not listened to: which of its addresses are heard is left to chance. Called by `machine`, one for each peer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

    from headway.types import Address, Instant

RATE: Final = 0.1
"""Addresses a second [MAX_ADDR_RATE_PER_SECOND]."""
MAX_TOKENS: Final = 1_000
"""Tokens that come by waiting, and for one getaddr of ours [MAX_ADDR_PROCESSING_TOKEN_BUCKET]."""


class AddressAllowance:
    """What one peer may still tell, from its connection on."""

    def __init__(self, since: Instant = 0.0) -> None:
        """`since`: when it was connected."""
        self._tokens = 1.0
        self._since = since

    def asked(self) -> None:
        """We ask it for addresses: its answer comes on top."""
        self._tokens += MAX_TOKENS

    def admit(self, addresses: Sequence[Address], rng: random.Random, now: Instant) -> list[Address]:
        """Those of one message that are heard; the others are as good as not said."""
        if self._tokens < MAX_TOKENS:
            self._tokens = min(self._tokens + max(now - self._since, 0.0) * RATE, MAX_TOKENS)
        self._since = now
        heard = rng.sample(addresses, min(int(self._tokens), len(addresses)))
        self._tokens -= len(heard)
        return heard
