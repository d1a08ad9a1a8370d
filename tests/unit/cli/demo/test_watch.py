"""What is seen of peers with every fault: the node machine among them, in virtual time."""

from __future__ import annotations

import pytest

from headway.cli.demo.network import ServingPeer
from headway.cli.demo.peer import Fault
from headway.cli.demo.watch import EXPECTED, Outcome, PeerView, Watch
from headway.types import Address
from tests import virtual
from tests.toynet import TOYNET, toy_chain

CHAIN = toy_chain(400, transaction_size=200)
PATIENCE = 3.0

FAULTS = {
    Fault.NONE: virtual.Fault(),
    Fault.STALL: virtual.Fault(stalls_after=20),
    Fault.CORRUPT: virtual.Fault(corrupts=20),
    Fault.LEAVE: virtual.Fault(leaves_after=20),
}


class Story:
    """A sync from one honest peer and one with a fault, seen as it goes."""

    def __init__(self, fault: Fault) -> None:
        self.world = virtual.World(virtual.network_with(TOYNET, batch_timeout=PATIENCE, ping_interval=0.5))
        names = {"honest": Fault.NONE, "other": fault}
        peers = [
            ServingPeer(name, kind, Address(f"10.0.0.{number}", 4444))
            for number, (name, kind) in enumerate(names.items(), 2)
        ]
        for peer in peers:
            self.world.node(CHAIN, at=str(peer.address), fault=FAULTS[peer.fault])
        self.ours = self.world.node(connect=tuple(peer.address for peer in peers))
        self.watch = Watch(peers)

    def look(self) -> tuple[PeerView, PeerView]:
        honest, other = self.watch.look(self.ours.machine, self.world.now)
        return honest, other

    def run(self, seconds: float) -> None:
        """Let time pass, and look often, as the demo does."""
        for _ in range(round(seconds * 100)):
            self.world.run(0.01)
            self.look()


@pytest.mark.parametrize("fault", Fault)
def test_each_fault_is_seen_for_what_it_is(fault: Fault) -> None:
    story = Story(fault)
    story.run(2 * PATIENCE)
    honest, other = story.look()
    assert story.ours.machine.is_at_tip
    assert (honest.outcome, other.outcome) == (Outcome.SERVED, EXPECTED[fault])
    assert honest.is_as_expected
    assert other.is_as_expected
    assert other.has_ended == (fault is not Fault.NONE)
    assert bool(other.reason) == other.has_ended
    assert honest.blocks + other.blocks >= len(CHAIN)
    assert other.blocks > 10


def test_before_the_first_connection_a_peer_is_connecting_and_unreachable() -> None:
    honest, other = Story(Fault.NONE).look()
    assert (honest.state, honest.outcome, honest.is_as_expected) == ("connecting", Outcome.UNREACHABLE, False)
    assert (other.blocks, other.mb_per_second, other.round_trip) == (0, 0.0, None)


def test_a_peer_that_owes_blocks_is_sending_and_after_a_while_silent() -> None:
    story = Story(Fault.STALL)
    story.world.run(10.0, until=lambda: story.look()[1].blocks > 5)
    assert story.look()[1].state == "sending"
    story.run(1.0)
    assert story.look()[1].state.startswith("silent")
    story.run(PATIENCE)
    assert story.look()[1].outcome is Outcome.STALLED


def test_a_peer_that_owes_nothing_is_idle() -> None:
    story = Story(Fault.NONE)
    story.run(2.0)
    assert {view.state for view in story.look()} == {"idle"}
    assert {view.round_trip is not None for view in story.look()} == {True}


def test_what_became_of_a_peer_stays_when_it_is_dialled_again() -> None:
    story = Story(Fault.STALL)
    story.run(PATIENCE + 1.0)
    assert story.look()[1].outcome is Outcome.STALLED
    story.run(10.0)
    assert story.look()[1].outcome is Outcome.STALLED


def test_all_are_met_once_each_is_past_its_handshake() -> None:
    story = Story(Fault.LEAVE)
    machine = story.ours.machine
    assert not story.watch.meet(machine)
    assert story.world.run(1.0, until=lambda: story.watch.meet(machine))
    assert machine.ready_count == 2
    story.world.run(3.0)  # and who has left since stays met, and is remembered
    assert story.watch.meet(machine)
    assert story.look()[1].outcome is Outcome.LEFT
