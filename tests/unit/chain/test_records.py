"""Headers as records: fixed sizes back to back, varying ones behind their lengths."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from headway.chain.headers import HeaderTree
from headway.chain.records import Prover, pack, proven, unpack
from headway.network import Headers, HeaderVerdict
from tests.sealednet import SEALED, SealedRules, sealed_chain, sealed_headers
from tests.toynet import HEADER_SIZE, PARSER, TOYNET, ToyRules, toy_chain, toy_headers


@dataclass(frozen=True, slots=True)
class VaryingRules(ToyRules):
    header_size: int = 0


VARYING = replace(TOYNET, rules=VaryingRules())


def varying(*parts: bytes) -> Headers:
    """Headers with a byte between them, as some chains put it there."""
    starts, ends, raw = [], [], b""
    for part in parts:
        starts.append(len(raw))
        raw += part
        ends.append(len(raw))
        raw += b"\0"
    return Headers(raw, tuple(starts), tuple(ends), PARSER)


def test_headers_of_one_size_stand_back_to_back() -> None:
    headers = toy_headers(toy_chain(3))
    assert pack(headers, HEADER_SIZE) == headers.raw
    assert unpack(headers.raw, TOYNET) == headers


def test_varying_headers_come_back_without_what_stood_between_them() -> None:
    packed = pack(varying(b"a" * 5, b"", b"c" * 300), 0)
    assert packed == b"\5\0\0\0aaaaa" + bytes(4) + b"\x2c\1\0\0" + b"c" * 300
    again = unpack(packed, VARYING)
    assert [again.raw_at(number) for number in range(len(again))] == [b"a" * 5, b"", b"c" * 300]


@pytest.mark.parametrize("keep", range(1, 12))
def test_a_torn_last_record_is_refused(keep: int) -> None:
    packed = pack(varying(b"abcdefgh"), 0)
    with pytest.raises(ValueError, match="torn"):
        unpack(packed[:keep], VARYING)


def test_torn_headers_of_one_size_are_refused() -> None:
    with pytest.raises(ValueError, match="no whole number"):
        unpack(bytes(HEADER_SIZE + 1), TOYNET)


# What is given on has been proved.

CONTEXT = HeaderTree(SEALED).header_context(0)


def test_stored_headers_are_given_on_up_to_the_first_whose_proof_does_not_hold() -> None:
    headers = sealed_headers(sealed_chain(5, seals=(b"ok", b"ok", b"no", b"ok", b"ok")))
    assert len(proven(headers, SEALED.rules, CONTEXT)) == 2
    assert len(proven(sealed_headers(sealed_chain(5)), SEALED.rules, CONTEXT)) == 5
    assert len(proven(headers.part(0, 0), SEALED.rules, CONTEXT)) == 0


@dataclass(frozen=True, slots=True)
class CountingRules(SealedRules):
    judged: list[int] = field(default_factory=list)

    def check_headers(
        self, headers: Headers, context: Any, wall_time: float, *, thorough: bool = True
    ) -> HeaderVerdict:
        self.judged.append(len(headers))
        return SealedRules.check_headers(self, headers, context, wall_time, thorough=thorough)


def test_a_header_is_proved_once_however_often_it_is_asked_for() -> None:
    rules = CountingRules()
    prover, headers = Prover(rules), sealed_headers(sealed_chain(8))
    for _ in range(3):
        assert len(prover.proven(headers.part(0, 5), range(1, 6), CONTEXT)) == 5
    assert rules.judged == [5]
    assert len(prover.proven(headers, range(1, 9), CONTEXT)) == 8
    assert len(prover.proven(headers, range(1, 9), CONTEXT)) == 8
    assert rules.judged == [5, 8]


def test_a_header_whose_proof_does_not_hold_is_never_taken_for_proved() -> None:
    rules = CountingRules()
    prover, headers = Prover(rules), sealed_headers(sealed_chain(3, seals=(b"ok", b"no")))
    for _ in range(2):
        assert len(prover.proven(headers, range(1, 4), CONTEXT)) == 1
    assert rules.judged == [3, 3]
    assert len(prover.proven(headers.part(0, 0), (), CONTEXT)) == 0
