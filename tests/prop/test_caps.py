"""Nothing that a remote can make grow grows past its cap: each bound is passed on purpose, and nothing else is large.

`tests.growth` looks at every collection of a machine, so that none is forgotten. What grows by our own orders, or by
proof of work (the tree of headers, whose own cap `tests/unit/chain` tries), is not a remote's.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from headway.network import Network
from headway.peer.machine import PeerMachine
from headway.peer.output import MAX_LATE
from headway.types import Address
from headway.wire import messages as m
from tests.growth import past_their_caps, sizes
from tests.link import Remote, blocks_of, ready, requests_of
from tests.scene import WORLDS, Scene
from tests.stranger import Stranger
from tests.virtual import VirtualNode, World

NETWORKS = [name for name in WORLDS if WORLDS[name].name == name]
"""One way of each network: manners change no bound."""


def pinged_while_we_are_slow(network: Network) -> PeerMachine:
    remote = ready(network)
    remote.peer.handle_paused(1.0)
    for number in range(1, 1_000):
        remote.says(m.Ping(number), now=1.0)
        remote.hears()
    return remote.peer


def called_by_names_that_nobody_knows(network: Network) -> PeerMachine:
    remote = ready(network)
    for number in range(15, 256):
        remote.says(m.Unknown(f"toy{number}", bytes(number)), now=1.0)
        remote.events()
    return remote.peer


def offered_everything_a_thousand_times(network: Network) -> PeerMachine:
    remote = Remote(network)
    remote.connect()
    remote.says(remote.version, now=1.0)
    for number in range(1_000):
        offers: list[m.Message] = [m.SendAddrV2()]
        if network.name == "regtest":
            offers += [m.WtxidRelay(), m.SendTxRcncl(1, number), m.Feature(f"feature {number}", bytes(512))]
        remote.says(*offers, now=1.0)
    remote.says(m.Verack(), now=1.0)
    remote.hears()
    return remote.peer


def told_a_long_name(network: Network) -> PeerMachine:
    remote = Remote(network)
    remote.shake(user_agent="x" * 256)
    return remote.peer


def sent_almost_a_message(network: Network) -> PeerMachine:
    """All but its last byte, in pieces as they come from a socket."""
    remote = ready(network)
    largest = network.limits.max_payload
    frame = remote.encode(m.Unknown("toy99", bytes(largest)))[:-1]
    for at in range(0, len(frame), 65_536):
        remote.peer.receive_data(frame[at : at + 65_536], 1.0)
    return remote.peer


def asked_in_vain_for_many_batches(network: Network) -> PeerMachine:
    """What is owed of a finished batch may still come, so it is remembered."""
    remote = ready(network)
    for salt in range(50):
        remote.peer.request_blocks(requests_of(network, blocks_of(network, 10, salt)), 1.0).finish(1.0)
        remote.hears()
        remote.events()
    return remote.peer


Story = Callable[[Network], PeerMachine]
PUSHES: list[tuple[Story, str, dict[str, int]]] = [
    (pinged_while_we_are_slow, "_late", dict.fromkeys(NETWORKS, MAX_LATE)),
    (called_by_names_that_nobody_knows, "received", dict.fromkeys(NETWORKS, 3)),  # version, verack, other
    (offered_everything_a_thousand_times, "negotiated", {"regtest": 4, "toynet": 1}),
    (told_a_long_name, "user_agent", dict.fromkeys(NETWORKS, 256)),
    (sent_almost_a_message, "_received", {"regtest": 3_999_999}),
    (sent_almost_a_message, "_buffer", {"toynet": 4_000_007}),
    (asked_in_vain_for_many_batches, "downloads._late", dict.fromkeys(NETWORKS, 12)),
]
"""Who pushes, what it makes grow, and how far that goes on each network."""


@pytest.mark.parametrize(
    ("story", "path", "network", "most"),
    [(story, path, network, most) for story, path, reached in PUSHES for network, most in reached.items()],
)
def test_what_a_remote_pushes_stops_at_its_cap(story: Story, path: str, network: str, most: int) -> None:
    peer = story(WORLDS[network])
    found = {name: size for name, size in sizes(peer).items() if name.endswith(path)}
    assert list(found.values()) == [most]
    assert past_their_caps(peer) == {}


# A whole node.


def everything(network: str) -> tuple[list[m.Message], list[m.Message]]:
    """What a ready peer may say, and what ends it."""
    said = Scene.of(network).messages(Remote(WORLDS[network]))
    fatal: list[m.Message] = [
        each for each in said if isinstance(each, m.SendAddrV2) or (isinstance(each, m.Block) and len(each) < 10)
    ]
    return [each for each in said if each not in fatal], fatal


def addresses(first: int) -> m.Addr:
    """A thousand of the public internet, others for each `first`."""
    numbers = range(first * 1_000, first * 1_000 + 1_000)
    return m.Addr(tuple(Address(f"8.{n >> 16}.{n >> 8 & 255}.{n & 255}", 8333) for n in numbers))


def assert_capped(node: VirtualNode) -> None:
    assert past_their_caps(node.machine) == {}


@pytest.mark.parametrize("network", NETWORKS)
def test_nothing_of_a_serving_node_grows_past_its_cap_whatever_its_callers_say(network: str) -> None:
    world = World(WORLDS[network])
    node = world.node(Scene.of(network).blocks, at="1.0.0.1:1", max_inbound=20)
    stranger = Stranger(world)
    said, fatal = everything(network)
    refused = 0
    for number in range(60):
        link = stranger.call(node, source=f"9.0.0.{number}:1")
        if link is None:
            refused += 1
            stranger.hangs_up(stranger.links[0])
            continue
        stranger.shake(link)
        for message in (*said, *fatal[: number % 3]):
            stranger.says(link, message)
    assert_capped(node)
    for number in range(11):
        for link in stranger.links:
            stranger.says(link, addresses(number))
    assert_capped(node)
    assert refused > 0
    assert len(node.machine.slots.book) <= 2 * 60  # each may tell of one at once, and of one more every ten seconds
    for link in stranger.links:
        stranger.hangs_up(link)
    world.run(10.0)
    of_peers = (
        "_peers",
        "_server._clients",
        "_outbox",
        "sync.headers._peers",
        "sync.blocks.sources._sources",
        "sync.blocks.window.asked",
    )
    left = [path for path in sizes(node.machine) if path.startswith(of_peers)]
    assert [path for path in left if not path.startswith("_peers.tally.")] == []  # the sums of all that ever were here


@pytest.mark.parametrize("network", NETWORKS)
def test_nothing_of_a_node_grows_past_its_cap_whatever_those_say_whom_it_dialled(network: str) -> None:
    world = World(WORLDS[network])
    stranger = Stranger(world)
    found = [Address("1.0.0.7", port) for port in range(1, 41)]
    world.listening |= dict.fromkeys(found, stranger)
    node = world.node(connect=tuple(found))
    said, fatal = everything(network)
    talks = 0
    while talks < 100 and world.run(60.0, until=lambda: stranger.links != []):
        link = stranger.links[-1]
        stranger.shake(link)
        for message in (*said, *fatal[: talks % 3]):
            stranger.says(link, message)
        assert_capped(node)
        if link in stranger.links:
            stranger.hangs_up(link)
        talks += 1
    assert talks >= len(found)
