"""The conformance tests of addresses: number 39 of the forty, the side that receives (`test_serving` has the other)."""

from __future__ import annotations

import pytest

from headway.network import Network
from headway.networks.bitcoin import REGTEST
from headway.node.orders import PeerLost
from headway.peer.events import Reason
from headway.peer.stats import PeerStats
from headway.types import Address
from headway.wire import messages as m
from tests.scene import WORLDS
from tests.stranger import Stranger
from tests.toynet import TOYNET
from tests.virtual import WALL, VirtualNode, World

SOURCE = "8.200.3.4:50000"


def addresses(count: int, first: int = 0) -> m.Addr:
    """Public ones, each of another network, so that none is in another's way in the book."""
    numbers = range(first, first + count)
    return m.Addr(tuple(Address(f"{20 + (n >> 8)}.{n & 255}.1.1", 8333, 9, int(WALL)) for n in numbers))


def known(node: VirtualNode) -> int:
    return len(node.machine.slots.book)


def stats_of(node: VirtualNode) -> PeerStats:
    """Of its only peer."""
    (number,) = node.machine.peer_ids
    machine = node.machine.peer(number)
    assert machine is not None
    return machine.stats


@pytest.fixture(params=[REGTEST, TOYNET], ids=["regtest", "toynet"])
def world(request: pytest.FixtureRequest) -> World:
    network: Network = request.param
    return World(network)


def test_of_a_flood_the_first_address_is_heard_and_then_one_in_ten_seconds(world: World) -> None:
    """Conformance test 39."""
    node, stranger = world.node(at="1.0.0.1:1"), Stranger(world)
    link = stranger.call(node, source=SOURCE)
    assert link is not None
    stranger.shake(link)
    heard = []
    for number in range(6):
        stranger.says(link, addresses(1_000, 1_000 * number))
        heard.append(known(node))
        world.run(10.0 * number + 0.01)
    assert heard == [1, 1, 2, 4, 7, 11]
    assert stranger.links == [link]  # and nobody is ended for it
    assert (stats_of(node).addresses, stats_of(node).addresses_ignored) == (6_000, 6_000 - 11)


def test_a_thousand_more_are_heard_after_our_own_question_and_only_then(world: World) -> None:
    """Conformance test 39."""
    stranger = Stranger(world, at="8.200.3.4:1")
    node = world.node(peers=1, peers_file=(Address("8.200.3.4", 1),))
    world.run(2.0)
    (link,) = stranger.links
    assert any(isinstance(each, m.GetAddr) for each in stranger.shake(link))
    ignored = []
    for number in range(3):
        stranger.says(link, addresses(1_000, 1_000 * number))
        ignored.append(stats_of(node).addresses_ignored)
    assert ignored == [0, 999, 1_999]  # the one that is heard in the second message comes with the connection
    assert known(node) > 800  # of a thousand from one source, some are in each other's way


def test_with_1001_addresses_in_a_message_a_peer_is_discouraged() -> None:
    """Conformance test 39. Its host is left alone, whether we dialled it or it us."""
    world = World(WORLDS["regtest"])
    node, stranger = world.node(at="1.0.0.1:1"), Stranger(world)
    link = stranger.call(node, source=SOURCE)
    assert link is not None
    stranger.shake(link)
    stranger.says(link, m.Unknown("addr", b"\xfd" + (1_001).to_bytes(2, "little") + bytes(30 * 1_001)))
    world.run(1.0)
    assert stranger.links == []
    [lost] = node.events_of(PeerLost)
    assert lost.reason is Reason.MISBEHAVED
    book = node.machine.slots.book
    assert (known(node), node.machine.counters.misbehaved) == (0, 1)
    assert book.is_discouraged(Address("8.200.3.4", 8333), world.now)
    assert not book.is_discouraged(Address("8.200.3.5", 8333), world.now)
