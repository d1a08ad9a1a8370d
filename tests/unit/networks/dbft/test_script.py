"""Verification and invocation scripts: one byte string for each meaning, and nothing else is read."""

from __future__ import annotations

import pytest

from headway.networks.dbft.script import (
    LEGACY,
    MAX_KEYS,
    N3,
    Dialect,
    Multisig,
    ScriptError,
    build_invocation,
    build_verification,
    parse_invocation,
    parse_verification,
)

DIALECTS = {"legacy": LEGACY, "n3": N3}
KEYS = tuple(bytes([2 + n % 2]) + n.to_bytes(32, "big") for n in range(MAX_KEYS + 1))
SIGNATURES = tuple(bytes([n]) * 64 for n in range(5))


@pytest.fixture(params=DIALECTS)
def dialect(request: pytest.FixtureRequest) -> Dialect:
    return DIALECTS[request.param]


def test_legacy_script_is_written_byte_by_byte() -> None:
    script = build_verification(LEGACY, 1, KEYS[:2])
    assert script == b"\x51" + b"\x21" + KEYS[0] + b"\x21" + KEYS[1] + b"\x52\xae"
    assert build_invocation(LEGACY, SIGNATURES[:2]) == b"\x40" + SIGNATURES[0] + b"\x40" + SIGNATURES[1]


def test_n3_script_is_written_byte_by_byte() -> None:
    script = build_verification(N3, 1, KEYS[:2])
    assert script == b"\x11" + b"\x0c\x21" + KEYS[0] + b"\x0c\x21" + KEYS[1] + b"\x12" + bytes.fromhex("419ed0dc3a")
    assert build_invocation(N3, SIGNATURES[:2]) == b"\x0c\x40" + SIGNATURES[0] + b"\x0c\x40" + SIGNATURES[1]


@pytest.mark.parametrize(
    ("number", "legacy", "n3"),
    [
        (1, "51", "11"),
        (16, "60", "20"),
        (17, "0111", "0011"),
        (127, "017f", "007f"),
        (128, "028000", "018000"),
        (1024, "020004", "010004"),
    ],
)
def test_numbers_are_written_in_their_shortest_form(number: int, legacy: str, n3: str) -> None:
    for dialect, digits in ((LEGACY, legacy), (N3, n3)):
        script = build_verification(dialect, number, KEYS[:number])
        assert script.startswith(bytes.fromhex(digits) + dialect.push_key)
        assert script.endswith(KEYS[number - 1] + bytes.fromhex(digits) + dialect.check)


@pytest.mark.parametrize("count", [1, 2, 7, 16, 17, 127, 128, 1024])
def test_what_is_built_is_read_back(dialect: Dialect, count: int) -> None:
    for threshold in {1, count - (count - 1) // 3, count}:
        script = build_verification(dialect, threshold, KEYS[:count])
        assert parse_verification(dialect, script) == Multisig(threshold, KEYS[:count])


@pytest.mark.parametrize(("threshold", "count"), [(0, 1), (2, 1), (1, 0), (0, 0), (1, MAX_KEYS + 1)])
def test_what_cannot_be_demanded_is_not_built(dialect: Dialect, threshold: int, count: int) -> None:
    with pytest.raises(ValueError, match=f"{threshold} of {count} keys"):
        build_verification(dialect, threshold, KEYS[:count])


def test_keys_and_signatures_of_another_size_are_not_built(dialect: Dialect) -> None:
    with pytest.raises(ValueError, match="33 bytes"):
        build_verification(dialect, 1, [b"\x04" * 65])
    with pytest.raises(ValueError, match="64 bytes"):
        build_invocation(dialect, [bytes(63)])


def test_every_cut_of_a_script_is_refused(dialect: Dialect) -> None:
    for count in (3, 17):
        script = build_verification(dialect, 2, KEYS[:count])
        for size in range(len(script)):
            with pytest.raises(ScriptError):
                parse_verification(dialect, script[:size])


def test_nothing_may_follow_a_script(dialect: Dialect) -> None:
    script = build_verification(dialect, 2, KEYS[:3])
    for more in (b"\x00", b"\x61", dialect.check):
        with pytest.raises(ScriptError, match="does not end with the check"):
            parse_verification(dialect, script + more)


def test_a_script_of_the_other_generation_is_refused() -> None:
    for dialect, other in ((LEGACY, N3), (N3, LEGACY)):
        with pytest.raises(ScriptError):
            parse_verification(dialect, build_verification(other, 1, KEYS[:1]))


def test_counts_that_do_not_fit_are_refused(dialect: Dialect) -> None:
    def script(threshold: int, keys: int, count: int) -> bytes:
        pushes = b"".join(dialect.push_key + key for key in KEYS[:keys])
        return bytes([dialect.push_0 + threshold]) + pushes + bytes([dialect.push_0 + count]) + dialect.check

    parse_verification(dialect, script(2, 3, 3))
    for case, complaint in {
        (2, 3, 4): "says 4 keys and has 3",
        (2, 3, 2): "says 2 keys and has 3",
        (4, 3, 3): "4 signatures of 3 keys",
        (1, 0, 0): "no number",
    }.items():
        with pytest.raises(ScriptError, match=complaint):
            parse_verification(dialect, script(*case))


def test_a_number_in_a_longer_form_is_refused(dialect: Dialect) -> None:
    good = build_verification(dialect, 1, KEYS[:1])
    short = bytes([dialect.push_0 + 1])
    for long in (dialect.push_byte + b"\x01", dialect.push_two_bytes + b"\x01\x00"):
        for bad in (long + good[1:], good.removesuffix(short + dialect.check) + long + dialect.check):
            with pytest.raises(ScriptError, match="not in its shortest form"):
                parse_verification(dialect, bad)


def test_a_negative_number_is_refused(dialect: Dialect) -> None:
    """In one byte the machine reads 0x80 as -128."""
    script = build_verification(dialect, 128, KEYS[:128])
    with pytest.raises(ScriptError, match="not in its shortest form"):
        parse_verification(dialect, script.replace(dialect.push_two_bytes + b"\x80\x00", dialect.push_byte + b"\x80"))


def test_more_keys_than_there_may_be_are_refused(dialect: Dialect) -> None:
    script = build_verification(dialect, 1, KEYS[:MAX_KEYS])
    at = script.index(dialect.push_key)
    with pytest.raises(ScriptError, match="more than 1024 keys"):
        parse_verification(dialect, script[:at] + dialect.push_key + KEYS[0] + script[at:])


def test_signatures_are_read_back(dialect: Dialect) -> None:
    for count in range(6):
        script = build_invocation(dialect, SIGNATURES[:count])
        assert parse_invocation(dialect, script, count) == SIGNATURES[:count]


def test_one_signature_more_or_less_is_refused(dialect: Dialect) -> None:
    script = build_invocation(dialect, SIGNATURES[:3])
    for count in (2, 4):
        with pytest.raises(ScriptError, match=f"{count} signatures are"):
            parse_invocation(dialect, script, count)
    for torn in (script[:-1], script + b"\x00"):
        with pytest.raises(ScriptError, match="3 signatures are"):
            parse_invocation(dialect, torn, 3)


def test_anything_but_signatures_is_refused(dialect: Dialect) -> None:
    script = build_invocation(dialect, SIGNATURES[:3])
    step = len(script) // 3
    for at in range(0, len(script), step):
        for offset in range(len(dialect.push_signature)):
            other = bytearray(script)
            other[at + offset] ^= 1
            with pytest.raises(ScriptError, match="something else than signatures"):
                parse_invocation(dialect, bytes(other), 3)
