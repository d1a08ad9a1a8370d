"""One host is dialled a few times a minute."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from headway.node.pace import MAX_DIALS, MAX_HOSTS, WINDOW, HostPace


@given(st.lists(st.tuples(st.sampled_from("abc"), st.floats(0, 30)), max_size=60))
def test_no_host_is_dialled_more_often_than_it_may_be(wishes: list[tuple[str, float]]) -> None:
    pace, now = HostPace(), 0.0
    dialled: dict[str, list[float]] = {}
    for host, seconds in wishes:
        now += seconds
        recent = [at for at in dialled.get(host, []) if now - at < WINDOW]
        assert pace.allows(host, now) == (len(recent) < MAX_DIALS)
        if pace.allows(host, now):
            pace.note(host, now)
            dialled.setdefault(host, []).append(now)


def test_hosts_that_were_dialled_long_ago_are_forgotten() -> None:
    pace = HostPace()
    for number in range(100):
        pace.note(str(number), 0.0)
    for number in range(100):
        pace.note("again", WINDOW + number)
    assert set(pace._dials) == {"again"}


def test_the_hosts_remembered_are_bounded() -> None:
    pace = HostPace()
    for number in range(MAX_HOSTS + 500):
        pace.note(str(number), 0.0)
    assert len(pace._dials) == MAX_HOSTS
