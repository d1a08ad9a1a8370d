from __future__ import annotations

import pytest

from headway.kernel.index import NO_PARENT, HeaderIndex


def hashes(*numbers: int) -> bytes:
    return b"".join(number.to_bytes(32, "little") for number in numbers)


@pytest.fixture
def index() -> HeaderIndex:
    """Four headers of two bytes in a line, then two on a fork after the second."""
    index = HeaderIndex(2)
    index.extend(b"aabbccdd", hashes(1, 2, 3, 4), NO_PARENT, [1, 2, 3, 4])
    index.extend(b"eeff", hashes(5, 6), 1, [10, 10])
    return index


def test_positions_are_the_order_of_arrival(index: HeaderIndex) -> None:
    assert len(index) == 6
    assert [index.find(hashes(number)) for number in range(1, 8)] == [0, 1, 2, 3, 4, 5, -1]
    assert [index.hash(position) for position in range(6)] == [hashes(number) for number in range(1, 7)]


def test_headers_are_kept_as_they_came(index: HeaderIndex) -> None:
    assert [index.raw(position) for position in range(6)] == [b"aa", b"bb", b"cc", b"dd", b"ee", b"ff"]


def test_parents_heights_and_works_follow_the_fork(index: HeaderIndex) -> None:
    assert [index.parent(position) for position in range(6)] == [-1, 0, 1, 2, 1, 4]
    assert [index.height(position) for position in range(6)] == [0, 1, 2, 3, 2, 3]
    assert [index.chainwork(position) for position in range(6)] == [1, 3, 6, 10, 13, 23]


def test_extend_gives_the_position_of_the_first(index: HeaderIndex) -> None:
    assert index.extend(b"gg", hashes(7), 5, [1]) == 6


def test_extending_by_nothing_changes_nothing(index: HeaderIndex) -> None:
    assert index.extend(b"", b"", 5, []) == 6
    assert len(index) == 6


def test_work_may_need_all_of_its_256_bits() -> None:
    index = HeaderIndex(0)
    index.extend(b"", hashes(1), NO_PARENT, [(1 << 256) - 1])
    assert index.chainwork(0) == (1 << 256) - 1


def test_records_of_size_zero_keep_no_header() -> None:
    index = HeaderIndex(0)
    index.extend(b"", hashes(1, 2), NO_PARENT, [1, 1])
    assert index.raw(1) == b""
    assert index.height(1) == 1


@pytest.mark.parametrize(
    ("raw", "run", "parent", "works"),
    [
        (b"ggg", hashes(7), 5, [1]),
        (b"gg", hashes(7)[:-1], 5, [1]),
        (b"gg", hashes(7), 5, [1, 1]),
        (b"gg", hashes(7), 6, [1]),
        (b"gg", hashes(7), -2, [1]),
        (b"gg", hashes(1), 5, [1]),
        (b"gghh", hashes(7, 7), 5, [1, 1]),
    ],
    ids=["record", "hash", "works", "parent ahead", "parent below", "known hash", "hash twice"],
)
def test_a_run_that_does_not_fit_leaves_no_trace(
    index: HeaderIndex, raw: bytes, run: bytes, parent: int, works: list[int]
) -> None:
    with pytest.raises(ValueError, match="header"):
        index.extend(raw, run, parent, works)
    assert len(index) == 6
    assert index.find(hashes(7)) == -1
