"""The handshake: who speaks when, what is accepted, and what is never said before it is over."""

from __future__ import annotations

from dataclasses import replace

import pytest

from headway.errors import SelfConnection
from headway.network import Network, Timing
from headway.networks.bitcoin import REGTEST
from headway.networks.bitcoin.handshake import BitcoinHandshake
from headway.peer.events import HandshakeCompleted, MessageReceived, PeerDisconnected, PeerMisbehaved, PeerState, Reason
from headway.wire import messages as m
from tests.link import THERE, WALL, Link, Remote, is_ready, only
from tests.manners import forgiving
from tests.toynet import NEO_MANNERS, TOYNET, toynet

NEO = toynet(handshake=NEO_MANNERS)


def test_nothing_but_verack_is_awaited_after_version_by_neos_manners() -> None:
    remote = Remote(NEO)
    remote.connect()
    remote.says(remote.version, m.Ping(1), now=1.0)
    assert "ping where a verack belongs" in remote.ended().message


def test_a_second_version_before_verack_disconnects_by_neos_manners() -> None:
    remote = Remote(NEO)
    remote.connect()
    remote.says(remote.version, remote.version, m.Verack(), now=1.0)
    assert remote.ended() == PeerDisconnected(Reason.PROTOCOL, "second version")


@forgiving
def test_what_they_negotiated_is_kept(network: Network) -> None:
    remote = Remote(network)
    remote.connect()
    remote.says(remote.version, m.SendAddrV2(), m.SendAddrV2(), m.Verack(), now=1.0)
    assert remote.peer.negotiated == {"sendaddrv2"}


@pytest.mark.parametrize("inbound", [False, True])
def test_whoever_says_our_own_nonce_back_to_us_is_ourselves_or_a_mirror(network: Network, *, inbound: bool) -> None:
    remote = Remote(network, inbound=inbound)
    remote.connect()
    remote.says(replace(remote.version, nonce=remote.peer.nonce), m.Verack(), now=1.0)
    error = only(PeerMisbehaved, remote.events()).error
    assert isinstance(error, SelfConnection)
    assert error.nonce == remote.peer.nonce


@forgiving
def test_connections_that_negotiated_the_same_share_one_set(network: Network) -> None:
    """Thousands of idle peers hold it."""
    negotiated = []
    for _ in range(2):
        remote = Remote(network)
        remote.connect()
        remote.says(remote.version, m.SendAddrV2(), m.Verack(), now=1.0)
        negotiated.append(remote.peer.negotiated)
    assert negotiated[0] is negotiated[1]


def test_two_peers_without_a_nonce_are_not_the_same(network: Network) -> None:
    remote = Remote(network, nonce=0)
    remote.shake(nonce=0)
    assert remote.peer.state is PeerState.READY


@forgiving
def test_a_configured_nonce_is_used(network: Network) -> None:
    remote = Remote(network, nonce=1200)
    [version] = remote.connect()
    assert isinstance(version, m.Version)
    assert version.nonce == remote.peer.nonce == 1200


@forgiving
def test_our_version_says_who_we_are(network: Network) -> None:
    remote = Remote(network, user_agent="/me:1/", services=1, start_height=lambda: 7, protocol_version=70015)
    [version] = remote.connect(now=5.0)
    assert isinstance(version, m.Version)
    said = (version.protocol, version.services, version.wall_time, version.user_agent, version.start_height)
    assert said == (70015, 1, int(WALL) + 5, "/me:1/", 7)
    assert version.relay is False


def test_bitcoins_version_names_the_remote_and_its_newest_protocol() -> None:
    [version] = Remote(REGTEST).connect()
    assert isinstance(version, m.Version)
    assert version.protocol == 70016
    assert version.remote is not None
    assert (version.remote.host, version.remote.port) == (THERE.host, THERE.port)


def test_a_close_during_the_handshake_says_what_was_missing(network: Network) -> None:
    for sent, missing in (((), "version"), (("version",), "verack")):
        remote = Remote(network)
        remote.connect()
        if sent:
            remote.says(remote.version, now=1.0)
        remote.peer.receive_eof(2.0)
        expected = f"the remote closed the connection before its {missing}"
        assert remote.ended() == PeerDisconnected(Reason.REMOTE_CLOSED, expected)


@pytest.mark.parametrize("manners", [TOYNET, NEO], ids=["bitcoins", "neos"])
def test_two_machines_shake_hands_by_either_manners(manners: Network) -> None:
    link = Link(manners, latency=0.1)
    link.connect()
    link.run(5.0)
    assert is_ready(link.a)
    assert is_ready(link.b)


def test_two_machines_of_bitcoin_shake_hands_byte_by_byte() -> None:
    link = Link(REGTEST, piece=1, ours={"user_agent": "/a:1/"}, theirs={"user_agent": "/b:1/"})
    link.connect()
    link.run(5.0)
    assert only(HandshakeCompleted, link.a.events).version.user_agent == "/b:1/"
    assert only(HandshakeCompleted, link.b.events).version.user_agent == "/a:1/"


def test_the_handshake_deadline_is_over_with_the_handshake(network: Network) -> None:
    remote = Remote(network)
    remote.shake(now=1.0)
    assert remote.peer.since == 1.0
    remote.peer.handle_timer(61.0)
    assert remote.peer.state is PeerState.READY


def test_bitcoin_asks_for_announcements_by_header_once_ready() -> None:
    assert BitcoinHandshake().after_verack(Remote(REGTEST).version) == (m.SendHeaders(), m.SendCmpct(False, 2))
    remote = Remote(REGTEST)
    remote.connect()
    remote.says(remote.version, now=1.0)
    assert "sendheaders" not in remote.commands()
    remote.says(m.Verack(), now=2.0)
    assert remote.commands() == ["sendheaders", "sendcmpct"]


@pytest.mark.parametrize("inbound", [False, True])
def test_our_verack_may_wait_for_theirs(inbound: bool) -> None:
    network = toynet(handshake=replace(NEO_MANNERS, awaits="/slow:1/"))
    remote = Remote(network, inbound=inbound)
    remote.connect()
    remote.says(replace(remote.version, user_agent="/slow:1/"), now=0.0)
    assert [message.command for message in remote.hears()] == ([] if inbound else ["version"])
    assert remote.events() == []
    remote.says(m.Verack(), now=0.0)
    assert [message.command for message in remote.hears()] == ["verack"]
    only(HandshakeCompleted, remote.events())


def rested(pause: float = 0.5) -> Remote:
    """A handshake that is done at 0.0, on a network with a pause behind it."""
    remote = Remote(replace(TOYNET, timing=Timing(verack_pause=pause)))
    remote.connect()
    remote.says(remote.version, m.Verack(), now=0.0)
    remote.hears()
    return remote


def test_the_owner_hears_of_the_handshake_after_the_pause_not_before() -> None:
    remote = rested()
    assert remote.peer.get_timer() == 0.5
    remote.peer.handle_timer(0.499)
    assert remote.events() == []
    remote.peer.handle_timer(0.5)
    only(HandshakeCompleted, remote.events())
    remote.peer.handle_timer(9.0)
    assert remote.events() == []


def test_a_remote_that_speaks_ends_the_pause() -> None:
    remote = rested()
    remote.says(m.GetAddr(), now=0.1)
    assert [type(event) for event in remote.events()] == [HandshakeCompleted, MessageReceived]
    assert remote.peer.get_timer() == 120.1  # the first ping


def test_a_remote_that_leaves_in_the_pause_has_not_shaken_hands_for_its_owner() -> None:
    remote = rested()
    remote.peer.receive_eof(0.2)
    assert [type(event) for event in remote.events()] == [PeerDisconnected]
    assert remote.peer.get_timer() is None
