"""Lines and connections: when bytes arrive, what holds them up, and how a connection ends."""

from __future__ import annotations

import random

import pytest

from headway.sim.link import SEGMENT, WINDOW, Connection, Line, Path
from headway.sim.simulation import Simulation
from headway.types import Address
from tests.recorder import Recorder

LATENCY = 0.1
A, B = Address("1.0.0.1", 1), Address("2.0.0.2", 2)


class Scene:
    """Two parties and what lies between them."""

    def __init__(
        self,
        *,
        jitter: float = 0.0,
        up: Line | None = None,
        down: Line | None = None,
        simulation: Simulation | None = None,
    ) -> None:
        """`up`: line out of `a`; `down`: line in of `b`."""
        self.simulation = simulation or Simulation(1)
        self.forgotten: list[Connection] = []
        ends = (A, up or Line(), Line()), (B, Line(), down or Line())
        self.connection = Connection(
            self.simulation, Path(LATENCY, jitter), random.Random(1), ends, self.forgotten.append
        )
        self.a = Recorder(self.simulation).sit(self.connection.a)
        self.b = Recorder(self.simulation).sit(self.connection.b)

    def run(self, seconds: float = 1000.0) -> None:
        self.simulation.run(seconds)


# --------------------------------------------------------------------------------------------------- bytes on their way


def test_bytes_arrive_after_the_latency_in_the_pieces_in_which_they_were_sent() -> None:
    scene = Scene()
    scene.connection.a.send(b"one")
    scene.simulation.later(0.05, scene.connection.a.send, b"two")
    scene.run()
    assert scene.b.told == [(0.1, "receive", b"one"), (pytest.approx(0.15), "receive", b"two")]


def test_a_long_message_arrives_in_segments_and_whole() -> None:
    scene = Scene()
    data = random.Random(1).randbytes(3 * SEGMENT + 7)
    scene.connection.a.send(data)
    scene.run()
    assert [len(piece) for piece in scene.b.all("receive")] == [SEGMENT] * 3 + [7]
    assert scene.b.received == data


def test_jitter_delays_and_never_reorders() -> None:
    scene = Scene(jitter=0.5)
    for number in range(100):
        scene.simulation.later(number / 100, scene.connection.a.send, bytes([number]))
    scene.run()
    assert scene.b.received == bytes(range(100))
    took = [at - number / 100 for number, at in enumerate(scene.b.when("receive"))]
    assert min(took) >= LATENCY
    assert max(took) > LATENCY + 0.2


def test_both_directions_are_independent() -> None:
    scene = Scene()
    scene.connection.a.send(b"ping")
    scene.connection.b.send(b"pong")
    scene.run()
    assert (scene.a.received, scene.b.received) == (b"pong", b"ping")


def test_nothing_sent_is_nothing_told() -> None:
    scene = Scene()
    scene.connection.a.send(b"")
    scene.run()
    assert scene.a.told == scene.b.told == []


# ------------------------------------------------------------------------------------------------------------ bandwidth


def test_a_line_takes_its_time_for_each_byte() -> None:
    scene = Scene(up=Line(1000.0))
    scene.connection.a.send(bytes(500))
    scene.connection.a.send(bytes(250))
    scene.run()
    assert scene.b.when("receive") == [0.6, 0.85]


def test_both_lines_are_passed_one_after_the_other() -> None:
    scene = Scene(up=Line(1000.0), down=Line(500.0))
    scene.connection.a.send(bytes(500))
    scene.run()
    assert scene.b.when("receive") == [1.6]  # half a second out, the way, a second in


def test_connections_share_a_line_in_turns() -> None:
    """A short message of one does not wait for the megabytes of another."""
    up, simulation = Line(SEGMENT), Simulation(1)
    long, short = Scene(up=up, simulation=simulation), Scene(up=up, simulation=simulation)
    long.connection.a.send(bytes(20 * SEGMENT))
    short.connection.a.send(b"short")
    simulation.run(1000.0)
    assert short.b.when("receive")[0] < 2.2
    assert long.b.when("receive")[-1] == pytest.approx(20 + LATENCY, abs=0.01)


def test_the_receivers_line_is_shared_too() -> None:
    down, simulation = Line(SEGMENT), Simulation(1)
    long, short = Scene(down=down, simulation=simulation), Scene(down=down, simulation=simulation)
    long.connection.a.send(bytes(20 * SEGMENT))
    short.connection.a.send(b"short")
    simulation.run(1000.0)
    assert short.b.when("receive")[0] < 2.2


def test_the_end_comes_after_the_last_byte_whatever_the_lines() -> None:
    scene = Scene(up=Line(1000.0), down=Line(100.0))
    scene.connection.a.send(bytes(100))
    scene.connection.a.close()
    scene.run()
    assert [what for _, what, _ in scene.b.told] == ["receive", "eof"]


# -------------------------------------------------------------------------------------------------------- back-pressure


def test_the_sender_hears_after_each_send_how_much_waits() -> None:
    scene = Scene()
    scene.connection.a.send(b"little")
    assert scene.a.all("writable") == [0]
    scene.connection.a.send(bytes(WINDOW + SEGMENT))
    assert scene.a.all("writable") == [0, scene.connection.a.queued]
    assert 0 < scene.connection.a.queued <= SEGMENT


def test_a_receiver_that_does_not_read_stops_the_sender_and_reading_lets_it_go_on() -> None:
    scene = Scene()
    scene.connection.b.set_reading(reading=False)
    data = random.Random(1).randbytes(2 * WINDOW)
    scene.connection.a.send(data)
    scene.run(100.0)
    assert scene.b.told == []
    assert scene.connection.a.queued == WINDOW
    assert scene.a.all("writable") == [WINDOW], "and it is told no more, because nothing changes"
    scene.connection.b.set_reading(reading=True)
    assert scene.b.received == data[:WINDOW]
    assert scene.connection.a.queued == WINDOW, "it hears of the room only after the way back"
    scene.run()
    assert scene.b.received == data
    assert scene.a.all("writable") == [WINDOW, 0]
    assert scene.a.when("writable")[1] == pytest.approx(100.0 + LATENCY)


def test_a_receiver_may_stop_reading_in_the_middle() -> None:
    scene = Scene()
    scene.connection.b.set_reading(reading=False)
    for each in (b"a", b"b", b"c"):
        scene.connection.a.send(each)
    scene.run(1.0)
    receive = scene.b.receive

    def once(data: bytes) -> None:
        receive(data)
        scene.connection.b.set_reading(reading=False)

    scene.b.receive = once  # type: ignore[method-assign]  # a party with a mind of its own
    scene.connection.b.set_reading(reading=True)
    assert scene.b.received == b"a"
    assert not scene.connection.b.is_reading


def test_what_is_on_its_way_never_exceeds_the_window_by_more_than_a_segment() -> None:
    scene = Scene(down=Line(SEGMENT))
    scene.connection.a.send(bytes(3 * WINDOW))
    most = 0
    while scene.connection.a.queued:
        scene.run(0.5)
        most = max(most, 3 * WINDOW - scene.connection.a.queued - len(scene.b.received))
    assert WINDOW <= most < WINDOW + SEGMENT


# ---------------------------------------------------------------------------------------------------------- how it ends


def test_a_close_lets_what_was_sent_arrive_and_then_its_end() -> None:
    scene = Scene()
    scene.connection.a.send(b"last words")
    scene.connection.a.close()
    scene.connection.a.send(b"too late")
    scene.run()
    assert [(what, value) for _, what, value in scene.b.told] == [("receive", b"last words"), ("eof", None)]
    assert scene.connection.b.is_open
    assert scene.forgotten == []
    scene.connection.b.close()
    assert scene.forgotten == [scene.connection]


def test_who_has_closed_is_told_nothing_more() -> None:
    scene = Scene()
    scene.connection.a.close()
    scene.connection.b.send(b"anybody?")
    scene.connection.b.close()
    scene.run()
    assert scene.a.told == []


def test_a_close_with_unread_bytes_does_not_hold_up_the_other_side() -> None:
    scene = Scene()
    scene.connection.b.set_reading(reading=False)
    scene.connection.a.send(bytes(2 * WINDOW))
    scene.run(10.0)
    scene.connection.b.close()
    scene.run()
    assert scene.a.all("writable")[-1] == 0
    assert scene.a.all("eof") == [None]
    assert scene.b.told == []


def test_a_half_closed_end_still_reads() -> None:
    scene = Scene()
    scene.connection.a.half_close()
    scene.connection.a.send(b"no more")
    scene.connection.b.send(b"yes")
    scene.run()
    assert scene.b.all("eof") == [None]
    assert scene.b.received == b""
    assert scene.a.received == b"yes"
    scene.connection.a.close()
    scene.run()
    assert scene.b.all("eof") == [None], "the end is told once"


def test_a_reset_drops_what_is_on_its_way_and_is_heard_of_after_the_way_there() -> None:
    scene = Scene()
    scene.connection.a.send(b"lost")
    scene.connection.b.send(b"lost, too")
    scene.connection.a.reset()
    scene.run()
    assert [(what, value) for _, what, value in scene.b.told if what != "writable"] == [
        ("lost", "connection reset by peer")
    ]
    assert scene.b.when("lost") == [LATENCY]
    assert scene.a.received == b""
    assert scene.a.all("lost") == [], "who breaks it knows"
    assert scene.forgotten == [scene.connection]


def test_a_reset_of_what_has_ended_is_nothing() -> None:
    scene = Scene()
    scene.connection.a.close()
    scene.connection.a.reset()
    scene.run()
    assert [what for _, what, _ in scene.b.told] == ["eof"]


def test_a_break_is_told_to_both() -> None:
    scene = Scene()
    scene.connection.a.send(b"lost")
    scene.connection.break_off("no route to host")
    scene.run()
    assert scene.a.all("lost") == scene.b.all("lost") == ["no route to host"]
    assert scene.b.received == b""
    assert scene.forgotten == [scene.connection]


def test_an_end_that_vanishes_leaves_the_other_half_open() -> None:
    scene = Scene()
    scene.connection.b.send(b"on its way")
    scene.connection.vanish(scene.connection.b)
    scene.connection.a.send(bytes(2 * WINDOW))
    scene.run()
    assert scene.a.all("receive") == scene.a.all("eof") == scene.a.all("lost") == []
    assert scene.a.all("writable") == [WINDOW], "nobody takes anything any more"
    assert scene.forgotten == [scene.connection]
    scene.connection.a.close()
    assert scene.forgotten == [scene.connection], "and it is forgotten once"


# ----------------------------------------------------------------------------------------------------------- partitions


def test_a_cut_lets_arrive_what_is_on_its_way_and_holds_the_rest_until_it_is_healed() -> None:
    scene = Scene()
    scene.connection.a.send(b"before ")
    scene.connection.cut()
    scene.connection.a.send(b"meanwhile")
    assert scene.a.all("writable") == [0, 9]
    scene.run(50.0)
    assert scene.b.received == b"before "
    scene.connection.heal()
    scene.run()
    assert scene.b.received == b"before meanwhile"
    assert scene.b.when("receive") == [LATENCY, 50.0 + LATENCY]
    assert scene.a.all("writable") == [0, 9, 0]


def test_a_cut_also_holds_what_has_not_passed_the_line() -> None:
    scene = Scene(up=Line(10.0))
    scene.connection.a.send(b"0123456789")
    scene.connection.a.send(b"abc")
    scene.run(0.5)
    scene.connection.cut()
    scene.run(50.0)
    assert scene.b.received == b""
    scene.connection.heal()
    scene.run()
    assert scene.b.received == b"0123456789abc"


def test_a_close_and_a_reset_do_not_get_through_a_cut() -> None:
    closing, resetting = Scene(), Scene()
    for scene in (closing, resetting):
        scene.connection.cut()
    closing.connection.a.close()
    resetting.connection.a.reset()
    for scene in (closing, resetting):
        scene.run(100.0)
        assert scene.b.told == []
        scene.connection.heal()
        scene.run(100.0)
    assert closing.b.all("eof") == [None]
    assert resetting.b.told == [], "a reset is said once: the other side stays half open"
