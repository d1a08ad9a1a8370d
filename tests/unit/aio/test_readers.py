"""What nobody has read yet."""

from __future__ import annotations

from headway.aio.readers import Readers


def test_all_is_needed_before_anybody_came_and_nothing_once_nobody_is_to_come() -> None:
    kept: list[int | None] = []
    readers = Readers(kept.append)
    assert readers.needed == 0
    readers.none_comes()
    assert kept == [None]
    assert readers.needed is None


def test_the_slowest_reader_counts() -> None:
    kept: list[int | None] = []
    readers = Readers(kept.append)
    fast, slow = object(), object()
    readers.read_on(fast, 10)
    readers.read_on(slow, 5)
    readers.read_on(fast, 700)
    assert readers.needed == 5
    readers.read_on(slow, 6)
    assert readers.needed == 6
    readers.left(slow)
    assert readers.needed == 700
    assert kept == [10, 5, 5, 6, 700]


def test_who_left_may_go_on_where_he_was_though_others_read_nothing() -> None:
    kept: list[int | None] = []
    readers = Readers(kept.append)
    reader = object()
    readers.read_on(reader, 10)
    readers.none_comes()
    assert readers.needed == 10
    readers.left(reader)
    readers.none_comes()
    assert kept == [10, 10]
    again = object()
    readers.read_on(again, 10)
    readers.read_on(again, 30)
    assert readers.needed == 30
