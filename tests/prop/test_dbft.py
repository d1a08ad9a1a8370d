"""Any multisignature script is read back as it was built; any other bytes are refused, or are the very same script."""

from __future__ import annotations

import hypothesis.strategies as st
from hypothesis import given

from headway.networks.dbft.address import address_of, script_hash_from
from headway.networks.dbft.hash160 import plain_ripemd160, ripemd160
from headway.networks.dbft.script import (
    LEGACY,
    N3,
    Dialect,
    ScriptError,
    build_invocation,
    build_verification,
    parse_invocation,
    parse_verification,
)
from headway.networks.dbft.witness import check_witness, der

dialects = st.sampled_from([LEGACY, N3])
keys = st.binary(min_size=33, max_size=33)


@st.composite
def demands(draw: st.DrawFn) -> tuple[int, list[bytes]]:
    chosen = draw(st.lists(keys, min_size=1, max_size=24))
    return draw(st.integers(1, len(chosen))), chosen


@given(dialects, demands())
def test_what_is_built_is_read_back(dialect: Dialect, demand: tuple[int, list[bytes]]) -> None:
    script = build_verification(dialect, *demand)
    assert parse_verification(dialect, script) == (demand[0], tuple(demand[1]))


@given(dialects, demands(), st.data())
def test_a_changed_script_is_refused_or_demands_something_else(
    dialect: Dialect, demand: tuple[int, list[bytes]], data: st.DataObject
) -> None:
    script = bytearray(build_verification(dialect, *demand))
    at = data.draw(st.integers(0, len(script) - 1))
    script[at] ^= data.draw(st.integers(1, 255))
    try:
        read = parse_verification(dialect, bytes(script))
    except ScriptError:
        return
    assert build_verification(dialect, read.threshold, read.keys) == script
    assert (read.threshold, list(read.keys)) != demand


@given(dialects, st.binary(max_size=200))
def test_garbage_is_refused_and_never_raises_anything_else(dialect: Dialect, garbage: bytes) -> None:
    try:
        read = parse_verification(dialect, garbage)
    except ScriptError:
        pass
    else:
        assert build_verification(dialect, read.threshold, read.keys) == garbage
    assert check_witness(dialect, garbage, garbage, bytes(32)) != ""


@given(dialects, st.lists(st.binary(min_size=64, max_size=64), max_size=24))
def test_signatures_are_read_back(dialect: Dialect, signatures: list[bytes]) -> None:
    script = build_invocation(dialect, signatures)
    assert parse_invocation(dialect, script, len(signatures)) == tuple(signatures)


@given(dialects, st.binary(max_size=300), st.integers(0, 5))
def test_any_invocation_is_refused_or_is_the_one_of_its_signatures(dialect: Dialect, script: bytes, count: int) -> None:
    try:
        signatures = parse_invocation(dialect, script, count)
    except ScriptError:
        return
    assert (len(signatures), build_invocation(dialect, signatures)) == (count, script)


@given(st.integers(0, 2**256 - 1), st.integers(0, 2**256 - 1))
def test_the_encoding_of_a_signature_is_the_library_s(r: int, s: int) -> None:
    from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature  # noqa: PLC0415  as `witness` does

    assert der(r.to_bytes(32, "big") + s.to_bytes(32, "big")) == encode_dss_signature(r, s)


@given(st.binary(min_size=20, max_size=20), st.sampled_from([23, 53]))
def test_every_address_is_read_back(script_hash: bytes, version: int) -> None:
    assert script_hash_from(address_of(script_hash, version), version) == script_hash
    assert script_hash_from(script_hash[::-1].hex(), version) == script_hash


@given(st.binary(max_size=300))
def test_both_twins_of_ripemd160_agree(data: bytes) -> None:
    assert plain_ripemd160(data) == ripemd160(data)
