"""What a test can wait for, and the words for it."""

from __future__ import annotations

from typing import Any

import pytest

from headway.errors import LocalProtocolError
from headway.testing.wants import matches, words
from headway.wire.messages import Headers, NotFound, Ping, Pong, Unknown, Verack


def is_seven(message: Any) -> bool:
    return getattr(message, "nonce", 0) == 7


@pytest.mark.parametrize(
    ("want", "said"),
    [
        (Pong, "pong"),
        ("pong", "pong"),
        (Pong(7), "pong"),
        (is_seven, "message for is_seven"),
        ((Verack, Pong), "verack or pong"),
        ((NotFound, ("pong", Headers)), "notfound or pong or headers"),
    ],
)
def test_every_form_knows_what_it_wants(want: Any, said: str) -> None:
    assert matches(want, Pong(7))
    assert not matches(want, Ping(8))
    assert words(want) == said


def test_an_unknown_command_is_wanted_by_its_name_or_its_class() -> None:
    message = Unknown("sendpackages", b"")
    assert matches("sendpackages", message)
    assert matches(Unknown, message)
    assert not matches(Unknown, Verack())
    assert words(Unknown) == "unknown command"


def test_a_very_message_is_another_than_its_twin() -> None:
    assert not matches(Pong(8), Pong(7))


@pytest.mark.parametrize("want", [int, 7, None, [Pong]])
def test_what_nobody_can_wait_for_is_refused(want: Any) -> None:
    with pytest.raises(LocalProtocolError):
        matches(want, Pong(7))
