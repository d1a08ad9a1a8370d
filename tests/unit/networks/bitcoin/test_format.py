"""The format of commands that say all by themselves."""

from __future__ import annotations

from headway.network import Limits
from headway.networks.bitcoin.format import empty
from headway.wire.messages import GetAddr


def test_an_empty_command_is_always_the_same_message_and_has_no_bytes() -> None:
    known = empty(GetAddr())
    assert known.decode(b"ignored", Limits()) == GetAddr()
    assert known.encode(GetAddr(), Limits()) == []
