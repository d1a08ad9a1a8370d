"""The map of autonomous systems: read as it was meant, or refused; never run off its end."""

from __future__ import annotations

import csv
import io
from typing import Final

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from headway.errors import ConfigError
from headway.node.asmap import MAX_BYTES, AsMap
from headway.wire.host import V4_MAPPED, locate
from tests.asmaps import trie_of, write_map
from tests.data import read

KNOWN: Final = {"00": 1, "0001": 2, "1": 0xFFFF, "10110": 3, "1011010101010101": 0x1FFFF}


@given(
    st.dictionaries(st.text("01", min_size=1, max_size=40), st.integers(1, 2**24), min_size=1, max_size=20),
    st.lists(st.integers(0, 2**128 - 1), min_size=1, max_size=5),
)
@example(KNOWN, [0b1011010101010101 << 112, 0b10110 << 123, 0b0001 << 124, 0b01 << 126])
def test_the_longest_known_prefix_of_an_address_gives_its_number(
    prefixes: dict[str, int], addresses: list[int]
) -> None:
    found = AsMap(write_map(trie_of(prefixes)))
    below = [
        int(prefix.ljust(128, "0"), 2) + address % (1 << 128 - len(prefix))
        for prefix in prefixes
        for address in addresses
    ]
    for address in (*addresses, *below):
        bits = f"{address:0128b}"
        longest = max((prefix for prefix in prefixes if bits.startswith(prefix)), key=len, default="")
        assert found.number(address.to_bytes(16, "big")) == prefixes.get(longest, 0)


@given(st.binary(max_size=60), st.integers(0, 2**128 - 1))
@example(b"", 0)
@example(bytes(3), 0)
def test_any_bytes_are_a_map_or_a_config_error(data: bytes, address: int) -> None:
    try:
        found = AsMap(data)
    except ConfigError:
        return
    assert 0 <= found.number(address.to_bytes(16, "big")) <= 2**25


@given(st.data())
def test_a_damaged_map_answers_something_or_is_refused(data: st.DataObject) -> None:
    whole = bytearray(write_map(trie_of(KNOWN)))
    whole[data.draw(st.integers(0, len(whole) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        found = AsMap(bytes(whole))
    except ConfigError:
        return
    for bits in KNOWN:
        found.number(int(bits.ljust(128, "1"), 2).to_bytes(16, "big"))


def bits(*parts: str) -> bytes:
    text = "".join(parts)
    text += "0" * (-len(text) % 8)
    return bytes(int(text[at : at + 8][::-1], 2) for at in range(0, len(text), 8))


RETURN_1 = "0" + "0" * 16
DEFAULT_1 = "111" + "0" * 16
MATCH_0 = "110" + "00"
JUMP_17 = "10" + "0" + "00000"


@pytest.mark.parametrize(
    ("program", "fault"),
    [
        (b"", "it ends without an answer"),
        (bits(DEFAULT_1, RETURN_1), "returned at once"),
        (bits(DEFAULT_1, DEFAULT_1), "two defaults"),
        (bits(MATCH_0, MATCH_0, RETURN_1), "short matches"),
        (bits(*[JUMP_17] * 3, RETURN_1), "beyond its branch"),
        (bits(JUMP_17, DEFAULT_1, MATCH_0, RETURN_1), "into the middle"),
        (bits("10" + "0" + "00001", RETURN_1, RETURN_1), "nothing leads to"),
        (bits(*["110" + "1111111" + "0" * 8] * 17, RETURN_1), "more bits than an address has"),
        (bits(RETURN_1) + b"\0", "behind its end"),
        (bits(RETURN_1)[:-1] + b"\x80", "behind its end"),
        (bits(RETURN_1)[:-1], "within an instruction"),
    ],
)
def test_what_is_wrong_with_a_map_is_said(program: bytes, fault: str) -> None:
    with pytest.raises(ConfigError, match=fault):
        AsMap(program)


def test_an_enormous_map_is_refused_unread() -> None:
    with pytest.raises(ConfigError, match="not to be believed"):
        AsMap(bytes(MAX_BYTES + 1))


def test_a_map_of_one_answer_gives_it_to_everybody() -> None:
    found = AsMap(bits(RETURN_1))
    assert found.number(bytes(16)) == found.number(b"\xff" * 16) == 1


# ------------------------------------------------------------------------------------------------------ maps of others


def test_the_small_map_of_cores_tests_is_read_as_they_say() -> None:
    """src/test/addrman_tests.cpp: 250.0.0.0/8 is AS1000, 101.N.0.0/16 is ASN for N from 1 to 8."""
    found = AsMap(read("bitcoin", "vectors", "asmap-small.raw"))
    expected = {"250.1.1.1": 1000, **{f"101.{number}.1.1": number for number in range(1, 9)}}
    assert {host: found.number(locate(host).data) for host in expected} == expected
    assert found.number(V4_MAPPED + b"\x01\x02\x03\x04") == 0


def test_cores_own_map_agrees_with_a_snapshot_of_the_network() -> None:
    """Not with all of it: the snapshot is of 2022, and prefixes move. By chance one in some thousands would agree."""
    found = AsMap(read("bitcoin", "vectors", "ip_asn.dat"))
    rows = csv.DictReader(io.StringIO(read("bitcoin", "p2p", "reachable-nodes-1663113591.csv.xz").decode()))
    said = [(row["address"], row["asn"]) for row in rows if row["asn"].startswith("AS")][::5]
    agree = sum(f"AS{found.number(locate(host).data)}" == asn for host, asn in said)
    assert len(said) > 1_000
    assert agree > 0.8 * len(said)
