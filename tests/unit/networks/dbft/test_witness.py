"""m of n signatures, as Neo's machine takes them: in the order of the keys, each key tried once."""

from __future__ import annotations

import subprocess
import sys
from hashlib import sha256
from itertools import permutations

import pytest

from headway.networks.dbft.consensus import consensus_script
from headway.networks.dbft.script import LEGACY, N3, Dialect, build_invocation, build_verification
from headway.networks.dbft.witness import MAX_SCRIPTS, _multisig, _validators, check_witness, der, form_fault
from headway.testing.neo_chain import signature, validators

SEVEN = validators(7)
DIGEST = sha256(b"a header").digest()
SIGNED = tuple(signature(secret, DIGEST) for secret in SEVEN.secrets)
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


@pytest.fixture(params=[LEGACY, N3], ids=["legacy", "n3"])
def dialect(request: pytest.FixtureRequest) -> Dialect:
    chosen: Dialect = request.param
    return chosen


def check(dialect: Dialect, *by: int) -> str:
    script = consensus_script(dialect, SEVEN.keys)
    return check_witness(dialect, script, build_invocation(dialect, [SIGNED[index] for index in by]), DIGEST)


@pytest.mark.parametrize("by", [(0, 1, 2, 3, 4), (2, 3, 4, 5, 6), (0, 2, 3, 5, 6), (0, 1, 4, 5, 6)])
def test_any_five_of_seven_in_order_are_enough(dialect: Dialect, by: tuple[int, ...]) -> None:
    assert check(dialect, *by) == ""


def test_no_other_order_is_taken(dialect: Dialect) -> None:
    in_order = (0, 1, 2, 3, 4)
    assert [by for by in permutations(in_order) if check(dialect, *by) == ""] == [in_order]


def test_one_signature_twice_counts_once(dialect: Dialect) -> None:
    for by in ((0, 0, 1, 2, 3), (0, 1, 2, 3, 3), (6, 6, 6, 6, 6)):
        assert check(dialect, *by) != ""


def test_too_few_or_too_many_signatures_are_refused(dialect: Dialect) -> None:
    assert "5 signatures are" in check(dialect, 0, 1, 2, 3)
    assert "5 signatures are" in check(dialect, 0, 1, 2, 3, 4, 5)


def test_every_flipped_bit_of_a_signature_is_seen(dialect: Dialect) -> None:
    script = build_verification(dialect, 1, SEVEN.keys[:1])
    for bit in range(0, 512, 5):
        flipped = bytearray(SIGNED[0])
        flipped[bit // 8] ^= 1 << bit % 8
        said = check_witness(dialect, script, build_invocation(dialect, [bytes(flipped)]), DIGEST)
        assert said == "0 of 1 signatures are good, in the order of the 1 keys"


def test_a_signature_of_other_bytes_or_by_another_key_is_refused(dialect: Dialect) -> None:
    script = build_verification(dialect, 1, SEVEN.keys[:1])
    for found in (signature(SEVEN.secrets[0], bytes(32)), SIGNED[1], bytes(64), b"\xff" * 64):
        assert check_witness(dialect, script, build_invocation(dialect, [found]), DIGEST) != ""


def test_a_high_s_is_as_good_as_a_low_one(dialect: Dialect) -> None:
    r, s = SIGNED[0][:32], int.from_bytes(SIGNED[0][32:], "big")
    script = build_verification(dialect, 1, SEVEN.keys[:1])
    mirrored = r + (ORDER - s).to_bytes(32, "big")
    assert mirrored != SIGNED[0]
    assert check_witness(dialect, script, build_invocation(dialect, [mirrored]), DIGEST) == ""


def test_the_same_key_twice_needs_a_signature_for_each(dialect: Dialect) -> None:
    """Neo's machine tries each key of the script once, whatever keys these are."""
    key = SEVEN.keys[0]
    assert (
        check_witness(
            dialect, build_verification(dialect, 2, [key, key]), build_invocation(dialect, SIGNED[:1] * 2), DIGEST
        )
        == ""
    )


def test_keys_that_are_no_points_are_refused(dialect: Dialect) -> None:
    for key in (b"\x02" + b"\xff" * 32, b"\x02" + bytes(31) + b"\x01", b"\x05" + SEVEN.keys[0][1:]):
        script = build_verification(dialect, 1, [SEVEN.keys[0], key])
        assert (
            check_witness(dialect, script, build_invocation(dialect, SIGNED[:1]), DIGEST) == f"not a key: {key.hex()}"
        )


def test_form_is_judged_without_a_key(dialect: Dialect) -> None:
    no_point = b"\x02" + b"\xff" * 32
    script, one = build_verification(dialect, 1, [no_point]), build_invocation(dialect, [bytes(64)])
    assert form_fault(dialect, script, one) is None
    fault = form_fault(dialect, script + b"\x61", one)
    assert fault is not None
    assert fault.rule == "bad-witness-script"
    fault = form_fault(dialect, script, one + one)
    assert fault is not None
    assert fault.rule == "bad-witness"


def test_garbage_is_said_to_be_garbage(dialect: Dialect) -> None:
    for script, invocation in ((b"", b""), (b"\x11", b""), (b"\x51", b"\x40")):
        assert check_witness(dialect, script, invocation, DIGEST) != ""


def test_kept_keys_are_bounded(dialect: Dialect) -> None:
    for number in range(2 * MAX_SCRIPTS):
        key = SEVEN.keys[number % 7]
        script = build_verification(dialect, 1, [key] * (number + 1))
        check_witness(dialect, script, build_invocation(dialect, SIGNED[:1]), DIGEST)
    for cache in (_validators, _multisig):
        assert cache.cache_info().currsize <= MAX_SCRIPTS


@pytest.mark.parametrize(
    ("r", "s", "encoded"),
    [
        (1, 2, "3006020101020102"),
        (0, 0, "3006020100020100"),
        (0x80, 0x7F, "300702020080" + "02017f"),
        (0x0102, 0xFF00, "3009" + "02020102" + "020300ff00"),
    ],
)
def test_numbers_are_encoded_in_their_shortest_form(r: int, s: int, encoded: str) -> None:
    assert der(r.to_bytes(32, "big") + s.to_bytes(32, "big")).hex() == encoded
    longest = der(b"\xff" * 64)
    assert (longest[:4].hex(), len(longest)) == ("30460221", 72)


def test_the_library_is_loaded_by_the_first_proof_alone() -> None:
    code = (
        "import sys, headway.networks.dbft.rules, headway.networks.dbft.witness as w\n"
        "from headway.networks.dbft.script import N3\n"
        "print('cryptography' in sys.modules)\n"
        "w.form_fault(N3, b'', b'')\n"
        "print('cryptography' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
