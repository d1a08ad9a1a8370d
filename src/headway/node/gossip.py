"""What becomes of the addresses that a peer tells us: how many are heard, and how much is believed.

How many is a bucket of tokens for each peer [Core m_addr_token_bucket, bitcoin/bitcoin#22387]. An honest node tells of
a new address now and then, and answers one getaddr with up to a thousand. Who floods us is not ended, but not listened
to: which of its addresses are heard is left to chance. Called by `table` (one allowance a peer) and `addrbook`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from headway.node.entry import AHEAD
from headway.types import Address

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

    from headway.types import Instant

RATE: Final = 0.1
"""Addresses a second [MAX_ADDR_RATE_PER_SECOND]."""
MAX_TOKENS: Final = 1_000
"""Tokens that come by waiting, and for one getaddr of ours [MAX_ADDR_PROCESSING_TOKEN_BUCKET]."""
PENALTY: Final = 2 * 3600
"""Seconds by which we make older what somebody says of others [ProcessMessage]."""
UNKNOWN_AGE: Final = 5 * 86_400
"""Seconds since the last sighting of an address of which nothing credible was said [the same]."""
CREDIBLE: Final = 100_000_000
"""Unix seconds: nobody was seen before [the same]."""


def as_told(address: Address, source: Address, wall_time: float) -> Address:
    """An address with a last sighting that we may believe. What somebody says of himself needs no doubt."""
    is_credible = CREDIBLE < address.last_seen <= wall_time + AHEAD
    seen = address.last_seen if is_credible else wall_time - UNKNOWN_AGE
    doubt = 0 if address.host == source.host else PENALTY
    return Address(address.host, address.port, address.services, max(int(seen) - doubt, 1))


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
