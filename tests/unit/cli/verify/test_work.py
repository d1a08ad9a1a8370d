"""Work on threads: results in order, a few items ahead, errors in their place."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from headway.cli.verify.report import Fault
from headway.cli.verify.work import _AHEAD, Workers
from headway.network import Network
from headway.networks import network_named
from tests.sealednet import SEALED, Seal

PLAIN = network_named("regtest")


def seals(count: int, *bad: int) -> list[Seal]:
    return [Seal(number, b"no" if number in bad else b"ok") for number in range(count)]


@pytest.mark.parametrize("count", [0, 1, 2, 50])
def test_proofs_that_hold_hold(count: int) -> None:
    with Workers(SEALED) as workers:
        assert workers.first_failure(seals(count)) is None


@pytest.mark.parametrize("bad", [(0,), (49,), (30, 7, 8), tuple(range(50))])
def test_of_proofs_that_fail_the_lowest_is_told(bad: tuple[int, ...]) -> None:
    with Workers(SEALED) as workers:
        assert workers.first_failure(seals(50, *bad)) == (min(bad), "a seal that says b'no'")


def numbers(count: int, taken: list[int], *, then: Exception | None = None) -> Iterator[int]:
    for number in range(count):
        taken.append(number)
        yield number
    if then:
        raise then


@pytest.mark.parametrize("network", [PLAIN, SEALED], ids=["plain", "sealed"])
def test_results_come_in_order_and_a_fault_of_the_reader_after_them(network: Network) -> None:
    with Workers(network) as workers:
        assert list(workers.in_order(lambda number: number * number, numbers(100, []))) == [n * n for n in range(100)]
        results = workers.in_order(lambda number: -number, numbers(20, [], then=Fault("truncated")))
        assert [next(results) for _ in range(20)] == [-n for n in range(20)]
        with pytest.raises(Fault, match="truncated"):
            next(results)


def test_no_more_is_read_ahead_than_a_few_items() -> None:
    taken: list[int] = []
    with Workers(SEALED) as workers:
        results = workers.in_order(str, numbers(1_000, taken))
        assert next(results) == "0"
        assert len(taken) == _AHEAD + 1
        results.close()  # type: ignore[attr-defined]  # it is a generator
    assert len(taken) == _AHEAD + 1


def test_a_chain_without_proofs_has_no_threads() -> None:
    taken: list[int] = []
    workers = Workers(PLAIN)
    results = workers.in_order(lambda _: threading.current_thread(), numbers(9, taken))
    assert next(results) is threading.current_thread()
    assert taken == [0], "one at a time"
    assert set(results) == {threading.current_thread()}


def test_what_fails_in_the_work_fails_where_its_result_is_wanted() -> None:
    with Workers(SEALED) as workers:
        results = workers.in_order(lambda number: 1 // (number - 3), numbers(9, []))
        assert [next(results) for _ in range(3)] == [-1, -1, -1]
        with pytest.raises(ZeroDivisionError):
            next(results)
