"""Runs of headers: every rule by its name, what the shortcut proves, and what it must never skip."""

from __future__ import annotations

import pytest

from headway.errors import Consequence, InvalidHeader
from headway.networks.dbft.context import BEFORE_GENESIS, HeaderContext
from headway.networks.dbft.script import build_invocation
from headway.testing.neo_chain import script_of, sign, signature, validators, witness
from headway.types import UNKNOWN_HEIGHT, BlockId
from tests.neorun import GENERATIONS, Judged, Signed, judge, signed

PREV_AT = 4
"""Where the previous hash stands, after the version."""
PLACES = {"neo2": (68, 4, 72, 84), "neo3": (68, 8, 84, 89)}
"""Where the time stands, its size, where the height does and where the next consensus does."""


@pytest.fixture(params=GENERATIONS, scope="module")
def chain(request: pytest.FixtureRequest) -> Signed:
    return signed(request.param)


def places(chain: Signed) -> tuple[int, int, int, int]:
    return PLACES[chain.generation]


def judged(chain: Signed, third: bytes, *, thorough: bool = True) -> Judged:
    """The chain's headers with another one in the third place."""
    headers = chain.headers
    headers[2] = third
    return judge(chain.rules, headers, chain.context(1), thorough=thorough)


def with_witness(chain: Signed, invocation: bytes | None = None, verification: bytes | None = None) -> bytes:
    """The third header with another witness."""
    header = chain.rules.parser.header(chain.headers[2])
    given = header.invocation if invocation is None else invocation
    return header.unsigned + witness(given, header.verification if verification is None else verification)


def signatures(chain: Signed, *by: int) -> bytes:
    digest = chain.rules.digest(chain.rules.parser.header(chain.headers[2]))
    return build_invocation(chain.rules.dialect, [signature(chain.signers.secrets[index], digest) for index in by])


# A good run.


def test_a_signed_chain_is_accepted_and_every_header_proven(chain: Signed) -> None:
    found = judge(chain.rules, chain.headers, chain.context(1))
    assert (found.accepted, found.rule, found.refused) == (6, "", {})
    assert found.proven == [0, 1, 2, 3, 4, 5]
    assert found.verdict.hashes == b"".join(chain.rules.parser.header(raw).hash for raw in chain.headers)
    assert list(found.verdict.works) == [1] * 6
    assert found.verdict.context == chain.context(7)
    assert found.verdict.unchecked == {}


def test_genesis_needs_no_proof(chain: Signed) -> None:
    first = chain.rules.parser.block_header(chain.rules.first_block).raw
    for thorough in (True, False):
        found = judge(chain.rules, [first, *chain.headers], BEFORE_GENESIS, thorough=thorough)
        assert (found.accepted, found.refused, found.verdict.unchecked) == (7, {}, {})
        assert found.proven == ([1, 2, 3, 4, 5, 6] if thorough else [6])
        alone = judge(chain.rules, [first], BEFORE_GENESIS, thorough=thorough)
        assert (alone.accepted, alone.proven) == (1, [])


def test_no_headers_are_no_fault(chain: Signed) -> None:
    found = judge(chain.rules, [], chain.context(3))
    assert (found.accepted, found.rule, found.verdict.context, found.verdict.unchecked) == (0, "", chain.context(3), {})


def test_a_run_goes_on_where_another_ended(chain: Signed) -> None:
    context = judge(chain.rules, chain.headers[:3], chain.context(1)).verdict.context
    assert judge(chain.rules, chain.headers[3:], context).accepted == 3


# Mutations, each refused by its own rule, whether everything is proven or the shortcut is taken.


@pytest.mark.parametrize("thorough", [True, False])
def test_a_height_out_of_line_is_refused(chain: Signed, thorough: bool) -> None:
    at = places(chain)[2]
    for height in (2, 4):
        found = judged(chain, chain.resigned(3, at, height.to_bytes(4, "little")), thorough=thorough)
        assert (found.accepted, found.rule) == (2, "bad-height")


@pytest.mark.parametrize("thorough", [True, False])
def test_a_header_of_another_parent_is_refused(chain: Signed, thorough: bool) -> None:
    found = judged(chain, chain.resigned(3, PREV_AT, b"\x01" * 32), thorough=thorough)
    assert (found.accepted, found.rule) == (2, "bad-prevblk")


@pytest.mark.parametrize("thorough", [True, False])
def test_time_must_rise(chain: Signed, thorough: bool) -> None:
    at, size, *_ = places(chain)
    before = chain.context(3).timestamp or 0
    for timestamp in (before, before - 1):
        found = judged(chain, chain.resigned(3, at, timestamp.to_bytes(size, "little")), thorough=thorough)
        assert (found.accepted, found.rule) == (2, "time-too-old")
    risen = chain.resigned(3, at, (before + 1).to_bytes(size, "little"))
    assert judge(chain.rules, [risen], chain.context(3), thorough=thorough).accepted == 1


def test_a_time_far_ahead_is_the_validators_affair(chain: Signed) -> None:
    at, size, *_ = places(chain)
    late = chain.resigned(3, at, b"\xff" * size)
    found = judge(chain.rules, [late], chain.context(3))
    assert (found.accepted, found.refused) == (1, {})


def test_anything_but_genesis_is_refused_in_its_place(chain: Signed) -> None:
    other = signed(chain.generation, 1, count=7).rules
    for stranger in (chain.headers[0], other.parser.block_header(other.first_block).raw):
        found = judge(chain.rules, [stranger], BEFORE_GENESIS)
        assert found.verdict.error is not None
        assert (found.accepted, found.rule, found.verdict.error.block.height) == (0, "bad-genesis", 0)


def test_bytes_that_are_no_header_are_refused(chain: Signed) -> None:
    whole = chain.headers[2]
    for torn in (b"", whole[:80], whole[:-1], whole + b"\x00"):
        found = judged(chain, torn)
        assert (found.accepted, found.rule) == (2, "bad-header")


def test_a_header_without_its_witness_proves_nothing(chain: Signed) -> None:
    found = judged(chain, chain.headers[2][: chain.rules.kept_size])
    assert (found.accepted, found.rule) == (2, "bad-witness-script")


def test_a_fault_names_the_header_and_blames_the_sender(chain: Signed) -> None:
    bad = chain.resigned(3, PREV_AT, b"\x01" * 32)
    error = judged(chain, bad).verdict.error
    assert type(error) is InvalidHeader
    assert error.block == BlockId(3, chain.rules.parser.header(bad).hash)
    assert error.consequence is Consequence.DISCOURAGE


def test_what_came_before_a_fault_is_proven(chain: Signed) -> None:
    bad = chain.resigned(3, PREV_AT, b"\x01" * 32)
    assert judged(chain, bad).proven == [0, 1]
    assert judged(chain, bad, thorough=False).proven == [1]


# Witnesses.


def test_a_script_of_others_is_refused(chain: Signed) -> None:
    foreign = validators(4, salt=9)
    unsigned = chain.headers[2][: chain.rules.kept_size]
    found = judged(chain, sign(chain.rules, unsigned, foreign))
    assert (found.accepted, found.rule) == (2, "bad-witness-script")


def test_a_trailing_opcode_is_refused(chain: Signed) -> None:
    found = judged(chain, with_witness(chain, verification=script_of(chain.rules, chain.signers) + b"\x61"))
    assert (found.accepted, found.rule) == (2, "bad-witness-script")
    own = judge(
        chain.rules,
        [with_witness(chain, verification=script_of(chain.rules, chain.signers) + b"\x61")],
        HeaderContext(None),
    )
    assert (own.accepted, own.rule) == (0, "bad-witness-script")


@pytest.mark.parametrize("by", [(0, 1), (0, 1, 2, 3), ()])
def test_too_few_or_too_many_signatures_are_refused(chain: Signed, by: tuple[int, ...]) -> None:
    found = judged(chain, with_witness(chain, signatures(chain, *by)))
    assert (found.accepted, found.rule) == (2, "bad-witness")


@pytest.mark.parametrize("by", [(1, 0, 2), (0, 2, 1), (0, 0, 1), (0, 1, 1)])
def test_swapped_or_repeated_signatures_do_not_prove(chain: Signed, by: tuple[int, ...]) -> None:
    found = judged(chain, with_witness(chain, signatures(chain, *by)))
    assert (found.accepted, list(found.refused)) == (6, [2])
    assert "of 3 signatures are good" in found.refused[2]


def test_one_bit_of_a_signature_does_not_prove(chain: Signed) -> None:
    good = signatures(chain, 0, 1, 2)
    assert judged(chain, with_witness(chain, good)).refused == {}
    for at in (len(good) // 3 - 1, len(good) - 1):
        bad = bytearray(good)
        bad[at] ^= 1
        assert list(judged(chain, with_witness(chain, bytes(bad))).refused) == [2]


def test_another_valid_witness_proves_the_same_hash(chain: Signed) -> None:
    for by in ((0, 1, 2), (0, 1, 3), (0, 2, 3), (1, 2, 3)):
        found = judged(chain, with_witness(chain, signatures(chain, *by)))
        assert (found.refused, found.verdict.context) == ({}, chain.context(7))


def test_others_named_as_heirs_break_the_next_header(chain: Signed) -> None:
    at = places(chain)[3]
    usurped = chain.resigned(3, at, b"\x07" * 20)
    unsigned = bytearray(chain.headers[3][: chain.rules.kept_size])
    unsigned[PREV_AT : PREV_AT + 32] = chain.rules.parser.header(usurped).hash
    fourth = sign(chain.rules, bytes(unsigned), chain.signers)
    for thorough in (True, False):
        found = judge(chain.rules, [*chain.headers[:2], usurped, fourth], chain.context(1), thorough=thorough)
        assert (found.accepted, found.rule) == (3, "bad-witness-script")


# The shortcut.

CHANGES = {3: validators(7, salt=1), 6: validators(4), 9: validators(1, salt=2)}


@pytest.fixture(params=GENERATIONS, scope="module")
def changing(request: pytest.FixtureRequest) -> Signed:
    return signed(request.param, 12, changes=CHANGES)


def test_without_a_change_the_last_header_proves_all(chain: Signed) -> None:
    found = judge(chain.rules, chain.headers, chain.context(1), thorough=False)
    assert (found.accepted, found.proven, found.refused) == (6, [5], {})


def test_a_change_of_validators_is_never_skipped(changing: Signed) -> None:
    found = judge(changing.rules, changing.headers, changing.context(1), thorough=False)
    assert (found.accepted, found.proven, found.refused) == (12, [2, 5, 8, 11], {})
    for last in range(1, 12):
        proven = judge(changing.rules, changing.headers[:last], changing.context(1), thorough=False).proven
        assert proven == sorted({number for number in (2, 5, 8) if number < last} | {last - 1})


def test_both_ways_give_the_same_hashes_and_context(changing: Signed) -> None:
    thorough = judge(changing.rules, changing.headers, changing.context(1)).verdict
    shortcut = judge(changing.rules, changing.headers, changing.context(1), thorough=False).verdict
    assert (shortcut.hashes, shortcut.context, shortcut.works) == (thorough.hashes, thorough.context, thorough.works)
    assert len(thorough.proofs) == 12


@pytest.mark.parametrize(("invocation", "verification"), [(b"garbage", b"garbage"), (b"", b""), (None, b"\x51")])
def test_garbage_in_a_skipped_witness_is_no_fault(
    chain: Signed, invocation: bytes | None, verification: bytes | None
) -> None:
    garbage = with_witness(chain, invocation, verification)
    assert judged(chain, garbage).rule == "bad-witness-script"
    found = judged(chain, garbage, thorough=False)
    assert (found.accepted, found.rule, found.proven, found.refused) == (6, "", [5], {})


def test_garbage_in_a_witness_that_must_prove_is_a_fault(changing: Signed) -> None:
    headers = changing.headers
    headers[2] = headers[2][: changing.rules.kept_size] + witness(b"garbage", b"garbage")
    found = judge(changing.rules, headers, changing.context(1), thorough=False)
    assert (found.accepted, found.rule, found.proven, found.refused) == (2, "bad-witness-script", [1], {})


def test_a_last_header_that_cannot_prove_hands_over_to_the_one_before(chain: Signed) -> None:
    headers = chain.headers
    for number in (5, 4):
        headers[number] = headers[number][: chain.rules.kept_size] + witness(b"garbage", b"garbage")
    found = judge(chain.rules, headers, chain.context(1), thorough=False)
    assert (found.accepted, found.rule, found.proven, found.refused) == (4, "bad-witness-script", [3], {})
    assert found.verdict.error is not None
    assert found.verdict.error.block.height == 5
    assert found.verdict.context == chain.context(5)


def test_a_forged_run_is_refused(chain: Signed) -> None:
    """Somebody without the keys links headers of his own, and copies the script of those who have them."""
    forged = signed(chain.generation, 6, salt=7)
    thieves = validators(4, salt=5)
    headers = [sign(forged.rules, raw[: forged.rules.kept_size], thieves) for raw in forged.headers]
    assert judge(chain.rules, headers, chain.context(1), thorough=False).accepted == 0
    dressed = []
    for raw in headers:
        header = chain.rules.parser.header(raw)
        dressed.append(header.unsigned + witness(header.invocation, script_of(chain.rules, chain.signers)))
    found = judge(chain.rules, dressed, chain.context(1), thorough=False)
    assert (found.accepted, list(found.refused)) == (6, [5])


def test_a_usurper_in_the_middle_is_refused(chain: Signed) -> None:
    """He names himself as heir in a header that he cannot sign, and signs all that follows."""
    usurper = validators(4, salt=5)
    fake = signed(chain.generation, 6, changes={3: usurper}, salt=8)
    headers = fake.headers
    headers[2] = sign(fake.rules, headers[2][: fake.rules.kept_size], usurper)
    assert judge(chain.rules, headers, chain.context(1), thorough=False).rule == "bad-witness-script"
    header = fake.rules.parser.header(headers[2])
    headers[2] = header.unsigned + witness(header.invocation, script_of(fake.rules, chain.signers))
    found = judge(chain.rules, headers, chain.context(1), thorough=False)
    assert (found.accepted, found.proven, list(found.refused)) == (6, [2, 5], [2])


# What is not known cannot be compared, and is said to be so.


@pytest.mark.parametrize("thorough", [True, False])
@pytest.mark.parametrize("height", [UNKNOWN_HEIGHT, 4])
def test_a_first_header_without_a_predecessor_is_held_against_its_own_script(
    chain: Signed, height: int, thorough: bool
) -> None:
    found = judge(chain.rules, chain.headers[3:], chain.rules.context_at(height), thorough=thorough)
    assert (found.accepted, found.refused) == (3, {})
    assert found.proven == ([0, 1, 2] if thorough else [0, 2])
    assert found.verdict.unchecked == {"link": 1, "time": 1, "next-consensus": 1}
    assert found.verdict.context == chain.context(7)


def test_a_foreign_signature_under_one_s_own_script_is_still_refused(chain: Signed) -> None:
    bad = bytearray(signatures(chain, 0, 1, 2))
    bad[-1] ^= 1
    found = judge(chain.rules, [with_witness(chain, bytes(bad))], chain.rules.context_at(UNKNOWN_HEIGHT))
    assert (found.accepted, list(found.refused)) == (1, [0])


def test_a_stated_height_must_be_the_header_s_own(chain: Signed) -> None:
    found = judge(chain.rules, chain.headers[3:], chain.rules.context_at(5))
    assert (found.accepted, found.rule, found.verdict.unchecked) == (0, "bad-height", {})


def test_an_error_at_an_unknown_height_names_the_one_that_the_header_states(chain: Signed) -> None:
    bad = chain.headers[2][: chain.rules.kept_size] + witness(b"", b"")
    error = judge(chain.rules, [bad], chain.rules.context_at(UNKNOWN_HEIGHT)).verdict.error
    assert error is not None
    assert (error.rule, error.block.height) == ("bad-witness-script", 3)


def test_after_a_gap_only_the_time_is_compared(chain: Signed) -> None:
    at, size, *_ = places(chain)
    context = chain.rules.context_past_gap(chain.context(2), 4)
    found = judge(chain.rules, chain.headers[3:], context)
    assert (found.accepted, found.verdict.unchecked) == (3, {"link": 1, "next-consensus": 1})
    early = chain.resigned(4, at, (chain.context(2).timestamp or 0).to_bytes(size, "little"))
    assert judge(chain.rules, [early], context).rule == "time-too-old"
