"""Messages are known by their commands."""

from __future__ import annotations

from headway.wire.messages import Unknown, Verack


def test_every_message_names_its_command() -> None:
    assert (Verack().command, Unknown("sendshrimps", b"").command) == ("verack", "sendshrimps")
