"""An actor on a real connection: it hears and says what it would in the simulator, in its time, and within bounds."""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import Any

import pytest

from headway.errors import ExpectationFailed, LocalProtocolError
from headway.sim.actor import Honest, Talk
from headway.sim.hostile.floods import Babbler, Flooder
from headway.sim.hostile.handshake import Leaver, Mirror
from headway.sim.hostile.silence import Silent, Staller, Unreading
from headway.sim.poor import Chopped, Slow
from headway.sim.scenario import Families
from headway.testing.actors import ACTORS
from headway.testing.conversation import MAX_QUEUED, Closed
from headway.testing.stage import MAX_UNSENT, Seat, play
from headway.types import ZERO_HASH, BlockId
from headway.wire import messages as m
from tests.meeting import FAMILIES, chain_of, seeded
from tests.tape import BEGIN, REMOTE, THEIRS, WALL, Tape, told

CHAIN = chain_of()
ALL = m.GetHeaders((BlockId(0, CHAIN.hashes[0]),))
Happening = tuple[float, Callable[[], Any]]


def acts(tape: Tape, actor: Honest, *happenings: Happening, timeout: float = 5.0, until: Any = None) -> Closed | None:
    return told(play(tape.talk, actor, timeout, until, BEGIN), happenings)


def shakes(tape: Tape, *more: m.Message) -> Happening:
    return 0.5, lambda: tape.says(THEIRS, m.Verack(), *more)


def reads(tape: Tape) -> bool:
    return tape.talk.is_reading


def commands(tape: Tape) -> list[str]:
    return [message.command for message in tape.hears()]


@pytest.mark.parametrize("family", FAMILIES)
def test_an_honest_one_shakes_hands_and_gives_what_it_has(family: Families) -> None:
    chain = chain_of(family)
    tape = Tape(chain.network)
    wire = chain.network.codec.open(inbound=True)
    version = m.Version(chain.network.codec.protocol_version, 1, int(WALL), 7, "/far:1/", 0, port=1)
    question = wire.ask_headers((BlockId(0, chain.hashes[0]),), ZERO_HASH)
    assert acts(tape, Honest(chain, seeded()), (0.5, lambda: tape.says(version, m.Verack(), question))) is None
    said = tape.hears()
    assert [type(each) for each in said if isinstance(each, m.Verack | m.Headers)] == [m.Verack, m.Headers]
    assert len(next(each for each in said if isinstance(each, m.Headers))) == 30
    assert isinstance(said[0], m.Version)
    assert (said[0].wall_time, said[0].start_height) == (int(WALL), 30)


def test_who_was_dialled_waits_for_the_version() -> None:
    tape = Tape(inbound=True)
    story = play(tape.talk, Honest(CHAIN, seeded()), 5.0, None, BEGIN)
    assert next(story) == BEGIN + 5
    assert commands(tape) == []
    tape.says(THEIRS)
    assert commands(tape)[0] == "version"


def test_the_transcript_tells_both_sides_and_what_came_can_be_taken() -> None:
    tape = Tape()
    acts(tape, Staller(CHAIN, seeded(), after=0), shakes(tape, m.Ping(7)))
    assert [line.split(" /")[0].split(" 70")[0] for line in tape.talk.transcript.lines] == [
        f"= connected to {REMOTE}",
        "> version",
        "< version",
        "< verack",
        "< ping",
        "> wtxidrelay",
        "> sendaddrv2",
        "> verack",
        "> sendheaders",
        "> sendcmpct",
        "> pong",
    ]
    assert tape.hears()[-1] == m.Pong(7)  # one: the actor's
    assert [heard.message.command for heard in tape.talk.unread] == ["version", "verack", "ping"]


def test_what_was_heard_before_is_the_actors_too() -> None:
    tape = Tape()
    tape.says(THEIRS)
    tape.talk.take()
    acts(tape, Honest(CHAIN, seeded()), (1, lambda: tape.says(m.Verack(), ALL)))
    assert commands(tape)[-1] == "headers"


def test_nothing_may_be_said_before() -> None:
    tape = Tape()
    tape.talk.say([tape.talk.version(BEGIN)], BEGIN)
    with pytest.raises(LocalProtocolError, match="from the first byte on, and this one is under way"):
        acts(tape, Honest(CHAIN, seeded()))


def test_an_actor_acts_when_its_time_has_come() -> None:
    tape = Tape()
    actor = Slow(CHAIN, seeded(), delay=(2.0, 2.0))
    story = play(tape.talk, actor, 10.0, None, BEGIN)
    assert next(story) == BEGIN + 10
    tape.says(THEIRS, m.Verack(), m.Ping(1), m.Ping(2), now=BEGIN + 1)
    assert story.send(BEGIN + 1) == BEGIN + 3
    tape.hears()
    assert story.send(BEGIN + 2.9) == BEGIN + 3
    assert commands(tape) == []
    assert story.send(BEGIN + 3) == BEGIN + 5
    assert tape.hears() == [m.Pong(1)]
    assert story.send(BEGIN + 6) == BEGIN + 10
    assert tape.hears() == [m.Pong(2)]


def test_what_an_actor_wants_done_at_once_for_ever_lets_time_pass() -> None:
    tape = Tape()
    story = play(tape.talk, Flooder(CHAIN, seeded(), what="ping", count=1, interval=0.0), 5.0, None, BEGIN)
    next(story)
    tape.says(THEIRS, m.Verack())
    assert story.send(BEGIN) == BEGIN
    assert commands(tape).count("ping") == 2


def test_the_same_actor_goes_on_where_it_was() -> None:
    tape = Tape()
    actor = Staller(CHAIN, seeded(), after=1)
    acts(tape, actor, shakes(tape))
    acts(tape, actor, (1, lambda: tape.says(ALL)))
    assert commands(tape)[-1] == "headers"
    assert len(actor.talks) == 1
    with pytest.raises(LocalProtocolError, match=f"{REMOTE} has another actor"):
        acts(tape, Honest(CHAIN, seeded()))


def test_one_actor_has_many_connections() -> None:
    actor = Staller(CHAIN, seeded(), after=2)
    tapes = [Tape(), Tape(inbound=True)]
    wanted = m.GetData(tuple(m.InvEntry(m.InvType.WITNESS_BLOCK, each) for each in CHAIN.hashes[1:4]))
    for tape in tapes:
        acts(tape, actor, shakes(tape, wanted))
        assert commands(tape).count("block") == 2
    assert len(actor.talks) == 2


@pytest.mark.parametrize("name", ACTORS)
def test_every_actor_can_be_played_to_its_end(name: str) -> None:
    chain = chain_of("neo3" if name == "unproven" else "regtest")
    tape = Tape(chain.network, inbound=True)
    actor = ACTORS[name](chain, seeded())
    version = m.Version(chain.network.codec.protocol_version, 9, int(WALL), 7, "/far:1/", 0, port=1)
    closed = acts(tape, actor, (0.5, lambda: tape.says(version, m.Verack())), (3, lambda: tape.talk.receive_eof(BEGIN)))
    assert closed is not None
    assert actor.talks == {}


# Ends.


def test_the_remotes_end_is_the_end_and_the_actor_hears_of_it() -> None:
    tape = Tape()
    actor = Honest(CHAIN, seeded())
    closed = acts(tape, actor, shakes(tape), (2, lambda: tape.talk.receive_eof(BEGIN + 2)))
    assert str(closed) == "closed by remote"
    assert actor.talks == {}
    actor.grow(30)


def test_an_actors_close_is_ours() -> None:
    tape = Tape()
    actor = Leaver(CHAIN, seeded(), after=(1.0, 1.0))
    closed = acts(tape, actor, shakes(tape))
    assert (str(closed), tape.ends, actor.talks) == ("closed by us", ["close"], {})


def test_what_was_said_before_a_close_still_goes_out() -> None:
    tape = Tape()
    actor = Leaver(CHAIN, seeded(), after=(1.0, 1.0))
    tape.queued = 5
    story = play(tape.talk, actor, 5.0, None, BEGIN)
    next(story)
    story.send(BEGIN + 1)
    assert (tape.ends, actor.talks) == (["half_close"], {})
    sent = len(tape.sent)
    tape.says(THEIRS)  # it does not care any more
    assert (len(tape.sent), tape.talk.is_reading) == (sent, True)
    tape.queued = 0
    with pytest.raises(StopIteration) as done:
        story.send(BEGIN + 2)
    assert str(done.value.value) == "closed by us"
    assert tape.ends == ["half_close", "close"]


class Closer(Honest):
    def opened(self, talk: Talk) -> None:
        talk.close()
        talk.send(m.GetAddr())
        talk.port.later(0.0, talk.send, m.GetAddr())


def test_who_closes_at_once_says_nothing_more() -> None:
    tape = Tape()
    actor = Closer(CHAIN, seeded())
    assert str(acts(tape, actor)) == "closed by us"
    assert (tape.hears(), actor.talks) == ([], {})


def test_a_connection_that_has_ended_is_not_played() -> None:
    tape = Tape()
    tape.talk.receive_eof(BEGIN)
    actor = Honest(CHAIN, seeded())
    assert str(acts(tape, actor)) == "closed by remote"
    assert (tape.hears(), actor.talks) == ([], {})
    ours = Tape()
    ours.talk.close(BEGIN)
    with pytest.raises(LocalProtocolError, match="we have closed this connection ourselves"):
        acts(ours, actor)


def test_who_cannot_read_what_comes_closes() -> None:
    tape = Tape()
    assert str(acts(tape, Honest(CHAIN, seeded()), (1, lambda: tape.talk.receive_data(b"HTTP", BEGIN + 1)))) == (
        "closed by us"
    )
    silent = Tape()
    assert acts(silent, Silent(CHAIN, seeded()), (1, lambda: silent.talk.receive_data(b"HTTP", BEGIN + 1))) is None


# What it plays for.


def test_it_plays_until_what_it_plays_for_holds() -> None:
    tape = Tape()
    assert (
        acts(tape, Honest(CHAIN, seeded()), shakes(tape), until=lambda: "< verack" in tape.talk.transcript.lines)
        is None
    )


def test_what_it_plays_for_must_happen() -> None:
    late, gone = Tape(), Tape()
    with pytest.raises(ExpectationFailed, match="what the actor played for has not happened: 5 s are over"):
        acts(late, Honest(CHAIN, seeded()), until=lambda: False)
    with pytest.raises(ExpectationFailed, match="has not happened: closed by remote"):
        acts(gone, Honest(CHAIN, seeded()), (1, lambda: gone.talk.receive_eof(BEGIN)), until=lambda: False)


# Bounds.


def test_who_does_not_read_is_told_nothing_and_asked_nothing() -> None:
    tape = Tape()
    actor = Flooder(CHAIN, seeded(), what="ping", count=1, interval=1.0)
    story = play(tape.talk, actor, 60.0, None, BEGIN)
    next(story)
    tape.says(THEIRS, m.Verack())
    tape.hears()
    tape.queued = MAX_QUEUED + 1
    assert not reads(tape)
    story.send(BEGIN + 5)
    assert commands(tape) == []
    tape.queued = 0
    assert reads(tape)
    story.send(BEGIN + 6)
    assert commands(tape) == ["ping"]


def test_an_actor_that_does_not_want_to_read_is_not_made_to() -> None:
    tape = Tape()
    story = play(tape.talk, Unreading(CHAIN, seeded()), 60.0, None, BEGIN)
    next(story)
    assert reads(tape)
    tape.says(THEIRS, m.Verack())
    assert not reads(tape)
    assert story.send(BEGIN + 1) < BEGIN + 2  # there may be an end to see


def test_who_asks_for_very_much_and_reads_nothing_is_dropped() -> None:
    tape = Tape()
    story = play(tape.talk, Honest(CHAIN, seeded()), 5.0, None, BEGIN)
    next(story)
    tape.queued = MAX_UNSENT + 1
    wanted = m.GetData(tuple(m.InvEntry(m.InvType.WITNESS_BLOCK, each) for each in CHAIN.hashes[1:4]))
    tape.says(THEIRS, m.Verack(), wanted)
    assert tape.ends == ["drop"]
    assert tape.talk.transcript.lines[-2:] == [
        f"! {MAX_UNSENT + 1} bytes wait for it, at most {MAX_UNSENT}",
        "x reset by us",
    ]
    assert commands(tape)[-1] != "block"


# Words.


def test_what_no_remote_can_read_is_told_in_bytes() -> None:
    tape = Tape()
    acts(tape, Babbler(CHAIN, seeded()), timeout=1.5)
    assert tape.talk.transcript.lines[1:] == ["> 1000 raw bytes"] * 2
    echo = Tape()
    acts(echo, Mirror(CHAIN, seeded()), (1, lambda: echo.talk.receive_data(b"\xfa\xbf", BEGIN + 1)))
    assert echo.talk.transcript.lines[1:] == []
    assert echo.sent == b"\xfa\xbf"


def test_a_message_is_told_once_when_it_is_whole_and_a_faulty_one_as_such() -> None:
    chopped = Tape()
    acts(chopped, Chopped(CHAIN, seeded(), pieces=(1, 3)), shakes(chopped))
    said = [line for line in chopped.talk.transcript.lines if line[0] == ">"]
    assert said[1:] == ["> wtxidrelay", "> sendaddrv2", "> verack", "> sendheaders", "> sendcmpct"]
    tape = Tape()
    faulty = b"".join(map(bytes, tape.talk.network.codec.open(inbound=False).encode(m.Unknown("getheaders", b"short"))))
    acts(tape, Mirror(CHAIN, seeded()), (1, lambda: tape.talk.receive_data(faulty, BEGIN + 1)))
    assert tape.talk.transcript.lines[-1].startswith("> getheaders, faulty: getheaders.")


def test_a_seat_without_plans_waits_for_nothing() -> None:
    tape = Tape()
    seat = Seat(tape.talk, Honest(CHAIN, seeded()), BEGIN)
    assert (seat.due, seat.now, int(seat.wall_time)) == (inf, BEGIN, int(WALL))
