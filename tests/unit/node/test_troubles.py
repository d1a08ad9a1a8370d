"""Which addresses failed."""

from __future__ import annotations

from headway.node.entry import Entry
from headway.node.troubles import GIVE_UP_AFTER, Troubles
from headway.types import Address


def test_those_that_failed_often_or_are_discouraged_are_given_up_until_all_is_well() -> None:
    troubles = Troubles()
    entries = [Entry(Address(f"8.8.8.{n}", 1)) for n in range(3)]
    failing, bad, fine = entries
    counts = []
    for failures in range(1, GIVE_UP_AFTER + 2):
        failing.failures = failures
        troubles.note(failing, f"refused {failures}")
        counts.append(troubles.given_up)
    bad.discouraged = True
    troubles.note(bad, "bad")
    troubles.note(fine, "closed")
    assert (counts, troubles.given_up) == ([0, 0, 1, 1], 2)
    assert troubles.last_errors(2) == ["8.8.8.0:1: refused 4", "8.8.8.1:1: bad"]
    failing.failures = 0
    troubles.note(failing, "")
    assert (troubles.given_up, failing.last_error) == (1, "")
    troubles.forget(bad)
    troubles.forget(bad)
    assert (troubles.given_up, troubles.last_errors(5)) == (0, ["8.8.8.2:1: closed"])
