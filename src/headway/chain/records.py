"""Headers as the store keeps them: back to back, each behind its length (u32 little endian) where they vary in size.

Called by `chain.headers`, and by whoever reads a header log.
"""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Any, Final

from headway.network import Headers

if TYPE_CHECKING:
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
