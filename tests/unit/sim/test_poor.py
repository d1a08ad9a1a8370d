"""Honest peers that are hard to live with: what they do otherwise, and that it is the truth all the same."""

from __future__ import annotations

import pytest

from headway.sim.poor import Backwards, Chopped, InvOnly, Pruned, Slow, Taciturn, Unannouncing
from headway.sim.scenario import Families
from headway.wire import messages as m
from tests.meeting import FAMILIES, Meeting, chain_of, seeded

pytestmark = pytest.mark.parametrize("family", FAMILIES)


def test_slow_one_answers_after_a_while_one_question_after_another(family: Families) -> None:
    meeting = Meeting(Slow(chain_of(family), seeded(), delay=(1.0, 1.0)))
    assert m.Verack in map(type, meeting.shake())
    assert meeting.ask_headers() == []
    assert not meeting.is_answered()
    meeting.port.pass_time(1.5)
    assert [type(each) for each in meeting.heard()] == [m.Headers]
    meeting.port.pass_time(1.0)
    assert [type(each) for each in meeting.heard()] == [m.Pong]


def test_taciturn_one_says_nothing_where_there_is_nothing_new(family: Families) -> None:
    meeting = Meeting(Taciturn(chain_of(family), seeded()))
    meeting.shake()
    assert meeting.ask_headers(30) == []
    assert [type(each) for each in meeting.ask_headers(29)] == [m.Headers]


def test_inv_only_one_announces_by_hash_whatever_it_was_told(family: Families) -> None:
    meeting = Meeting(InvOnly(chain_of(family), seeded(), height=20))
    meeting.shake()
    if family == "regtest":
        meeting.say(m.SendHeaders())
    meeting.actor.grow(21)
    assert meeting.heard() == [m.Inv((m.InvEntry(m.InvType.BLOCK, meeting.chain.hashes[21]),))]


def test_unannouncing_one_tells_only_who_asks(family: Families) -> None:
    meeting = Meeting(Unannouncing(chain_of(family), seeded(), height=20))
    meeting.shake()
    meeting.actor.grow(25)
    assert meeting.heard() == []
    assert [len(each) for each in meeting.ask_headers(20) if isinstance(each, m.Headers)] == [5]


def test_pruned_one_has_the_last_blocks_alone(family: Families) -> None:
    meeting = Meeting(Pruned(chain_of(family), seeded(), keeps=10))
    meeting.shake()
    assert meeting.heights(meeting.ask_blocks(1, 20)) == []
    assert meeting.heights(meeting.ask_blocks(21, 30)) == [21, 30]
    assert [len(each) for each in meeting.ask_headers() if isinstance(each, m.Headers)] == [30]


def test_backwards_one_answers_the_last_question_first(family: Families) -> None:
    meeting = Meeting(Backwards(chain_of(family), seeded()))
    meeting.shake()
    assert meeting.heights(meeting.ask_blocks(4, 5, 6)) == [6, 5, 4]


def test_chopped_words_arrive_whole(family: Families) -> None:
    actor = Chopped(chain_of(family), seeded(), pieces=(1, 7))
    meeting = Meeting(actor)
    sizes: list[int] = []
    send = meeting.port.send

    def note(data: bytes) -> None:
        sizes.append(len(data))
        send(data)

    meeting.port.send = note  # type: ignore[method-assign]
    meeting.shake()
    assert meeting.heights(meeting.ask_blocks(1, 2)) == [1, 2]
    assert max(sizes) == 7
    assert len(sizes) > 50
    actor.ended(meeting.talk)
