"""A run of headers while it is judged, one after another: what `DbftRules.check_headers` does.

What a header costs here is a parse, a hash and comparisons; its signatures become a proof, to be checked off the loop.
Whoever is signed endorses all its ancestors through their hashes. So it is enough to prove each header that changes the
validators, by those whom the header before names, and the last one of the run: the shortcut of `thorough=False`.
It proves hashes and no witness in between, which lies outside every hash: garbage there is no fault of the chain.
Called by `rules` only.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from headway.errors import CodecError, InvalidHeader
from headway.network import HeaderVerdict
from headway.networks.dbft.context import HeaderContext, after
from headway.networks.dbft.fault import Fault
from headway.types import UNKNOWN_HEIGHT, BlockId, Hash, hash_hex

if TYPE_CHECKING:
    from headway.networks.dbft.header import SignedHeader
    from headway.networks.dbft.rules import DbftRules


@dataclass(frozen=True, slots=True)
class WitnessProof:
    """The signatures of one header (`headway.network.Proof`)."""

    number: int
    header: SignedHeader = field(repr=False)
    rules: DbftRules = field(repr=False)

    def check(self) -> str:
        return self.rules.check_signatures(self.header)


class Run:
    """`accept` headers in their order while it returns True, then ask for the `verdict`, once."""

    def __init__(self, rules: DbftRules, context: HeaderContext, *, thorough: bool) -> None:
        self._rules = rules
        self._thorough = thorough
        self._contexts = [context]  # before each accepted header, and after the last
        self._headers: list[SignedHeader] = []
        self._proofs: list[WitnessProof] = []
        self._error: InvalidHeader | None = None

    def accept(self, raw: bytes) -> bool:
        """Judge the next header. False: it broke a rule, and nothing may follow."""
        before = self._contexts[-1]
        try:
            header = self._rules.parser.header(raw)
        except CodecError as error:
            self._refuse(Fault("bad-header", str(error)), before, self._rules.hash_of(raw[: self._rules.kept_size]))
            return False
        block_hash = header.hash
        fault = self._rules.own_fault(header) or self._place_fault(header, before)
        if fault is None and self._must_prove(header, before):
            fault = self._prove(header, before)
        if fault is not None:
            self._refuse(fault, before, block_hash, header.height)
            return False
        self._headers.append(header)
        self._contexts.append(after(header, block_hash))
        return True

    def verdict(self) -> HeaderVerdict:
        self._prove_last()
        accepted = len(self._headers)
        return HeaderVerdict(
            accepted,
            b"".join([context.hash or b"" for context in self._contexts[1:]]),
            (1,) * accepted,
            self._contexts[-1],
            self._error,
            tuple(self._proofs),
            self._contexts[0].unchecked if accepted else {},
        )

    def _place_fault(self, header: SignedHeader, before: HeaderContext) -> Fault | None:
        """What speaks against a header here, its witness aside."""
        if before.is_start:
            mine = header.unsigned == self._rules.first_block[: self._rules.kept_size]
            return None if mine else Fault("bad-genesis", "of another network")
        if before.height is not None and header.height != before.height + 1:
            return Fault("bad-height", f"it says {header.height} and stands after {before.height}")
        if before.hash is not None and header.prev_hash != before.hash:
            return Fault("bad-prevblk", f"it follows {hash_hex(header.prev_hash)}")
        if before.timestamp is not None and header.timestamp <= before.timestamp:
            return Fault("time-too-old", f"{header.timestamp}, and {before.timestamp} before it")
        return None

    def _must_prove(self, header: SignedHeader, before: HeaderContext) -> bool:
        """Genesis never: it is known. Without the shortcut each; with it each whose validators are other ones."""
        if before.is_start:
            return False
        return self._thorough or header.next_consensus != before.next_consensus or before.next_consensus is None

    def _prove(self, header: SignedHeader, before: HeaderContext) -> Fault | None:
        """Ask for a proof of the header that comes next; what speaks against its witness by its form alone."""
        fault = self._rules.form_fault(header, before.next_consensus)
        if fault is None:
            self._proofs.append(WitnessProof(len(self._headers), header, self._rules))
        return fault

    def _prove_last(self) -> None:
        """The last header proves all since the last proof. One that cannot is refused, and the one before has to."""
        while self._headers and not self._contexts[-2].is_start:
            if self._proofs and self._proofs[-1].number == len(self._headers) - 1:
                return
            known, header = self._contexts.pop(), self._headers.pop()
            before = self._contexts[-1]
            fault = self._prove(header, before)
            if fault is None:
                self._headers.append(header)
                self._contexts.append(known)
                return
            self._refuse(fault, before, header.hash, header.height)

    def _refuse(self, fault: Fault, before: HeaderContext, block_hash: Hash, stated: int = UNKNOWN_HEIGHT) -> None:
        height = stated if before.height is None else before.height + 1
        self._error = InvalidHeader(fault.rule, BlockId(height, block_hash), fault.detail)
