"""Actors that say too much: of what, how much, and how often."""

from __future__ import annotations

from collections import Counter

import pytest

from headway.errors import CodecError
from headway.sim.hostile.floods import FLOODS, Babbler, Flooder, Greedy
from headway.sim.scenario import Families
from headway.wire import messages as m
from tests.meeting import FAMILIES, Meeting, chain_of, seeded

families = pytest.mark.parametrize("family", FAMILIES)
MESSAGES = {
    "inv": m.Inv, "tx": m.Inv, "addr": m.Addr, "ping": m.Ping, "pong": m.Pong, "unknown": m.Unknown,
    "headers": m.Headers, "block": m.Block, "getheaders": m.GetHeaders, "getdata": m.GetData, "getaddr": m.GetAddr,
    "version": m.Version,
}  # fmt: skip
OF_ENTRIES = {"inv", "tx", "addr", "headers", "getdata"}
"""Floods of one message with so many entries; the others are of so many messages."""


def entries(message: m.Message) -> int:
    match message:
        case m.Inv() | m.GetData():
            return len(message.entries)
        case m.Addr():
            return len(message.addresses)
        case m.Headers():
            return len(message)
    raise AssertionError(message)


def test_every_flood_is_tested() -> None:
    assert {*MESSAGES, "garbage"} == set(FLOODS)


@families
@pytest.mark.parametrize("what", MESSAGES)
def test_flood_comes_again_and_again_and_the_flooder_answers_besides(family: Families, what: str) -> None:
    meeting = Meeting(Flooder(chain_of(family), seeded(), what=what, count=5, interval=1.0))
    said = meeting.shake()
    before = 1 if what == "version" else 0  # the one of the handshake
    kinds = Counter(map(type, said))
    assert kinds[MESSAGES[what]] - before == (1 if what in OF_ENTRIES else 5)
    meeting.port.pass_time(2.5)
    said = meeting.heard()
    assert Counter(map(type, said)) == {MESSAGES[what]: 2 if what in OF_ENTRIES else 10}
    if what in OF_ENTRIES:
        assert [entries(each) for each in said] == [5, 5]
    assert m.Headers in map(type, meeting.ask_headers())


@families
def test_garbage_is_no_message(family: Families) -> None:
    meeting = Meeting(Flooder(chain_of(family), seeded(), what="garbage", count=500))
    with pytest.raises(CodecError):
        meeting.shake()


@families
def test_greedy_one_asks_for_all_and_reads_nothing(family: Families) -> None:
    meeting = Meeting(Greedy(chain_of(family), seeded(), interval=1.0))
    kinds = Counter(map(type, meeting.shake()))
    assert kinds[m.GetHeaders] == 10
    assert kinds[m.GetData] == 1
    assert not meeting.port.is_reading
    meeting.port.pass_time(1.5)
    assert Counter(map(type, meeting.heard()))[m.GetHeaders] == 10


@families
def test_babbler_sends_nonsense_from_the_first_moment_on(family: Families) -> None:
    meeting = Meeting(Babbler(chain_of(family), seeded()))
    with pytest.raises(CodecError):
        meeting.heard()
    meeting.port.pass_time(3.5)
    assert len(meeting.port.take()) == 3_000


def test_flooder_that_is_cut_off_falls_silent() -> None:
    meeting = Meeting(Flooder(chain_of(), seeded(), what="ping", count=1, interval=1.0))
    meeting.shake()
    meeting.hear(b"nonsense that ends the connection" * 10)
    assert not meeting.port.is_open
    meeting.port.pass_time(10.0)
    assert meeting.port.take() == b""
