"""Peers of Neo whose headers are right and whose witnesses are not. They lie outside of every hash.

Headers that nobody signed are a chain's fault (`ChainPlan.fault`), and an `Impostor` serves them. Called by
`scenarios`; the registry is `hostile.ACTORS`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from headway.network import Headers
from headway.sim.actor import Honest

if TYPE_CHECKING:
    import random

    from headway.sim.chain import Chain
    from headway.types import Height
    from headway.wire import messages as m

_NOTHING = b"\x01\x00\x00"
"""A witness with two empty scripts."""


class Unproven(Honest):
    """Gives headers without their proofs."""

    name: ClassVar[str] = "unproven"
    is_honest: ClassVar[bool] = False

    def __init__(
        self, chain: Chain, rng: random.Random, *, height: Height | None = None, where: str = "middle"
    ) -> None:
        """`where`: middle (those without which all hashes of a message are still proven), last, or all."""
        super().__init__(chain, rng, height=height)
        self.where = where

    def headers_for(self, question: m.GetHeaders) -> Headers:
        headers = super().headers_for(question)
        count = len(headers)
        wrong = {
            "middle": self._needless(headers),
            "last": set(range(count - 1, count)),
            "all": set(range(count)),
        }[self.where]
        raws = [self._bare(headers, at) if at in wrong else headers.raw_at(at) for at in range(count)]
        return Headers.joined(raws, self.network.codec.parser)

    def _bare(self, headers: Headers, at: int) -> bytes:
        return headers.raw_at(at)[: self.network.rules.kept_size] + _NOTHING

    @staticmethod
    def _needless(headers: Headers) -> set[int]:
        """All but the first, the last, and those that name other validators."""
        named = [header.next_consensus for header in headers]  # type: ignore[attr-defined]
        return {at for at in range(1, len(headers) - 1) if named[at] == named[at - 1]}
