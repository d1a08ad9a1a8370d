"""What listens for a node under test: it accepts, and an actor plays on every connection that is made."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from headway.errors import ConfigError, ExpectationFailed, LocalProtocolError
from headway.networks.bitcoin import REGTEST
from headway.sim.actor import Honest, Talk
from headway.sim.hostile.handshake import Leaver
from headway.sim.hostile.silence import Silent, Staller
from headway.testing.face import Face
from headway.testing.listener import ListenerFace
from headway.testing.peer import Listener, TestPeer
from headway.wire import messages as m
from tests.farend import leaving_nothing
from tests.meeting import chain_of, seeded

CHAIN = chain_of()


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    with leaving_nothing():
        yield


def test_where_nobody_can_listen_says_so() -> None:
    first = ListenerFace(Face, REGTEST, "127.0.0.1", 0)
    with pytest.raises(ConfigError, match="cannot listen on"):
        ListenerFace(Face, REGTEST, "127.0.0.1", first.address.port)
    first.close()


def test_an_actor_sits_at_every_connection_that_is_made() -> None:
    actor = Honest(CHAIN, seeded())
    with TestPeer.listen() as listener:
        dialled = [TestPeer.connect(listener.address) for _ in range(3)]
        for ours in dialled:
            ours.send(m.Ping(6), ours.version(), m.Verack(), m.Ping(7))
        peers = listener.play(
            actor, timeout=60, until=lambda: all(talk.is_ready for talk in actor.talks) and len(actor.talks) == 3
        )
        assert [peer.address for peer in peers] == [ours.local_address for ours in dialled]
        for ours in dialled:
            ours.expect(m.Verack)
            ours.expect(m.Pong(7))
            ours.close()


def test_it_goes_on_with_those_that_are_still_there() -> None:
    actor = Staller(CHAIN, seeded())
    with TestPeer.listen() as listener, TestPeer.connect(listener.address) as ours:
        [peer] = listener.play(actor, timeout=60, until=lambda: bool(actor.talks))
        ours.send(ours.version(), m.Verack())
        with TestPeer.connect(listener.address) as more:
            assert listener.play(actor, timeout=60, until=lambda: len(actor.talks) == 2)[0] is peer
            more.drop()
            ours.drop()
            listener.play(actor, timeout=60, until=lambda: not actor.talks)
        assert listener.play(actor, timeout=0) == []


def test_without_an_end_to_wait_for_it_goes_on_for_its_time_whoever_goes() -> None:
    actor = Leaver(CHAIN, seeded(), after=(0.0, 0.0))
    with TestPeer.listen() as listener, TestPeer.connect(listener.address):
        [peer] = listener.play(actor, timeout=0.05)
        assert str(peer.closed) == "closed by us"


def test_what_it_plays_for_must_happen_and_the_words_show_what_did() -> None:
    with TestPeer.listen() as listener, TestPeer.connect(listener.address) as ours:
        ours.send(m.GetAddr())
        with pytest.raises(ExpectationFailed) as failure:
            listener.play(Silent(CHAIN, seeded()), timeout=0.05, until=lambda: False)
    first, peer, *trace = str(failure.value).splitlines()
    assert first == "what the actor played for has not happened: 0.05 s are over, 1 connections were made"
    assert peer.startswith("<TestPeer 127.0.0.1:")
    assert trace[-1].endswith("< getaddr")


def test_a_connection_that_was_accepted_by_hand_stays_with_the_test() -> None:
    with TestPeer.listen() as listener, TestPeer.connect(listener.address):
        mine = listener.accept()
        assert listener.play(Honest(CHAIN, seeded()), timeout=0) == []
        assert mine.transcript.lines == [f"= connected by {mine.address}"]


class Curious(Honest):
    """Cannot wait."""

    def __init__(self, listener: Listener) -> None:
        super().__init__(CHAIN, seeded())
        self._listener = listener

    def opened(self, talk: Talk) -> None:
        del talk
        self._listener.play(self)


def test_one_play_at_a_time_and_an_actors_fault_comes_out() -> None:
    with TestPeer.listen() as listener, TestPeer.connect(listener.address):
        with pytest.raises(LocalProtocolError, match="is played by an actor already: one at a time"):
            listener.play(Curious(listener))
        assert listener.play(Honest(CHAIN, seeded()), timeout=0) == []


def test_a_listener_that_is_closed_plays_for_those_who_came_before() -> None:
    actor = Honest(CHAIN, seeded())
    with TestPeer.listen() as listener, TestPeer.connect(listener.address) as ours:
        listener.play(actor, timeout=60, until=lambda: bool(actor.talks))
        listener.close()
        ours.send(ours.version(), m.Verack(), m.Ping(7))
        listener.play(actor, timeout=60, until=lambda: all(talk.is_ready for talk in actor.talks))
        ours.expect(m.Verack)


def test_who_has_gone_before_he_was_accepted_is_nobody() -> None:
    with TestPeer.listen() as listener:
        gone = socket.create_connection((listener.address.host, listener.address.port))
        gone.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        gone.close()
        assert listener.play(Honest(CHAIN, seeded()), timeout=0.02) == []
