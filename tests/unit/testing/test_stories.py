"""What takes time, with a number for a clock: what comes, what does not, and the words of a failure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from headway.errors import ExpectationFailed, LocalProtocolError, PeerGone, RequestTimeout
from headway.networks.bitcoin import REGTEST
from headway.testing import stories
from headway.testing.chain import regtest_chain
from headway.testing.conversation import MAX_QUEUED, Closed
from headway.testing.serving import ServedChain
from headway.wire import messages as m
from tests.link import NEO
from tests.tape import BEGIN, REMOTE, THEIRS, Tape, told

CHAIN = list(regtest_chain(12, sizes=(0, 0)))

# ------------------------------------------------------------------------------------------------------------ to expect


def expect(tape: Tape, want: Any, *happenings: tuple[float, Callable[[], Any]], where: Any = None) -> Any:
    return told(stories.expect(tape.talk, want, where, 5.0, BEGIN), happenings)


def test_what_has_come_already_is_there_at_once() -> None:
    tape = Tape()
    tape.says(m.GetAddr(), m.Pong(1))
    assert next_result(stories.expect(tape.talk, m.Pong, None, 0.0, BEGIN)) == m.Pong(1)


def next_result(story: Any) -> Any:
    """Of a story that waits for nothing."""
    with pytest.raises(StopIteration) as done:
        next(story)
    return done.value.value


def test_what_comes_later_is_waited_for_and_what_came_before_is_passed_over() -> None:
    tape = Tape()
    got = expect(tape, m.Pong, (1, lambda: tape.says(m.GetAddr())), (4, lambda: tape.says(m.Pong(1), m.Verack())))
    assert got == m.Pong(1)
    assert [heard.message for heard in tape.talk.unread] == [m.Verack()]


def test_what_does_not_come_is_told_with_what_came_instead() -> None:
    tape = Tape()
    with pytest.raises(ExpectationFailed) as failure:
        expect(tape, m.Pong, (1, lambda: tape.says(m.GetAddr(), m.SendHeaders())))
    first, *trace = str(failure.value).splitlines()
    assert first == "no pong: none within 5 s; instead came getaddr, sendheaders"
    assert [line.split(maxsplit=1)[1] for line in trace] == [
        f"= connected to {REMOTE}",
        "< getaddr",
        "< sendheaders",
        f"- {first}",
    ]
    assert isinstance(failure.value, AssertionError)


def test_of_very_many_that_came_instead_the_last_are_told() -> None:
    tape = Tape()
    tape.says(*[m.GetAddr()] * 100, m.Verack())
    with pytest.raises(ExpectationFailed, match="instead came 93 others, " + "getaddr, " * 7 + "verack"):
        expect(tape, m.Pong)


def test_what_comes_at_the_deadline_is_not_too_late() -> None:
    tape = Tape()
    assert expect(tape, "pong", (5, lambda: tape.says(m.Pong(1)))) == m.Pong(1)


def test_a_condition_passes_over_what_it_does_not_hold_for() -> None:
    tape = Tape()
    tape.says(m.Pong(1), m.Pong(2))
    assert expect(tape, m.Pong, where=lambda pong: pong.nonce == 2) == m.Pong(2)
    with pytest.raises(ExpectationFailed, match="no pong as it should be: none within 5 s; instead came pong"):
        expect(tape, m.Pong, (1, lambda: tape.says(m.Pong(3))), where=lambda pong: pong.nonce == 2)


@pytest.mark.parametrize("story", [stories.expect, stories.expect_next], ids=["expect", "expect_next"])
def test_nobody_waits_for_who_has_gone_or_cannot_be_read(story: Any) -> None:
    ends: list[tuple[Callable[[Tape], None], str]] = [
        (lambda tape: tape.talk.receive_eof(BEGIN), "the connection was closed by remote"),
        (lambda tape: tape.talk.handle_connection_lost("reset", BEGIN), "the connection was reset by remote"),
        (lambda tape: tape.talk.receive_data(b"HTTP", BEGIN), "nothing can be read any more"),
        (lambda tape: tape.talk.close(BEGIN), "the connection was closed by us"),
    ]
    for happens, why in ends:
        tape = Tape()
        where = (None,) if story is stories.expect else ()
        running = story(tape.talk, m.Pong, *where, 5.0, BEGIN)
        assert next(running) == BEGIN + 5
        happens(tape)
        with pytest.raises(ExpectationFailed, match=why):
            running.send(BEGIN + 1)


def test_who_goes_with_the_last_word_was_heard() -> None:
    tape = Tape()

    def says_and_goes() -> None:
        tape.says(m.Pong(1))
        tape.talk.receive_eof(BEGIN)

    assert expect(tape, m.Pong, (1, says_and_goes)) == m.Pong(1)


def test_the_very_next_message_must_be_the_one() -> None:
    tape = Tape()
    tape.says(m.Ping(5), m.Pong(1), m.GetAddr(), m.Verack())
    assert told(stories.expect_next(tape.talk, m.Pong, 5.0, BEGIN)) == m.Pong(1)
    with pytest.raises(ExpectationFailed, match="no verack: next came getaddr"):
        told(stories.expect_next(tape.talk, m.Verack, 5.0, BEGIN))
    assert told(stories.expect_next(tape.talk, "verack", 0.0, BEGIN)) == m.Verack()


def test_a_ping_that_has_no_pong_counts_as_the_next() -> None:
    tape = Tape(auto_pong=False)
    tape.says(m.Ping(5))
    with pytest.raises(ExpectationFailed, match="next came ping"):
        told(stories.expect_next(tape.talk, m.Pong, 5.0, BEGIN))


# ---------------------------------------------------------------------------------------------------- silence, the end


def silence(tape: Tape, *happenings: tuple[float, Callable[[], Any]], of: Any = None) -> None:
    told(stories.expect_silence(tape.talk, 2.0, of, BEGIN), happenings)


def test_silence_lasts_as_long_as_it_was_asked_for_and_pings_do_not_break_it() -> None:
    tape = Tape()
    silence(tape, (1, lambda: tape.says(m.Ping(1))))
    assert [heard.message for heard in tape.talk.unread] == [m.Ping(1)]


def test_silence_is_broken_by_what_comes_and_by_what_was_left_untaken() -> None:
    tape = Tape()
    with pytest.raises(ExpectationFailed, match="no silence: getaddr"):
        silence(tape, (1, lambda: tape.says(m.GetAddr())))
    with pytest.raises(ExpectationFailed, match="no silence: getaddr"):
        silence(tape)


def test_silence_of_one_kind_is_not_broken_by_another() -> None:
    tape = Tape()
    silence(tape, (1, lambda: tape.says(m.GetAddr())), of=(m.Headers, m.Inv))
    with pytest.raises(ExpectationFailed, match="no silence: ping"):
        silence(tape, (1, lambda: tape.says(m.Ping(1))), of=m.Ping)


def test_to_hang_up_is_no_silence() -> None:
    tape = Tape()
    with pytest.raises(ExpectationFailed, match="no silence: closed by remote"):
        silence(tape, (1, lambda: tape.talk.receive_eof(BEGIN)))
    ours = Tape()
    ours.talk.drop(BEGIN)
    with pytest.raises(LocalProtocolError):
        silence(ours)


def test_the_end_is_told_and_what_was_said_before_can_be_taken() -> None:
    tape = Tape()

    def goes() -> None:
        tape.says(m.GetAddr())
        tape.talk.handle_connection_lost("reset", BEGIN + 3)

    assert told(stories.expect_closed(tape.talk, 5.0, BEGIN), [(3, goes)]) == Closed("remote", "reset", 3.0)
    assert tape.talk.take().message == m.GetAddr()


def test_who_stays_fails_the_test_that_waits_for_the_end() -> None:
    tape = Tape()
    with pytest.raises(ExpectationFailed, match="still connected after 5 s; instead came getaddr"):
        told(stories.expect_closed(tape.talk, 5.0, BEGIN), [(1, lambda: tape.says(m.GetAddr()))])
    tape.talk.close(BEGIN)
    with pytest.raises(LocalProtocolError, match="we have closed"):
        told(stories.expect_closed(tape.talk, 5.0, BEGIN))


# --------------------------------------------------------------------------------------------------------------- to say


def test_time_passes_whatever_comes() -> None:
    tape = Tape()
    story = stories.delay(2.0, BEGIN)
    assert next(story) == BEGIN + 2
    tape.says(m.GetAddr())
    assert story.send(BEGIN + 1) == BEGIN + 2
    with pytest.raises(StopIteration):
        story.send(BEGIN + 2)


def test_what_the_system_does_not_take_is_waited_for() -> None:
    tape = Tape()
    tape.queued = 10

    def takes() -> None:
        tape.queued = 0

    told(stories.flush(tape.talk, 5.0, BEGIN), [(1, takes)])
    tape.queued = 10
    with pytest.raises(RequestTimeout, match=f"{REMOTE} does not read: 10 bytes wait for it"):
        told(stories.flush(tape.talk, 5.0, BEGIN))
    with pytest.raises(PeerGone, match="did not take all of it: closed by remote"):
        told(stories.flush(tape.talk, 5.0, BEGIN), [(1, lambda: tape.talk.receive_eof(BEGIN))])


def test_a_trickle_is_a_few_bytes_at_a_time() -> None:
    tape = Tape()
    story = stories.trickle(tape.talk, b"abcdefg", 3, 0.5, BEGIN)
    heard = [(next(story), bytes(tape.sent))]
    for _ in range(2):
        heard.append((story.send(heard[-1][0]), bytes(tape.sent)))
    assert heard == [(BEGIN + 0.5, b"abc"), (BEGIN + 1, b"abcdef"), (BEGIN + 1.5, b"abcdefg")]
    with pytest.raises(StopIteration) as done:
        story.send(BEGIN + 1.5)
    assert done.value.value == 7


def test_a_trickle_of_a_message_arrives_as_one() -> None:
    tape = Tape()
    told(stories.trickle(tape.talk, m.Ping(7), 5, 0.0, BEGIN))
    assert tape.hears() == [m.Ping(7)]


def test_a_trickle_ends_when_the_remote_does() -> None:
    tape = Tape()
    went = told(stories.trickle(tape.talk, bytes(100), 10, 1.0, BEGIN), [(2.5, lambda: tape.talk.receive_eof(BEGIN))])
    assert went == len(tape.sent) == 30
    with pytest.raises(PeerGone):
        told(stories.trickle(tape.talk, bytes(100), 10, 1.0, BEGIN))


def test_a_trickle_of_nothing_at_a_time_is_refused() -> None:
    with pytest.raises(LocalProtocolError, match="a chunk of 0 bytes"):
        told(stories.trickle(Tape().talk, b"abc", 0, 1.0, BEGIN))


# ----------------------------------------------------------------------------------------------------------- handshakes


def shake(tape: Tape, *happenings: tuple[float, Callable[[], Any]], **fields: Any) -> m.Version:
    return told(stories.handshake(tape.talk, 5.0, fields, BEGIN), happenings)  # type: ignore[arg-type]  # as they come


def test_who_dials_speaks_first_in_bitcoin() -> None:
    tape = Tape()
    begun: list[list[m.Message]] = []

    def answers() -> None:
        begun.append(tape.hears())
        tape.says(THEIRS)

    theirs = shake(tape, (1, answers), (2, lambda: tape.says(m.SendAddrV2(), m.Verack())), nonce=5)
    assert theirs.user_agent == "/far:1/"
    assert [type(message) for message in begun[0]] == [m.Version]
    assert begun[0][0].nonce == 5  # type: ignore[union-attr]  # it is a version
    assert tape.hears() == [m.Verack()]


@pytest.mark.parametrize("name", ["bitcoin", "neo2", "neo3"])
def test_who_does_not_speak_first_waits(name: str) -> None:
    network, inbound = (REGTEST, True) if name == "bitcoin" else (NEO[name], False)
    tape = Tape(network, inbound=inbound)
    begun: list[int] = []

    def answers() -> None:
        begun.append(len(tape.sent))
        tape.says(THEIRS, m.Verack())

    shake(tape, (1, answers))
    assert begun == [0]
    assert [message.command for message in tape.hears()] == ["version", "verack"]


def test_a_verack_that_waits_for_theirs_comes_after_it() -> None:
    tape = Tape(NEO["neo2"])
    order: list[list[str]] = []

    def says(*messages: m.Message) -> Callable[[], None]:
        def act() -> None:
            order.append([message.command for message in tape.hears()])
            tape.says(*messages)

        return act

    neo_one = m.Version(0, 1, 0, 7, "NEO:neo-one-js:1.0.0-preview", 1)
    shake(tape, (1, says(neo_one)), (2, says(m.Verack())))
    order.append([message.command for message in tape.hears()])
    assert order == [[], ["version"], ["verack"]]


@pytest.mark.parametrize(
    ("said", "missing"), [([], "no version: none within 5 s"), ([THEIRS], "no verack: none within 4 s")]
)
def test_a_handshake_that_does_not_end_says_what_is_missing(said: Sequence[m.Message], missing: str) -> None:
    tape = Tape()
    with pytest.raises(ExpectationFailed, match=missing):
        shake(tape, (1, lambda: tape.says(*said)))


def test_a_version_that_has_come_already_is_enough() -> None:
    tape = Tape(inbound=True)
    tape.says(THEIRS)
    tape.talk.take()
    shake(tape, (1, lambda: tape.says(m.Verack())))


def test_a_pong_tells_the_round_trip_and_leaves_what_came_before() -> None:
    tape = Tape()

    def answers() -> None:
        [asked] = tape.hears()
        assert isinstance(asked, m.Ping)
        tape.says(m.GetAddr(), m.Pong(1), m.Pong(asked.nonce), m.Verack())

    assert told(stories.ping(tape.talk, 5.0, BEGIN), [(0.25, answers)]) == 0.25
    assert [heard.message for heard in tape.talk.unread] == [m.GetAddr(), m.Pong(1), m.Verack()]
    with pytest.raises(ExpectationFailed, match="no pong: none within 5 s"):
        told(stories.ping(tape.talk, 5.0, BEGIN))


# ------------------------------------------------------------------------------------------------------------- to serve


def ask_all() -> m.GetHeaders:
    return m.GetHeaders((REGTEST.rules.root,))


def serve(
    tape: Tape, *happenings: tuple[float, Callable[[], Any]], until: Any = None, blocks: Any = CHAIN
) -> ServedChain:
    return told(stories.serve(tape.talk, ServedChain(REGTEST, blocks), 5.0, until, BEGIN), happenings)


def test_a_chain_is_served_until_time_is_up() -> None:
    tape = Tape()
    served = serve(tape, (1, lambda: tape.says(ask_all())), (4, lambda: tape.says(m.GetAddr(), ask_all())))
    assert [len(message) for message in tape.hears() if isinstance(message, m.Headers)] == [12, 12]
    assert served.height == 12


def test_a_chain_is_served_until_the_remote_goes() -> None:
    tape = Tape()
    story = stories.serve(tape.talk, ServedChain(REGTEST, CHAIN), 5.0, None, BEGIN)
    assert next(story) == BEGIN + 5
    tape.says(ask_all())
    tape.talk.receive_eof(BEGIN)
    with pytest.raises(StopIteration):
        story.send(BEGIN + 1)
    assert tape.sent == b""


def test_a_chain_is_served_until_what_it_is_served_for_has_happened() -> None:
    tape = Tape()
    asked: list[float] = []
    assert serve(tape, (1, lambda: asked.append(1)), until=lambda: bool(asked)).height == 12
    with pytest.raises(ExpectationFailed, match="has not happened: 5 s are over"):
        serve(tape, until=lambda: False)
    with pytest.raises(ExpectationFailed, match="has not happened: closed by remote"):
        serve(tape, (1, lambda: tape.talk.receive_eof(BEGIN)), until=lambda: False)


def test_who_asks_for_much_and_reads_nothing_is_not_answered_for_ever() -> None:
    tape = Tape()
    tape.queued = MAX_QUEUED + 1
    wanted = m.GetData(tuple(m.InvEntry(m.InvType.BLOCK, REGTEST.codec.parser.block_header(raw).hash) for raw in CHAIN))
    tape.says(wanted)
    serve(tape)
    assert tape.sent == b""
    tape.says(wanted)

    def reads() -> None:
        tape.queued = 0

    serve(tape, (2, reads))
    assert len(tape.hears()) == 12


def test_who_goes_while_it_is_answered_ends_it() -> None:
    tape = Tape()
    tape.queued = MAX_QUEUED + 1
    tape.says(ask_all())
    serve(tape, (2, lambda: tape.talk.receive_eof(BEGIN)))
    assert tape.sent == b""
