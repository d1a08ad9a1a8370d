"""The handshake: who speaks when, what is accepted, and what is never said before it is over."""

from __future__ import annotations

from dataclasses import replace

import pytest

from headway.errors import SelfConnection
from headway.network import Network
from headway.networks.bitcoin import REGTEST
from headway.networks.bitcoin.handshake import BitcoinHandshake
from headway.peer.events import HandshakeCompleted, PeerDisconnected, PeerMisbehaved, PeerState, Reason
from headway.types import Services
from headway.wire import messages as m
from tests.link import THERE, WALL, Link, Remote, headers_of, is_ready, only
from tests.toynet import NEO_MANNERS, TOYNET, toynet

NEO = toynet(handshake=NEO_MANNERS)
NOISE: tuple[m.Message, ...] = (
    m.Ping(5),
    m.Pong(5),
    m.GetAddr(),
    m.GetHeaders(()),
    m.Inv((m.InvEntry(2, bytes(32)),)),
    m.GetData((m.InvEntry(2, bytes(32)),)),
    m.NotFound((m.InvEntry(2, bytes(32)),)),
)
"""What both networks can say besides the handshake."""


def test_outbound_speaks_first_and_says_nothing_but_version_until_theirs(network: Network) -> None:
    remote = Remote(network)
    assert [type(message) for message in remote.connect()] == [m.Version]
    remote.says(*NOISE, now=1.0)
    assert remote.hears() == []
    remote.says(remote.version, now=2.0)
    assert remote.commands()[-1] == "verack"


def test_inbound_says_nothing_to_a_silent_peer_and_drops_it_at_the_timeout(network: Network) -> None:
    remote = Remote(network, inbound=True)
    assert remote.connect() == []
    assert remote.timer() == 60.0
    remote.peer.handle_timer(59.9)
    assert remote.peer.state is PeerState.HANDSHAKING
    remote.peer.handle_timer(60.0)
    assert remote.hears() == []
    assert remote.ended() == PeerDisconnected(Reason.HANDSHAKE_TIMEOUT, "no version in 60 s")
    assert remote.peer.wants_close()


def test_inbound_answers_with_version_then_negotiation_then_verack(network: Network) -> None:
    remote = Remote(network, inbound=True)
    remote.connect()
    remote.says(remote.version, now=1.0)
    commands = remote.commands()
    assert commands[0] == "version"
    assert commands[-1] == "verack"
    assert set(commands[1:-1]) <= {"wtxidrelay", "sendaddrv2"}
    assert "sendaddrv2" in commands


def test_what_comes_before_their_version_is_ignored_and_the_handshake_stays_open(network: Network) -> None:
    remote = Remote(network)
    remote.connect()
    remote.says(m.Verack(), *NOISE, m.SendAddrV2(), m.Verack(), now=1.0)
    assert remote.events() == []
    remote.says(remote.version, m.Verack(), now=2.0)
    assert remote.events() == [HandshakeCompleted(remote.peer.version or remote.version)]
    assert remote.peer.state is PeerState.READY


@pytest.mark.parametrize("first", [*NOISE, m.Verack(), m.SendAddrV2()], ids=lambda message: message.command)
@pytest.mark.parametrize("inbound", [False, True])
def test_a_wrong_first_message_never_completes_a_handshake_by_neos_manners(first: m.Message, *, inbound: bool) -> None:
    remote = Remote(NEO, inbound=inbound)
    remote.connect()
    remote.says(first, remote.version, m.Verack(), now=1.0)
    events = remote.events()
    assert only(PeerMisbehaved, events).error.message == f"{first.command} where a version belongs"
    assert isinstance(events[-1], PeerDisconnected)
    assert events[-1].reason is Reason.HANDSHAKE_REJECTED
    assert remote.peer.wants_close()


def test_an_unknown_command_before_verack_does_not_hinder_the_handshake(network: Network) -> None:
    remote = Remote(network)
    remote.connect()
    remote.says(remote.version, m.Unknown("toy99", b"?"), *NOISE, m.Verack(), now=1.0)
    assert remote.peer.state is PeerState.READY
    assert only(HandshakeCompleted, remote.events()).version.user_agent == "/far:1/"


def test_nothing_but_verack_is_awaited_after_version_by_neos_manners() -> None:
    remote = Remote(NEO)
    remote.connect()
    remote.says(remote.version, m.Ping(1), now=1.0)
    assert "ping where a verack belongs" in remote.ended().message


def test_a_second_version_or_verack_is_ignored_by_bitcoins_manners(network: Network) -> None:
    remote = Remote(network)
    remote.connect()
    other = replace(remote.version, user_agent="/other:2/", services=0)
    remote.says(remote.version, other, m.Verack(), other, m.Verack(), now=1.0)
    assert remote.peer.version is not None
    assert remote.peer.version.user_agent == "/far:1/"
    assert len(remote.events()) == 1
    assert remote.peer.state is PeerState.READY


@pytest.mark.parametrize("again", [m.Version(2, 0, 0, 5, "", 0), m.Verack()], ids=lambda message: message.command)
def test_a_second_version_or_verack_disconnects_by_neos_manners(again: m.Message) -> None:
    remote = Remote(NEO)
    remote.shake()
    remote.says(again, now=2.0)
    assert remote.ended() == PeerDisconnected(Reason.PROTOCOL, f"second {again.command}")


def test_a_second_version_before_verack_disconnects_by_neos_manners() -> None:
    remote = Remote(NEO)
    remote.connect()
    remote.says(remote.version, remote.version, m.Verack(), now=1.0)
    assert remote.ended() == PeerDisconnected(Reason.PROTOCOL, "second version")


def test_negotiation_after_the_handshake_disconnects(network: Network) -> None:
    remote = Remote(network)
    remote.shake()
    remote.says(m.SendAddrV2(), now=2.0)
    assert remote.ended() == PeerDisconnected(Reason.PROTOCOL, "sendaddrv2 after the handshake")


@pytest.mark.parametrize("late", [m.WtxidRelay(), m.Feature("feature", b""), m.SendTxRcncl(1, 0)])
def test_every_negotiation_of_bitcoin_disconnects_when_it_is_late(late: m.Message) -> None:
    remote = Remote(REGTEST)
    remote.shake()
    remote.says(late, now=2.0)
    assert remote.ended().reason is Reason.PROTOCOL


def test_what_they_negotiated_is_kept(network: Network) -> None:
    remote = Remote(network)
    remote.connect()
    remote.says(remote.version, m.SendAddrV2(), m.SendAddrV2(), m.Verack(), now=1.0)
    assert remote.peer.negotiated == {"sendaddrv2"}


def test_our_own_nonce_in_an_inbound_version_is_a_self_connection(network: Network) -> None:
    dialler = Remote(network)
    [ours] = dialler.connect()
    assert isinstance(ours, m.Version)
    listener = Remote(network, inbound=True, is_own_nonce=lambda nonce: nonce == dialler.peer.nonce)
    listener.connect()
    listener.says(ours, now=1.0)
    assert listener.ended() == PeerDisconnected(Reason.HANDSHAKE_REJECTED, "self-connection")
    assert listener.hears() == []


@pytest.mark.parametrize("inbound", [False, True])
def test_whoever_says_our_own_nonce_back_to_us_is_ourselves_or_a_mirror(network: Network, *, inbound: bool) -> None:
    remote = Remote(network, inbound=inbound)
    remote.connect()
    remote.says(replace(remote.version, nonce=remote.peer.nonce), m.Verack(), now=1.0)
    error = only(PeerMisbehaved, remote.events()).error
    assert isinstance(error, SelfConnection)
    assert error.nonce == remote.peer.nonce


def test_two_peers_without_a_nonce_are_not_the_same(network: Network) -> None:
    remote = Remote(network, nonce=0)
    remote.shake(nonce=0)
    assert remote.peer.state is PeerState.READY


def test_two_machines_have_two_nonces_and_none_is_zero(network: Network) -> None:
    nonces = {Remote(network, seed=seed).peer.nonce for seed in range(100)}
    assert len(nonces) == 100
    assert 0 not in nonces


def test_a_configured_nonce_is_used(network: Network) -> None:
    remote = Remote(network, nonce=1200)
    [version] = remote.connect()
    assert isinstance(version, m.Version)
    assert version.nonce == remote.peer.nonce == 1200


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


def test_version_holds_what_they_said_and_not_what_we_did(network: Network) -> None:
    remote = Remote(network, services=0)
    remote.shake(services=9, start_height=123_456)
    assert remote.peer.version is not None
    assert (remote.peer.version.services, remote.peer.version.start_height) == (9, 123_456)


@pytest.mark.parametrize(("protocol", "accepted"), [(31_799, False), (31_800, True)])
def test_an_obsolete_version_is_refused(protocol: int, *, accepted: bool) -> None:
    remote = Remote(REGTEST)
    remote.connect()
    remote.says(replace(remote.version, protocol=protocol), m.Verack(), now=1.0)
    assert (remote.peer.state is PeerState.READY) is accepted
    if not accepted:
        assert "obsolete" in remote.ended().message


def test_a_peer_without_the_required_services_is_refused_by_name_and_a_manual_one_is_kept() -> None:
    required = int(Services.NETWORK | Services.WITNESS)
    picky, content = Remote(REGTEST, required_services=required), Remote(REGTEST)
    for remote in (picky, content):
        remote.connect()
        remote.says(replace(remote.version, services=int(Services.NETWORK)), m.Verack(), now=1.0)
    assert picky.ended() == PeerDisconnected(Reason.HANDSHAKE_REJECTED, "services missing: WITNESS")
    assert content.peer.state is PeerState.READY


def test_no_verack_in_time_disconnects_whatever_else_flows(network: Network) -> None:
    remote = Remote(network)
    remote.connect()
    remote.says(remote.version, now=1.0)
    for second in range(2, 60):
        remote.says(m.Ping(second), now=float(second))
    remote.hears()
    remote.peer.handle_timer(60.0)
    assert remote.ended() == PeerDisconnected(Reason.HANDSHAKE_TIMEOUT, "no verack in 60 s")
    assert remote.peer.wants_close()
    assert remote.peer.get_timer() is None
    remote.says(m.Verack(), now=61.0)
    assert (remote.events(), remote.hears()) == ([], [])


@pytest.mark.parametrize("inbound", [False, True])
def test_nothing_leaks_before_the_handshake_is_complete(network: Network, *, inbound: bool) -> None:
    remote = Remote(network, inbound=inbound)
    said = [message.command for message in remote.connect()]
    answer = headers_of(network, [])
    remote.says(*NOISE, answer, now=1.0)
    remote.says(remote.version, *NOISE, answer, now=2.0)
    remote.peer.handle_timer(30.0)
    said += remote.commands()
    assert set(said) <= {"version", "wtxidrelay", "sendaddrv2", "verack"}
    assert said.count("version") == said.count("verack") == 1
    assert remote.events() == []


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
    assert BitcoinHandshake().after_verack(Remote(REGTEST).version) == (m.SendHeaders(),)
    remote = Remote(REGTEST)
    remote.connect()
    remote.says(remote.version, now=1.0)
    assert "sendheaders" not in remote.commands()
    remote.says(m.Verack(), now=2.0)
    assert remote.commands() == ["sendheaders"]
