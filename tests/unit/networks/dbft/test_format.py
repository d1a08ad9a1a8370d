from __future__ import annotations

from headway.networks.dbft.format import empty
from headway.wire.messages import Verack
from tests.neomessages import LIMITS


def test_an_empty_command_reads_any_payload_and_writes_none() -> None:
    format_ = empty(Verack())
    assert format_.decode(b"ignored", LIMITS) == Verack()
    assert format_.encode(Verack(), LIMITS) == []
