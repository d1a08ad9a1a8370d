from __future__ import annotations

import pytest

from headway.networks.dbft.consensus import consensus_script, next_consensus, point, sorted_keys, threshold
from headway.networks.dbft.script import LEGACY, N3, Dialect
from tests.neodata import vectors

G = bytes.fromhex("036b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296")
"""The curve's base point, whose coordinates stand in its standard (SEC 2)."""


def test_all_but_the_third_that_may_be_faulty_must_sign() -> None:
    assert {count: threshold(count) for count in (1, 2, 3, 4, 5, 6, 7, 10, 21, 1024)} == {
        1: 1,
        2: 2,
        3: 3,
        4: 3,
        5: 4,
        6: 5,
        7: 5,
        10: 7,
        21: 15,
        1024: 683,
    }


def test_a_compressed_key_gives_its_point() -> None:
    x = 0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296
    y = 0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5
    p = 2**256 - 2**224 + 2**192 + 2**96 - 1
    assert point(G) == (x, y)
    assert point(b"\x02" + G[1:]) == (x, p - y)


@pytest.mark.parametrize(
    "key",
    [
        b"",
        b"\x00",
        G[:-1],
        G + b"\x00",
        b"\x04" + G[1:],
        b"\x00" + G[1:],
        b"\x02" + b"\xff" * 32,
        b"\x02" + bytes(31) + b"\x01",
    ],
)
def test_bytes_that_are_no_point_are_refused(key: bytes) -> None:
    with pytest.raises(ValueError, match="not a"):
        point(key)


def test_keys_are_sorted_by_x_then_by_y_and_not_as_bytes() -> None:
    """Of the two keys with the X of the base point, the one that begins with 03 has the smaller Y."""
    mirrored = b"\x02" + G[1:]
    small = next(key for n in range(1, 99) if _is_point(key := b"\x03" + n.to_bytes(32, "big")))
    assert sorted_keys([mirrored, G, small]) == (small, G, mirrored)
    assert sorted([mirrored, G, small]) == [mirrored, small, G]


def _is_point(key: bytes) -> bool:
    try:
        return point(key) is not None
    except ValueError:
        return False


@pytest.mark.parametrize(("generation", "dialect"), [("legacy", LEGACY), ("n3", N3)])
def test_scripts_and_hashes_of_known_validators(generation: str, dialect: Dialect) -> None:
    for network in vectors(generation)["networks"].values():
        committee = network.get("standby_validators") or network["standby_committee"]
        keys = [bytes.fromhex(key) for key in committee[: network.get("validators_count", len(committee))]]
        for order in (keys, keys[::-1]):
            assert consensus_script(dialect, order).hex() == network["verification_script"]
            assert next_consensus(dialect, order).hex() == network["next_consensus_le"]
