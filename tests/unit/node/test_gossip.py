"""How many addresses a peer may tell us (conformance test 39, the receiving side)."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from headway.node.gossip import MAX_TOKENS, PENALTY, RATE, UNKNOWN_AGE, AddressAllowance, as_told
from headway.types import Address

ADDRESSES = [Address(f"8.{n >> 8}.{n & 255}.1", 8333) for n in range(1_000)]


def heard(allowance: AddressAllowance, count: int, now: float) -> int:
    return len(allowance.admit(ADDRESSES[:count], random.Random(1), now))


def test_the_first_address_is_heard_and_then_one_in_ten_seconds() -> None:
    allowance = AddressAllowance(100.0)
    assert [heard(allowance, 1_000, now) for now in (100.0, 100.0, 109.9, 110.1, 130.2)] == [1, 0, 0, 1, 2]


def test_an_answer_to_our_question_comes_on_top() -> None:
    allowance = AddressAllowance(0.0)
    allowance.asked()
    assert [heard(allowance, 1_000, 0.0), heard(allowance, 1_000, 0.0), heard(allowance, 1_000, 0.0)] == [1_000, 1, 0]


def test_waiting_saves_a_thousand_and_no_more() -> None:
    allowance = AddressAllowance(0.0)
    assert heard(allowance, 1_000, 1e9) == MAX_TOKENS
    assert heard(allowance, 1_000, 1e9) == 0
    allowance.asked()
    assert heard(allowance, 500, 2e9) == 500  # with the question's thousand it is full: waiting adds nothing
    assert heard(allowance, 1_000, 2e9) == 500


def test_a_clock_that_goes_back_gives_nothing() -> None:
    allowance = AddressAllowance(100.0)
    heard(allowance, 1, 100.0)
    assert heard(allowance, 1_000, 50.0) == 0


def test_which_of_a_flood_are_heard_is_left_to_chance() -> None:
    chosen = set()
    for seed in range(50):
        allowance = AddressAllowance(0.0)
        chosen.update(allowance.admit(ADDRESSES[:20], random.Random(seed), 0.0))
    assert len(chosen) > 10


@given(st.lists(st.tuples(st.floats(0, 5_000), st.integers(0, 1_000), st.booleans()), max_size=30))
def test_nobody_is_ever_heard_more_than_time_and_questions_allow(story: list[tuple[float, int, bool]]) -> None:
    allowance, now, total, questions = AddressAllowance(0.0), 0.0, 0, 0
    for seconds, count, asks in story:
        now += seconds
        if asks:
            allowance.asked()
            questions += 1
        got = heard(allowance, count, now)
        assert got <= count
        total += got
    assert total <= 1 + RATE * now + MAX_TOKENS * questions + 1e-6


def test_what_is_told_of_others_is_made_older_and_what_cannot_be_is_not_believed() -> None:
    wall, teller = 1_700_000_000, Address("9.9.9.9", 50_000)
    ages = {}
    for host, seen in (("8.8.8.8", wall - 100), ("8.8.8.8", 0), ("8.8.8.8", wall + 601), ("9.9.9.9", wall - 100)):
        told = as_told(Address(host, 8333, 9, seen), teller, wall)
        assert (told, told.services) == (Address(host, 8333), 9)
        ages[host, seen] = wall - told.last_seen
    assert list(ages.values()) == [100 + PENALTY, UNKNOWN_AGE + PENALTY, UNKNOWN_AGE + PENALTY, 100]
    assert as_told(Address("8.8.8.8", 1), teller, 0.0).last_seen == 1  # 0 would mean that nobody said when
