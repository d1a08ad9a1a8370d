from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway.chain.best import BestChain


def chain(*runs: tuple[int, int]) -> BestChain:
    best = BestChain()
    for first, count in runs:
        best.extend(first, count)
    return best


def positions(best: BestChain) -> list[int]:
    return [best[height] for height in range(len(best))]


def test_runs_stand_on_top_of_each_other() -> None:
    best = chain((0, 3), (3, 2), (9, 2))
    assert positions(best) == [0, 1, 2, 3, 4, 9, 10]
    assert best.tip == 10


@pytest.mark.parametrize("height", [-1, 3, 100])
def test_there_is_nothing_beyond_the_ends(height: int) -> None:
    with pytest.raises(IndexError, match=f"no height {height}"):
        chain((0, 3))[height]


def test_a_chain_that_was_cut_grows_by_another_branch() -> None:
    best = chain((0, 5))
    best.cut(2)
    assert (positions(best), best.tip) == ([0, 1], 1)
    best.extend(5, 3)
    best.cut(4)
    best.extend(2, 1)
    assert positions(best) == [0, 1, 5, 6, 2]


def test_nothing_is_left_of_a_chain_cut_to_nothing() -> None:
    best = chain((0, 5), (7, 1))
    best.cut(0)
    assert len(best) == 0
    best.extend(3, 1)
    assert positions(best) == [3]


def test_headers_in_order_are_one_piece_however_they_came() -> None:
    best = chain(*((position, 1) for position in range(1_000)))
    assert len(best._heights) == 1


@given(st.lists(st.one_of(st.integers(0, 30), st.tuples(st.integers(0, 50), st.integers(1, 5))), max_size=30))
def test_it_agrees_with_a_list(steps: list[int | tuple[int, int]]) -> None:
    best, model = BestChain(), list[int]()
    for step in steps:
        if isinstance(step, tuple):
            best.extend(*step)
            model.extend(range(step[0], sum(step)))
        elif step <= len(model):
            best.cut(step)
            del model[step:]
        assert positions(best) == model
        assert not model or best.tip == model[-1]
