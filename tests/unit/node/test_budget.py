"""How many bytes of history we give away."""

from __future__ import annotations

from headway.node.budget import DAY, SHARE, UploadBudget

TARGET = 1_000_000


def test_without_a_target_nothing_is_refused() -> None:
    budget = UploadBudget(0)
    budget.note(1, 10**15, 0.0)
    assert not budget.refuses(1, 0.0)
    assert budget.spent == 10**15


def test_what_is_spent_is_refused_to_all_until_the_day_is_over() -> None:
    budget = UploadBudget(TARGET)
    for peer in range(SHARE):
        assert not budget.refuses(peer, 10.0)
        budget.note(peer, TARGET // SHARE, 10.0)
    assert budget.refuses(99, 11.0)
    assert budget.refuses(99, 10.0 + DAY - 1.0)
    assert not budget.refuses(99, 10.0 + DAY)
    assert budget.spent == 0


def test_one_peer_gets_its_share_and_no_more() -> None:
    budget = UploadBudget(TARGET)
    budget.note(1, TARGET // SHARE, 0.0)
    assert budget.refuses(1, 1.0)
    assert not budget.refuses(2, 1.0)


def test_who_comes_back_has_a_share_again_but_what_was_spent_stays_spent() -> None:
    budget = UploadBudget(TARGET)
    for _ in range(SHARE):
        assert not budget.refuses(1, 0.0)
        budget.note(1, TARGET // SHARE, 0.0)
        budget.forget(1)
    assert budget.refuses(1, 0.0)


def test_room_for_new_blocks_is_held_back_and_given_free_as_the_day_goes_by() -> None:
    budget = UploadBudget(TARGET, reserve=TARGET / DAY / 2)
    budget.note(1, 0, 0.0)
    budget.note(2, TARGET // 2, 0.0)
    assert budget.refuses(1, 0.0)
    assert not budget.refuses(1, 100.0)
    assert UploadBudget(TARGET, reserve=TARGET).refuses(1, 0.0), "the reserve is more than there is"
