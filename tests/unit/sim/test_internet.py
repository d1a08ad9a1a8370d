"""Hosts and dials: who is reached, who refuses, what hangs, and what a partition or a fault does to connections."""

from __future__ import annotations

import pytest

from headway.sim.internet import Host, Internet
from headway.sim.link import Path
from headway.sim.simulation import Simulation
from headway.types import Address
from tests.recorder import Recorder

A, B, C = (Address(f"{number}.0.0.1", 8333) for number in (1, 2, 3))


class Scene:
    """Three hosts of which `a` dials and the others listen; from `a` to `b` it takes 0.3 seconds."""

    def __init__(self) -> None:
        self.simulation = Simulation(1)
        self.internet = Internet(self.simulation)
        self.a = self.internet.add(Host("a", (A,), Path(0.1)))
        self.b = self.internet.add(Host("b", (B,), Path(0.2)))
        self.c = self.internet.add(Host("c", (C,), Path(0.2)))
        self.dialler = Recorder(self.simulation)
        self.listener = Recorder(self.simulation)
        self.b.listener = self.c.listener = self.listener

    def dial(self, target: Address = B) -> None:
        self.internet.dial(self.a, target, self.dialler)

    def connect(self, target: Address = B) -> None:
        self.dial(target)
        self.run(1.0)
        assert self.dialler.all("connected")

    def run(self, seconds: float = 100.0) -> None:
        self.simulation.run(seconds)


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_a_dial_is_answered_after_the_way_there_and_back(scene: Scene) -> None:
    scene.dial()
    scene.run()
    assert scene.dialler.when("connected") == scene.listener.when("accept") == [0.6]
    assert scene.internet.dials == 1
    dialled, accepted = scene.dialler.end, scene.listener.end
    assert dialled is not None
    assert accepted is not None
    assert (dialled.other, accepted.other) == (accepted, dialled)
    assert accepted.address == B
    assert dialled.address.host == A.host
    assert dialled.address.port > 49_151
    dialled.send(b"hello")
    scene.run()
    assert scene.listener.received == b"hello"
    assert scene.listener.when("receive") == [100.3]


def test_two_dials_of_one_host_are_told_apart_by_their_ports(scene: Scene) -> None:
    scene.dial()
    scene.dial()
    scene.run()
    first, second = scene.dialler.all("connected")
    assert first.address != second.address


def test_ports_begin_again_when_they_are_used_up(scene: Scene) -> None:
    for _ in range(16_385):
        scene.dial()
    scene.run()
    ports = [end.address.port for end in scene.dialler.all("connected")]
    assert (min(ports), max(ports), ports[-1]) == (49_152, 65_535, 49_152)


def test_a_host_that_listens_to_nobody_refuses(scene: Scene) -> None:
    scene.b.listener = None
    scene.dial()
    scene.run()
    assert scene.dialler.all("failed") == ["connection refused"]
    assert scene.dialler.when("failed") == [0.6]


@pytest.mark.parametrize("why", ["nobody there", "dark", "parted"])
def test_what_nobody_answers_hangs(scene: Scene, why: str) -> None:
    scene.b.is_dark = why == "dark"
    if why == "parted":
        scene.internet.split([scene.b])
    scene.dial(Address("9.9.9.9", 1) if why == "nobody there" else B)
    scene.run(10_000.0)
    assert scene.dialler.told == scene.listener.told == []


def test_a_dial_hangs_that_goes_out_before_the_light_does(scene: Scene) -> None:
    scene.dial()
    scene.simulation.later(0.3, lambda: setattr(scene.b, "is_dark", True))
    scene.run()
    assert scene.dialler.told == []


def test_a_dial_given_up_is_told_to_nobody(scene: Scene) -> None:
    scene.internet.dial(scene.a, B, scene.dialler).give_up()
    scene.run()
    assert scene.dialler.told == scene.listener.told == []
    assert scene.internet.connections == ()


def test_a_listener_that_closes_at_once_ends_a_connection_that_was_made(scene: Scene) -> None:
    class Full(Recorder):
        def accept(self, end: object) -> None:
            super().accept(end)  # type: ignore[arg-type]  # it is one
            assert self.end is not None
            self.end.close()

    scene.b.listener = Full(scene.simulation)
    scene.dial()
    scene.run()
    assert [what for _, what, _ in scene.dialler.told] == ["connected", "eof"]


def test_a_host_may_have_many_addresses(scene: Scene) -> None:
    many = scene.internet.add(Host("d", (Address("4.0.0.1", 1), Address("5.0.0.1", 1)), listener=scene.listener))
    for address in many.addresses:
        scene.dial(address)
    scene.run()
    assert [end.other.address for end in scene.dialler.all("connected")] == list(many.addresses)
    assert scene.internet.connections_of(many) == list(scene.internet.connections)


def test_two_hosts_cannot_have_one_address(scene: Scene) -> None:
    with pytest.raises(AssertionError, match="one host an address"):
        scene.internet.add(Host("e", (B,)))


def test_a_closed_connection_is_forgotten(scene: Scene) -> None:
    scene.connect()
    assert scene.dialler.end is not None
    assert scene.listener.end is not None
    for end, left in ((scene.dialler.end, 1), (scene.listener.end, 0)):
        end.close()
        assert len(scene.internet.connections) == left


def test_a_partition_holds_bytes_and_tells_nobody_until_it_is_healed(scene: Scene) -> None:
    scene.connect()
    scene.internet.split([scene.a])
    assert scene.dialler.end is not None
    scene.dialler.end.send(b"later")
    scene.run(1000.0)
    assert scene.listener.received == b""
    scene.internet.heal()
    scene.run()
    assert scene.listener.received == b"later"
    scene.dial()
    scene.run()
    assert len(scene.dialler.all("connected")) == 2
    assert scene.dialler.all("lost") == scene.listener.all("lost") == []


def test_those_on_one_side_of_a_partition_reach_each_other(scene: Scene) -> None:
    scene.internet.split([scene.a, scene.b])
    scene.dial(C)
    scene.connect(B)
    assert len(scene.dialler.all("connected")) == 1


def test_a_second_split_onto_the_same_side_joins_what_the_first_has_parted(scene: Scene) -> None:
    scene.connect()
    scene.internet.split([scene.a])
    assert scene.dialler.end is not None
    scene.dialler.end.send(b"hello")
    scene.internet.split([scene.b])
    scene.run()
    assert scene.listener.received == b"hello"


def test_a_drop_breaks_all_connections_of_a_host_and_no_others(scene: Scene) -> None:
    other = Recorder(scene.simulation)
    scene.c.listener = other
    scene.connect()
    scene.connect(C)
    scene.internet.drop(scene.b)
    scene.run()
    assert scene.listener.all("lost") == scene.dialler.all("lost") == ["connection reset by peer"]
    assert other.all("lost") == []
    assert len(scene.internet.connections) == 1


@pytest.mark.parametrize("who", ["the dialler", "the listener"])
def test_a_silent_drop_is_told_to_neither(scene: Scene, who: str) -> None:
    scene.connect()
    scene.internet.drop(scene.a if who == "the dialler" else scene.b, silently=True)
    gone, left = (scene.dialler, scene.listener) if who == "the dialler" else (scene.listener, scene.dialler)
    assert gone.end is not None
    assert left.end is not None
    assert (gone.end.is_open, left.end.is_open) == (False, True)
    left.end.send(b"anybody?")
    scene.run()
    assert gone.all("receive") == gone.all("lost") == left.all("lost") == []
    assert scene.internet.connections == ()
