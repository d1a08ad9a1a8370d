"""Buckets: Core's numbers for Core's examples, and what a group can reach."""

from __future__ import annotations

import random
from collections import Counter
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway.node.buckets import (
    BUCKET_SIZE,
    NEW_BUCKETS,
    NEW_BUCKETS_PER_SOURCE_GROUP,
    TRIED_BUCKETS,
    TRIED_BUCKETS_PER_GROUP,
    Table,
    address_key,
    new_bucket,
    place_in,
    tried_bucket,
)
from headway.types import Address


def key(number: int) -> bytes:
    """The keys of Core's tests: sha256d of an int."""
    return sha256(sha256(number.to_bytes(4, "little")).digest()).digest()


def group(*data: int) -> bytes:
    return bytes((1, *data))


AS_1000 = b"\x02" + (1000).to_bytes(4, "little")

# The numbers of src/test/addrman_tests.cpp (caddrinfo_get_tried_bucket, caddrinfo_get_new_bucket, and _legacy of both).


@pytest.mark.parametrize(("of", "bucket"), [(group(250, 1), 40), (AS_1000, 236)])
def test_tried_buckets_are_cores(of: bytes, bucket: int) -> None:
    assert tried_bucket(key(1), address_key(Address("250.1.1.1", 8333)), of) == bucket
    assert tried_bucket(key(2), address_key(Address("250.1.1.1", 8333)), of) != bucket
    assert tried_bucket(key(1), address_key(Address("250.1.1.1", 9999)), of) != bucket


@pytest.mark.parametrize(("of", "bucket"), [(group(250, 1), 786), (AS_1000, 795)])
def test_new_buckets_are_cores(of: bytes, bucket: int) -> None:
    assert new_bucket(key(1), of, of) == bucket
    assert new_bucket(key(2), of, of) != bucket


def test_the_tried_addresses_of_a_group_are_spread_over_eight_buckets_and_those_of_many_over_most() -> None:
    hosts = [f"250.1.1.{number}" for number in range(255)]
    of_one = {tried_bucket(key(1), address_key(Address(host, 0)), group(250, 1)) for host in hosts}
    assert len(of_one) == TRIED_BUCKETS_PER_GROUP
    many = [(f"250.{number}.1.1", group(250, number)) for number in range(255)]
    of_many = {tried_bucket(key(1), address_key(Address(host, 0)), of) for host, of in many}
    assert len(of_many) == 160  # the number of Core's test, whose addresses have no port


def test_a_source_reaches_at_most_sixty_four_buckets_and_one_for_each_group_that_it_tells_of() -> None:
    source = group(251, 4)
    told = {new_bucket(key(1), group(250 + number // 255, number % 256), source) for number in range(4 * 255)}
    assert 32 < len(told) <= NEW_BUCKETS_PER_SOURCE_GROUP
    sources = {new_bucket(key(1), group(250, 1), group(250, number)) for number in range(255)}
    assert len(sources) > NEW_BUCKETS_PER_SOURCE_GROUP


def test_another_turn_is_another_bucket_of_the_same_source() -> None:
    source = group(251, 4)
    own = {new_bucket(key(1), group(number >> 8, number & 255), source) for number in range(2_000)}
    turns = [new_bucket(key(1), group(250, 1), source, turn) for turn in range(8)]
    assert turns[0] == new_bucket(key(1), group(250, 1), source)
    assert len(set(turns)) > 4
    assert set(turns) <= own


@given(st.binary(min_size=32, max_size=32), st.integers(0, 255), st.booleans())
def test_a_place_lies_in_its_bucket(secret: bytes, bucket: int, tried: bool) -> None:
    place = place_in(secret, bucket, address_key(Address("1.2.3.4", 5)), tried=tried)
    assert place // BUCKET_SIZE == bucket


def test_the_key_of_an_address_holds_its_port_and_names_have_one_too() -> None:
    assert address_key(Address("1.2.3.4", 0x1234)) == bytes(10) + b"\xff\xff\1\2\3\4\x12\x34"
    assert len({address_key(Address(host, 1)) for host in ("a.example", "b.example", "\ud800", "x" * 255)}) == 4
    assert len(address_key(Address("x" * 255, 1))) == 34


# The table.


def test_draws_favour_no_bucket_for_being_full() -> None:
    table: Table[str] = Table(NEW_BUCKETS)
    for place in range(BUCKET_SIZE):
        table.put(place, "full")
    table.put(5 * BUCKET_SIZE + 7, "alone")
    rng = random.Random(1)
    drawn = Counter(table.draw(rng) for _ in range(2_000))
    assert 900 < drawn["alone"] < 1_100


def test_an_empty_table_has_nobody_to_draw() -> None:
    table: Table[str] = Table(TRIED_BUCKETS)
    assert table.draw(random.Random(1)) is None
    table.put(70, "a")
    assert table.draw(random.Random(1)) == "a"
    table.clear(70)
    assert table.draw(random.Random(1)) is None


@given(st.lists(st.integers(0, 4 * BUCKET_SIZE - 1), max_size=300), st.randoms(use_true_random=False))
def test_a_table_agrees_with_a_dict(places: list[int], rng: random.Random) -> None:
    table: Table[int] = Table(4)
    model: dict[int, int] = {}
    for number, place in enumerate(places):
        if place in model:
            table.clear(place)
            del model[place]
        else:
            table.put(place, number)
            model[place] = number
        assert len(table) == len(model)
        assert table.at(place) == model.get(place)
        drawn = table.draw(rng)
        assert drawn in model.values() if model else drawn is None
