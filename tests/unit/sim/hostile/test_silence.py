"""Actors that keep us waiting: what each of them still says, and what it does not."""

from __future__ import annotations

import pytest

from headway.sim.hostile.silence import Dribbler, Mute, Silent, Staller, Tarpit, Trickler, Unreading, Unshaken
from headway.sim.scenario import Families
from headway.wire import messages as m
from tests.meeting import FAMILIES, Meeting, chain_of, seeded

pytestmark = pytest.mark.parametrize("family", FAMILIES)


def test_silent_one_says_nothing_whoever_dialled(family: Families) -> None:
    for inbound in (True, False):
        meeting = Meeting(Silent(chain_of(family), seeded()), inbound=inbound)
        assert meeting.shake() == []
        assert meeting.ask_headers() == []
        assert meeting.port.is_open


def test_unshaken_one_says_its_version_alone(family: Families) -> None:
    for inbound in (True, False):
        meeting = Meeting(Unshaken(chain_of(family), seeded()), inbound=inbound)
        assert [type(each) for each in meeting.shake()] == [m.Version]
        assert not meeting.is_answered()


def test_mute_one_shakes_hands_and_says_nothing_more(family: Families) -> None:
    meeting = Meeting(Mute(chain_of(family), seeded()))
    assert m.Verack in map(type, meeting.shake())
    assert not meeting.is_answered()
    assert meeting.ask_headers() == []


def test_unreading_one_stops_reading_after_the_handshake(family: Families) -> None:
    meeting = Meeting(Unreading(chain_of(family), seeded()))
    assert m.Verack in map(type, meeting.shake())
    assert not meeting.port.is_reading


def test_staller_gives_so_many_blocks_and_answers_all_else(family: Families) -> None:
    meeting = Meeting(Staller(chain_of(family), seeded(), after=3))
    meeting.shake()
    assert meeting.heights(meeting.ask_blocks(1, 2)) == [1, 2]
    assert meeting.heights(meeting.ask_blocks(3, 4, 5)) == [3]
    assert meeting.ask_blocks(6) == []
    assert meeting.is_answered()
    assert [len(each) for each in meeting.ask_headers() if isinstance(each, m.Headers)] == [30]


def test_trickler_gives_one_block_each_time_just_before_the_clock_runs_out(family: Families) -> None:
    meeting = Meeting(Trickler(chain_of(family), seeded(), share=0.9))
    meeting.shake()
    timeout = meeting.network.timing.batch_timeout
    assert meeting.ask_blocks(1, 2, 3) == []
    for height in (1, 2, 3):
        meeting.port.pass_time(0.89 * timeout)
        assert meeting.heard() == []
        meeting.port.pass_time(0.01 * timeout)
        assert meeting.heights(meeting.heard()) == [height]
    meeting.port.pass_time(10 * timeout)
    assert meeting.heard() == []


def test_dribbler_is_always_in_the_middle_of_a_block_and_says_nothing_else_meanwhile(family: Families) -> None:
    meeting = Meeting(Dribbler(chain_of(family), seeded(), interval=2.0, size=3))
    meeting.shake()
    assert meeting.is_answered()
    assert meeting.ask_blocks(1) == []
    assert not meeting.is_answered()
    assert meeting.ask_headers() == []
    meeting.port.take()
    meeting.port.pass_time(2.0)
    assert len(meeting.port.take()) == 3


def test_dribbler_ends_its_block_some_day(family: Families) -> None:
    meeting = Meeting(Dribbler(chain_of(family), seeded(), interval=1.0, size=100))
    meeting.shake()
    assert meeting.ask_blocks(1, 2) == []
    meeting.port.pass_time(100.0)
    assert meeting.heights(meeting.heard()) == [1, 2]
    assert meeting.is_answered()


def test_tarpit_answers_late_and_with_little(family: Families) -> None:
    meeting = Meeting(Tarpit(chain_of(family), seeded(), share=0.5, count=2))
    meeting.shake()
    assert meeting.ask_headers(4) == []
    meeting.port.pass_time(0.49 * meeting.network.timing.headers_timeout)
    assert meeting.heard() == []
    meeting.port.pass_time(0.02 * meeting.network.timing.headers_timeout)
    (headers,) = meeting.heard()
    assert isinstance(headers, m.Headers)
    assert [header.hash for header in headers] == list(meeting.chain.hashes[5:7])
    assert not meeting.is_answered()
