"""Who is due: the lists and the heap against a look at everybody."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from headway.node.entry import Entry
from headway.node.rota import SLACK, Rota
from headway.types import Address, Net

NETS = (Net.IPV4, Net.IPV6)


def entries(count: int) -> list[Entry]:
    return [Entry(Address(f"8.8.8.{n}" if n % 3 else f"2a01::{n:x}", 1), wanted=1 + n % 2) for n in range(1, count + 1)]


def test_who_waits_is_due_when_its_time_has_come() -> None:
    rota, (one, other) = Rota(), entries(2)
    one.next_try_at, other.next_try_at = 5.0, 3.0
    rota.update(one)
    rota.update(other)
    assert rota.next_due(NETS) == 3.0
    rota.wake(2.999)
    assert rota.pick(random.Random(1), NETS) is None
    rota.wake(3.0)
    assert rota.pick(random.Random(1), NETS) is other
    assert rota.next_due(NETS) == 0.0


def test_who_has_all_its_connections_is_neither_idle_nor_due() -> None:
    rota, (one,) = Rota(), entries(1)
    rota.update(one)
    one.in_use = 2
    rota.update(one)
    assert rota.next_due(NETS) is None
    one.in_use = 1
    rota.update(one)
    assert rota.idle(NETS) == 1


def test_networks_are_asked_for_one_by_one() -> None:
    rota, all_of_them = Rota(), entries(9)
    for entry in all_of_them:
        rota.update(entry)
    assert [rota.idle(nets) for nets in ((Net.IPV4,), (Net.IPV6,), NETS, (Net.ONION,), ())] == [6, 3, 9, 0, 0]
    rng = random.Random(1)
    assert {rota.pick(rng, (Net.IPV6,)) for _ in range(100)} == {e for e in all_of_them if e.net is Net.IPV6}
    assert {rota.pick(rng, NETS) for _ in range(500)} == set(all_of_them)


def test_an_entry_that_waits_again_and_again_does_not_fill_the_heap() -> None:
    rota, few = Rota(), entries(3)
    for number in range(10_000):
        entry = few[number % 3]
        entry.next_try_at = 1.0 + number
        rota.update(entry)
        assert len(rota._resting) <= 2 * 3 + SLACK + 1
    assert rota.next_due(NETS) == 9_998.0


@given(
    st.lists(
        st.tuples(st.integers(0, 6), st.sampled_from(["use", "release", "wait", "wake", "forget"]), st.integers(0, 9))
    ),
    st.randoms(use_true_random=False),
)
def test_the_rota_agrees_with_a_look_at_everybody(story: list[tuple[int, str, int]], rng: random.Random) -> None:
    rota, everybody, now = Rota(), entries(7), 0.0
    for entry in everybody:
        rota.update(entry)
    for number, what, seconds in story:
        entry = everybody[number]
        if what == "use" and not entry.is_full:
            entry.in_use += 1
        elif what == "release" and entry.in_use:
            entry.in_use -= 1
        elif what == "wait":
            entry.next_try_at = now + seconds
        elif what == "forget":
            entry.wanted = 0
        else:
            now += seconds
        rota.wake(now)
        rota.update(entry)
        may = [each for each in everybody if not each.is_full]
        due = [each for each in may if each.next_try_at <= now]
        assert rota.idle(NETS) == len(due)
        picked = rota.pick(rng, NETS)
        assert picked in due if due else picked is None
        expected = 0.0 if due else min((each.next_try_at for each in may), default=None)
        assert rota.next_due(NETS) == expected


def test_whoever_failed_waits_no_longer_than_that_once_we_hurry_and_the_discouraged_do() -> None:
    rota, all_of_them = Rota(), entries(4)
    failed, bad, soon, patient = all_of_them
    for entry, at in zip(all_of_them, (3_600.0, 86_400.0, 5.0, 1_000.0), strict=True):
        entry.next_try_at, entry.failures = at, entry is not patient
        rota.update(entry)
    bad.discouraged = True
    rota.hurry(60.0, 0.0, random.Random(1))
    assert failed.next_try_at <= 60.0
    assert (bad.next_try_at, soon.next_try_at, patient.next_try_at) == (86_400.0, 5.0, 1_000.0)
    rota.wake(60.0)
    assert rota.idle(NETS) == 2


def test_of_those_who_wait_the_next_of_these_networks_is_due_at_once() -> None:
    rota, (one, other, third) = Rota(), entries(3)  # the third is of IPv6
    one.next_try_at, other.next_try_at, third.next_try_at = 50.0, 40.0, 30.0
    for entry in (one, other, third):
        rota.update(entry)
    rota.hurry_one(10.0, (Net.IPV4,))
    assert rota.pick(random.Random(1), NETS) is other
    assert rota.next_due(()) == 30.0
    rota.hurry_one(10.0, (Net.ONION,))
    assert rota.idle(NETS) == 1


def test_a_search_finds_the_few_who_suit_among_those_who_may_be_dialled() -> None:
    rota, everybody = Rota(), entries(30)
    for entry in everybody:
        rota.update(entry)
    assert rota.search(random.Random(1), lambda entry: entry is everybody[7], NETS) is everybody[7]
    assert rota.search(random.Random(1), lambda _entry: False, NETS) is None
    assert rota.search(random.Random(1), lambda _entry: True, ()) is None
