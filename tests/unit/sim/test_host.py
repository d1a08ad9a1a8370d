"""An actor on a host: it is given connections and bytes, dials and dials again, and nothing of an ended connection."""

from __future__ import annotations

import random
from typing import Any

import pytest

from headway.networks.bitcoin import REGTEST
from headway.sim.actor import Honest, Port, Talk
from headway.sim.chain import Chain
from headway.sim.host import DIAL_TIMEOUT, ActorHost
from headway.sim.internet import Host, Internet
from headway.sim.link import Path
from headway.sim.simulation import EPOCH, Simulation
from headway.types import Address
from tests.recorder import Recorder

HERE, THERE = Address("1.0.0.1", 8333), Address("2.0.0.1", 8333)


class Echo(Honest):
    """Says hello, and gives everything back; `note` keeps what happened to it."""

    def __init__(self) -> None:
        super().__init__(Chain(REGTEST, []), random.Random(1))
        self.noted: list[tuple[str, Any]] = []

    def connected(self, port: Port, *, inbound: bool, remote: Address) -> Talk:
        self.noted.append(("inbound" if inbound else "outbound", remote))
        return super().connected(port, inbound=inbound, remote=remote)

    def opened(self, talk: Talk) -> None:
        talk.send_raw(b"hello ")

    def receive(self, talk: Talk, data: bytes) -> None:
        self.noted.append(("receive", data))
        talk.send_raw(data)

    def ended(self, talk: Talk) -> None:
        super().ended(talk)
        self.noted.append(("ended", talk.is_over))


class Scene:
    def __init__(self) -> None:
        self.simulation = Simulation(1)
        self.internet = Internet(self.simulation)
        self.actor = Echo()
        self.host = self.internet.add(Host("echo", (HERE,), Path(0.05)))
        self.seat = ActorHost(self.internet, self.host, self.actor)
        self.remote = Recorder(self.simulation)
        self.there = self.internet.add(Host("remote", (THERE,), Path(0.05), listener=self.remote))

    def run(self, seconds: float = 1.0) -> None:
        self.simulation.run(seconds)

    def call(self) -> Recorder:
        """The remote dials the actor, and is connected."""
        self.internet.dial(self.there, HERE, self.remote)
        self.run()
        return self.remote

    @property
    def talk(self) -> Talk:
        (talk,) = self.actor.talks
        return talk


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_who_dials_it_hears_it_and_is_heard(scene: Scene) -> None:
    remote = scene.call()
    assert remote.end is not None
    remote.end.send(b"you")
    scene.run()
    assert remote.received == b"hello you"
    (kind, caller), received = scene.actor.noted
    assert (kind, caller.host) == ("inbound", THERE.host)
    assert received == ("receive", b"you")


def test_it_dials_when_told(scene: Scene) -> None:
    scene.seat.dial(THERE)
    scene.run()
    assert scene.actor.noted == [("outbound", THERE)]
    assert scene.remote.received == b"hello "


def test_who_only_stands_for_somebody_does_not_listen() -> None:
    scene = Scene()
    host = scene.internet.add(Host("stand-in", (Address("3.0.0.1", 1),)))
    ActorHost(scene.internet, host, scene.actor, listens=False)
    assert host.listener is None


def test_a_remote_that_closes_ends_the_talk(scene: Scene) -> None:
    remote = scene.call()
    assert remote.end is not None
    remote.end.close()
    scene.run()
    assert scene.actor.noted[-1] == ("ended", True)
    assert scene.actor.talks == {}
    assert scene.internet.connections == ()


def test_a_break_ends_the_talk_once(scene: Scene) -> None:
    scene.call()
    scene.internet.drop(scene.host)
    scene.run()
    assert [kind for kind, _ in scene.actor.noted].count("ended") == 1


def test_an_actor_that_closes_says_nothing_more(scene: Scene) -> None:
    remote = scene.call()
    talk = scene.talk
    talk.close()
    talk.send_raw(b"too late")
    talk.port.close()
    scene.run()
    assert remote.received == b"hello "
    assert remote.all("eof") == [None]
    assert [kind for kind, _ in scene.actor.noted].count("ended") == 1


def test_it_has_a_clock_and_an_alarm(scene: Scene) -> None:
    remote = scene.call()
    port = scene.talk.port
    assert (port.now, port.wall_time) == (1.0, EPOCH + 1.0)
    port.later(5.0, scene.talk.send_raw, b"ding")
    scene.run(4.9)
    assert remote.received == b"hello "
    scene.run(0.5)
    assert remote.received == b"hello ding"


def test_no_alarm_rings_on_a_connection_that_has_ended(scene: Scene) -> None:
    scene.call()
    rung: list[int] = []
    scene.talk.port.later(5.0, rung.append, 1)
    scene.talk.close()
    scene.run(10.0)
    assert rung == []


def test_an_actor_may_stop_reading(scene: Scene) -> None:
    remote = scene.call()
    scene.talk.port.set_reading(reading=False)
    assert remote.end is not None
    remote.end.send(b"you")
    scene.run()
    assert ("receive", b"you") not in scene.actor.noted
    scene.talk.port.set_reading(reading=True)
    assert ("receive", b"you") in scene.actor.noted


def dials(scene: Scene) -> int:
    return scene.internet.dials


def test_it_dials_once_unless_it_is_to_dial_again(scene: Scene) -> None:
    scene.seat.dial(THERE)
    scene.run()
    scene.talk.close()
    scene.run(100.0)
    assert dials(scene) == 1


def test_it_dials_again_so_long_after_each_end(scene: Scene) -> None:
    scene.seat.dial(THERE, again_after=5.0)
    scene.run()
    scene.talk.close()
    scene.run(4.0)
    assert dials(scene) == 1
    scene.run(2.0)
    assert dials(scene) == 2
    scene.internet.drop(scene.host)
    scene.run(10.0)
    assert dials(scene) == 3
    assert len(scene.actor.talks) == 1


def test_it_dials_again_where_it_was_refused(scene: Scene) -> None:
    scene.there.listener = None
    scene.seat.dial(THERE, again_after=5.0)
    scene.run(12.0)
    assert dials(scene) == 3


def test_it_gives_up_a_dial_that_hangs_and_dials_again(scene: Scene) -> None:
    scene.there.is_dark = True
    scene.seat.dial(THERE, again_after=5.0)
    scene.run(DIAL_TIMEOUT + 4.0)
    assert dials(scene) == 1
    scene.there.is_dark = False
    scene.run(2.0)
    assert dials(scene) == 2
    assert len(scene.actor.talks) == 1
    scene.run(100.0)
    assert dials(scene) == 2, "what was answered does not hang"
