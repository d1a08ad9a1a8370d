"""Scripts: each kind of step does what its call does, and the first that fails says which it was."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from headway.errors import ExpectationFailed, HeadwayError, LocalProtocolError, PeerGone, RequestTimeout
from headway.networks.bitcoin import REGTEST
from headway.testing import script
from headway.testing.actors import Chain, Honest
from headway.testing.chain import regtest_chain
from headway.testing.script import (
    Close,
    Corrupt,
    Delay,
    Drop,
    Expect,
    ExpectClosed,
    ExpectNext,
    ExpectSilence,
    HalfClose,
    Handshake,
    Play,
    Serve,
    Trickle,
)
from headway.wire import messages as m
from tests.tape import BEGIN, THEIRS, Tape, told

CHAIN = list(regtest_chain(3, sizes=(0, 0)))


def play(tape: Tape, *steps: Any, then: tuple[tuple[float, Callable[[], Any]], ...] = ()) -> list[str]:
    return told(script.play(tape.talk, steps, BEGIN), then)


def test_messages_and_bytes_are_sent() -> None:
    tape = Tape()
    assert play(tape, m.Ping(1), b"abc", Corrupt(m.Ping(1), "checksum")) == [
        "> ping",
        "> 3 raw bytes",
        "> ping, corrupt: checksum",
    ]


def test_a_handshake_and_what_is_expected_after_it() -> None:
    tape = Tape()
    tape.says(THEIRS, m.Verack(), m.Ping(2), m.GetAddr(), m.Pong(7), m.SendHeaders())
    lines = play(
        tape,
        Handshake(nonce=5, timeout=1),
        ExpectNext(m.GetAddr),
        Expect(m.Pong, lambda pong: pong.nonce == 7),
        ExpectSilence(1, of=m.Ping),
        Delay(1),
    )
    assert [line.split()[1] for line in lines] == ["version", "verack"]
    assert [heard.message for heard in tape.talk.unread] == [m.SendHeaders()]


def test_a_trickle_and_a_served_chain() -> None:
    tape = Tape()
    tape.says(m.GetHeaders((tape.talk.network.rules.root,)))
    play(tape, Trickle(m.Ping(7), chunk=5), Serve(CHAIN, timeout=1, tricks={"withheld": {2}}))
    ping, headers = tape.hears()
    assert ping == m.Ping(7)
    assert isinstance(headers, m.Headers)
    assert len(headers) == 3


def test_an_actor_is_played_as_the_first_step_and_what_came_is_there_for_the_next() -> None:
    tape = Tape()
    actor = Honest(Chain(REGTEST, CHAIN), Random(1))
    shakes = (1, lambda: tape.says(THEIRS, m.Verack()))
    lines = play(tape, Play(actor, until=lambda: bool(tape.talk.unread)), Expect(m.Version), then=(shakes,))
    assert lines[0].startswith("> version")
    assert "< verack" in lines
    with pytest.raises(LocalProtocolError) as failure:
        play(Tape(), m.Ping(1), Play(actor))
    assert failure.value.__notes__ == ["in step 2 of 2, Play"]


@pytest.mark.parametrize(
    ("step", "end", "line"),
    [
        (HalfClose(), "half_close", "= we send nothing more (FIN)"),
        (Close(), "close", "x closed by us"),
        (Drop(), "drop", "x reset by us"),
    ],
)
def test_every_end(step: Any, end: str, line: str) -> None:
    tape = Tape()
    assert play(tape, step) == [line]
    assert tape.ends == [end]


def test_the_remotes_end_is_expected_as_anything_else() -> None:
    tape = Tape()
    assert play(tape, ExpectClosed(), then=((1, lambda: tape.talk.receive_eof(BEGIN + 1)),)) == ["x closed by remote"]


@pytest.mark.parametrize(
    ("steps", "error", "note"),
    [
        ((m.Ping(1), Expect(m.Pong), m.Ping(2)), ExpectationFailed, "in step 2 of 3, Expect"),
        ((ExpectClosed(timeout=1),), ExpectationFailed, "in step 1 of 1, ExpectClosed"),
        ((Drop(), m.Ping(1)), PeerGone, "in step 2 of 2, Ping"),
        ((Delay(1), Close(), b"abc"), PeerGone, "in step 3 of 3, bytes"),
    ],
)
def test_the_first_step_that_fails_ends_the_script_and_is_named(
    steps: tuple[Any, ...], error: type[HeadwayError], note: str
) -> None:
    tape = Tape()
    with pytest.raises(error) as failure:
        play(tape, *steps)
    assert failure.value.__notes__ == [note]
    assert m.Ping(2) not in tape.hears()


def test_time_goes_on_from_step_to_step() -> None:
    tape = Tape()
    came = ((3.0, lambda: tape.says(m.Pong(1))), (7.5, lambda: tape.says(m.Pong(2))))
    play(tape, Expect(m.Pong), Expect(m.Pong), then=came)


def test_what_is_not_read_ends_a_script_too() -> None:
    tape = Tape()
    tape.queued = 5
    with pytest.raises(RequestTimeout):
        play(tape, m.Ping(1))
