"""Headers as the store keeps them: back to back, each behind its length (u32 little endian) where they vary in size.

Called by `chain.headers`, and by whoever reads a header log.
"""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Any, Final

from headway.network import Headers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headway.network import ChainRules, Network
    from headway.types import Raw

LENGTH_SIZE: Final = 4
"""Bytes of the length before a header."""


def pack(headers: Headers, header_size: int) -> bytes:
    """The headers of a message as records. `header_size`: `ChainRules.header_size`."""
    if header_size:
        return headers.compact()
    records = bytearray()
    for start, end in zip(headers.starts, headers.ends, strict=True):
        records += (end - start).to_bytes(LENGTH_SIZE, "little") + headers.raw[start:end]
    return bytes(records)


def unpack(raw: Raw, network: Network) -> Headers:
    """Inverse of `pack`. Raises ValueError for a torn last record."""
    parser, size = network.codec.parser, network.rules.header_size
    if size:
        return Headers.fixed(raw, parser, size=size)
    starts, ends = [], []
    at = 0
    while at < len(raw):
        start = at + LENGTH_SIZE
        at = start + int.from_bytes(raw[at:start], "little")
        starts.append(start)
        ends.append(at)
    if at != len(raw):
        raise ValueError(f"the last of {len(starts)} headers is torn")
    return Headers(raw, tuple(starts), tuple(ends), parser)


def proven(headers: Headers, rules: ChainRules, context: Any) -> Headers:
    """Stored headers that follow `context`, up to the first whose proof does not hold: such may lie in a store whose
    headers were proved by fewer proofs than one each (`ChainRules.check_headers`)."""
    verdict = rules.check_headers(headers, context, inf)
    failed = (proof.number for proof in verdict.proofs if proof.check())
    return headers.part(0, next(failed, verdict.accepted))


class Prover:
    """`proven`, each header once: whoever asks for the same headers again and again costs no signature after the first
    time. Any thread may call it."""

    def __init__(self, rules: ChainRules) -> None:
        self._rules = rules
        self._held = bytearray()  # by position: its proof was seen to hold

    def proven(self, headers: Headers, positions: Sequence[int], context: Any) -> Headers:
        """`positions`: of these headers in the tree, rising."""
        top = positions[-1] + 1 if positions else 0
        if len(self._held) < top:
            self._held.extend(bytes(top - len(self._held)))
        if len(headers) == len(positions) and all(self._held[position] for position in positions):
            return headers
        found = proven(headers, self._rules, context)
        for position in positions[: len(found)]:
            self._held[position] = 1
        return found
