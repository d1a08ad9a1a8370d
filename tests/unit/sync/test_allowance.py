"""How much one peer may owe: it follows bandwidth times delay."""

from __future__ import annotations

import heapq
import itertools

import pytest

from headway.sync.allowance import LEAST, START, SUPPLY, Allowance

SIZE = 1_000


class Line:
    """A peer that answers in order, `rate` blocks a second after `delay`, and is asked for whatever it may owe."""

    def __init__(self, delay: float, rate: float, most: int = 1_024) -> None:
        self.allowance = Allowance(most)
        self.delay, self.rate = delay, rate
        self.now = 0.0
        self.free_at = 0.0
        self.next = 0
        self.coming: list[tuple[float, int]] = []

    def ask(self) -> None:
        count = int(self.allowance.limit) - self.allowance.owed
        if self.allowance.owed > self.allowance.limit // 2 or count <= 0:
            return
        positions = range(self.next, self.next + count)
        self.allowance.ask(positions, self.now)
        self.next += count
        for position in positions:
            self.free_at = max(self.free_at, self.now + self.delay) + 1 / self.rate
            heapq.heappush(self.coming, (self.free_at, position))

    def run(self, seconds: float) -> int:
        """Let time pass; returns how many blocks came."""
        end, count = self.now + seconds, 0
        self.ask()
        while self.coming[0][0] <= end:
            self.now, position = heapq.heappop(self.coming)
            self.allowance.take(position, SIZE, SIZE, self.now)
            count += 1
            self.ask()
        self.now = end
        return count


def test_it_begins_with_sixteen_and_never_exceeds_what_the_network_allows() -> None:
    assert Allowance(1_024).limit == START == 16
    assert Allowance(5).limit == 5
    line = Line(delay=0.01, rate=1e6, most=100)
    line.run(2.0)
    assert line.allowance.limit == 100


def test_on_a_long_line_it_doubles_in_each_round_trip() -> None:
    line = Line(delay=6.0, rate=1e6)
    seen = []
    for _ in range(6):
        line.run(6.1)
        seen.append(line.allowance.limit)
    assert seen == sorted(seen)
    assert all(1.5 <= later / earlier <= 2.5 for earlier, later in itertools.pairwise(seen))
    assert line.run(60.0) > 0.7 * 1_024 * 10


@pytest.mark.parametrize(("delay", "rate"), [(0.05, 50.0), (0.05, 5.0), (0.5, 100.0), (3.0, 20.0), (0.001, 400.0)])
def test_it_settles_at_bandwidth_times_delay_and_a_supply(delay: float, rate: float) -> None:
    line = Line(delay, rate)
    line.run(200.0)
    supply = max(SUPPLY, delay + 1 / rate)
    assert line.allowance.delay == pytest.approx(delay + 1 / rate, rel=0.2)
    assert line.allowance.limit == pytest.approx(rate * (delay + supply), rel=0.35, abs=2)
    assert line.run(100.0) == pytest.approx(100.0 * rate, rel=0.05)  # the line is never idle


def test_on_a_line_that_is_slow_for_its_blocks_two_are_out() -> None:
    line = Line(delay=0.05, rate=0.05)
    line.run(2_000.0)
    assert line.allowance.limit == pytest.approx(LEAST, abs=1)
    assert line.run(200.0) == pytest.approx(10, abs=1)


def test_it_follows_a_line_that_changes() -> None:
    line = Line(delay=0.05, rate=200.0)
    line.run(60.0)
    fast = line.allowance.limit
    line.rate = 10.0
    line.run(120.0)
    slow = line.allowance.limit
    assert slow < fast / 8
    line.rate = 200.0
    line.run(60.0)
    assert line.allowance.limit > fast / 2


def test_one_block_now_and_then_does_not_make_it_grow_or_shrink() -> None:
    allowance = Allowance(1_024)
    for number in range(200):
        allowance.ask([number], float(number))
        allowance.take(number, SIZE, SIZE, number + 0.5)
    assert allowance.limit == START
    assert allowance.delay == pytest.approx(0.5)


def test_large_blocks_are_counted_by_their_bytes() -> None:
    """A line of 100 kB a second with blocks of 10 kB, where blocks of late have 1 kB."""
    allowance = Allowance(1_024)
    allowance.limit = 500.0
    allowance.ask(range(16), 0.0)
    for number in range(16):
        allowance.take(number, 10_000, 1_000.0, 0.3 * (number + 1))
    assert allowance.limit == pytest.approx(10_000 / 0.3 * (0.3 + SUPPLY) / 1_000, rel=0.1)


def test_what_it_owes_is_known_in_its_order() -> None:
    allowance = Allowance(1_024)
    allowance.ask([5, 3, 9], 1.0)
    assert (allowance.owed, allowance.positions()) == (3, (5, 3, 9))
    assert allowance.owes(3)
    assert not allowance.owes(4)
    allowance.forget(3, 2.0)
    allowance.forget(77, 2.0)
    assert allowance.positions() == (5, 9)


def test_a_block_that_was_not_asked_of_it_says_nothing_of_it() -> None:
    allowance = Allowance(1_024)
    allowance.take(1, SIZE, SIZE, 5.0)
    assert (allowance.limit, allowance.delay) == (START, None)


def test_time_counts_from_the_question_or_from_its_turn_and_not_from_what_comes_out_of_turn() -> None:
    allowance = Allowance(1_024)
    allowance.ask([1, 2, 3], 10.0)
    assert allowance.since(2) == 10.0
    allowance.take(3, SIZE, SIZE, 12.0)
    assert allowance.since(1) == 10.0
    allowance.take(1, SIZE, SIZE, 13.0)
    assert allowance.since(2) == 13.0
    allowance.ask([4], 20.0)
    assert allowance.since(4) == 20.0
    allowance.forget(2, 21.0)
    assert allowance.since(4) == 21.0


def test_who_holds_everybody_up_is_halved_once_in_its_time_and_then_grows_slowly() -> None:
    line = Line(delay=1.0, rate=1e6)
    line.run(5.1)
    before = line.allowance.limit
    for at in (5.2, 5.3, 6.1):
        line.allowance.cut(at)
    assert line.allowance.limit == before / 2
    line.allowance.cut(6.3)
    assert line.allowance.limit == before / 4
    line.run(1.1)
    assert before / 4 < line.allowance.limit <= before / 4 + 5


def test_it_is_never_cut_below_two() -> None:
    allowance = Allowance(1_024)
    for number in range(20):
        allowance.cut(number * SUPPLY)
    assert allowance.limit == LEAST
