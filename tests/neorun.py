"""Signed headers of Neo put before the rules: runs, branches, and what became of them. Called by tests only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from headway.network import HeaderVerdict
from headway.networks.dbft.context import HeaderContext, after
from headway.networks.dbft.rules import DbftRules
from headway.testing.neo_chain import Generation, NeoChain, Validators, neo_network, sign, validators
from headway.types import BlockRequest, Hash
from headway.wire.messages import Headers

GENERATIONS: Final[tuple[Generation, ...]] = ("neo2", "neo3")


def message(rules: DbftRules, headers: Sequence[bytes]) -> Headers:
    """The headers as a message of the chain's codec would hold them: back to back, of uneven size."""
    starts, ends, at = [], [], 0
    for raw in headers:
        starts.append(at)
        at += len(raw)
        ends.append(at)
    return Headers(b"".join(headers), tuple(starts), tuple(ends), rules.parser)


@dataclass
class Judged:
    """What became of a run: at once, and by its proofs."""

    verdict: HeaderVerdict
    refused: dict[int, str]
    """Number of a header whose proof does not hold, and what it says."""

    @property
    def accepted(self) -> int:
        return self.verdict.accepted

    @property
    def rule(self) -> str:
        return self.verdict.error.rule if self.verdict.error else ""

    @property
    def proven(self) -> list[int]:
        """Numbers of the headers that had to be proven."""
        return [proof.number for proof in self.verdict.proofs]


def judge(rules: DbftRules, headers: Sequence[bytes], context: HeaderContext, *, thorough: bool = True) -> Judged:
    verdict = rules.check_headers(message(rules, headers), context, 0.0, thorough=thorough)
    return Judged(verdict, {proof.number: said for proof in verdict.proofs if (said := proof.check())})


@dataclass
class ListBranch:
    """A branch that is a list of raw headers (`headway.network.Branch`), the first at height `start`."""

    headers: Sequence[bytes]
    rules: DbftRules
    start: int = 0

    @property
    def height(self) -> int:
        return self.start + len(self.headers) - 1

    @property
    def hash(self) -> Hash:
        return self.rules.parse_header(self.headers[-1]).hash

    def header(self, height: int) -> bytes:
        if not self.start <= height <= self.height:
            raise LookupError(height)
        return self.headers[height - self.start]


@dataclass
class Signed:
    """A chain of one generation, made and signed on the spot."""

    generation: Generation
    rules: DbftRules
    signers: Validators
    blocks: list[bytes]
    """From height 1 on."""

    @property
    def headers(self) -> list[bytes]:
        return [self.rules.parser.block_header(block).raw for block in self.blocks]

    def context(self, height: int) -> HeaderContext:
        """Before the header at `height`."""
        raw = self.blocks[height - 2] if height > 1 else self.rules.first_block
        header = self.rules.parser.block_header(raw)
        return after(header, header.hash)

    def request(self, height: int) -> BlockRequest:
        return BlockRequest(self.rules.parser.block_header(self.blocks[height - 1]), height)

    def resigned(self, height: int, start: int, data: bytes) -> bytes:
        """The header at `height` with `data` in its unsigned part from byte `start` on, signed anew."""
        unsigned = bytearray(self.headers[height - 1][: self.rules.kept_size])
        unsigned[start : start + len(data)] = data
        return sign(self.rules, bytes(unsigned), self.signers)


def signed(generation: Generation, length: int = 6, *, count: int = 4, **options: Any) -> Signed:
    """`count` validators and their chain. `options` are those of `NeoChain`."""
    signers = validators(count)
    chain = NeoChain(neo_network(generation, signers), signers, **options)
    return Signed(generation, chain.rules, signers, list(chain.blocks(length)))
