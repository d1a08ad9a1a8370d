"""The conformance tests of the handshake: numbers 1 to 12 of the forty.

Machines without sockets; time is a number. What differs between chains is shown with the manners of both.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from headway.network import Network, Timing
from headway.networks.bitcoin import REGTEST
from headway.node.orders import PeerLost
from headway.peer.events import HandshakeCompleted, PeerDisconnected, PeerMisbehaved, PeerState, Reason
from headway.types import Address, Services
from headway.wire import messages as m
from tests.link import NETWORKS, STRICT, Remote, genesis_of, headers_of, only, unknown
from tests.manners import forgiving, neo, neo2, strict
from tests.toynet import NEO_MANNERS, TOYNET, toy_chain, toynet
from tests.virtual import World

CHAIN = toy_chain(20)
NOISE: tuple[m.Message, ...] = (
    m.Ping(5),
    m.Pong(5),
    m.GetAddr(),
    m.GetHeaders((genesis_of(REGTEST),)),
    m.Inv((m.InvEntry(2, bytes(32)),)),
    m.GetData((m.InvEntry(2, bytes(32)),)),
    m.NotFound((m.InvEntry(2, bytes(32)),)),
)
"""What every network can say besides the handshake."""
NEGOTIATION = {"regtest": ["wtxidrelay", "sendaddrv2"], "toynet": ["sendaddrv2"]}


@forgiving
def test_outbound_speaks_first_and_says_nothing_but_version_until_theirs(network: Network) -> None:
    """Conformance test 1."""
    remote = Remote(network)
    assert [type(message) for message in remote.connect()] == [m.Version]
    remote.says(*NOISE, now=1.0)
    assert remote.hears() == []
    remote.says(remote.version, now=2.0)
    assert remote.commands()[-1] == "verack"


@strict
def test_outbound_waits_for_their_version_by_neos_manners(network: Network) -> None:
    """Conformance test 1. A verack leaves only after a version that pleased us."""
    remote = Remote(network)
    assert remote.connect() == []
    remote.says(remote.version, now=1.0)
    assert remote.commands() == ["version", "verack"]
    assert remote.events() == []
    remote.says(m.Verack(), now=2.0)
    assert remote.peer.state is PeerState.READY
    assert remote.commands() == []


@forgiving
def test_inbound_says_nothing_to_a_silent_peer_and_drops_it_at_the_timeout(network: Network) -> None:
    """Conformance test 2."""
    remote = Remote(network, inbound=True)
    assert remote.connect() == []
    assert remote.timer() == 60.0
    remote.peer.handle_timer(59.9)
    assert remote.peer.state is PeerState.HANDSHAKING
    remote.peer.handle_timer(60.0)
    assert remote.hears() == []
    assert remote.ended() == PeerDisconnected(Reason.HANDSHAKE_TIMEOUT, "no version in 60 s")
    assert remote.peer.wants_close()


@strict
def test_inbound_says_its_version_and_no_more_to_a_silent_peer_by_neos_manners(network: Network) -> None:
    """Conformance test 2."""
    remote = Remote(network, inbound=True)
    assert [type(message) for message in remote.connect()] == [m.Version]
    remote.peer.handle_timer(59.9)
    assert remote.peer.state is PeerState.HANDSHAKING
    remote.peer.handle_timer(60.0)
    assert remote.hears() == []
    assert remote.ended() == PeerDisconnected(Reason.HANDSHAKE_TIMEOUT, "no version in 60 s")


@forgiving
def test_inbound_answers_with_version_then_negotiation_then_verack(network: Network) -> None:
    """Conformance test 3."""
    remote = Remote(network, inbound=True)
    remote.connect()
    remote.says(remote.version, now=1.0)
    assert remote.commands() == ["version", *NEGOTIATION[network.name], "verack"]


@strict
def test_inbound_has_only_its_verack_left_to_say_by_neos_manners(network: Network) -> None:
    """Conformance test 3. Neo negotiates nothing."""
    remote = Remote(network, inbound=True)
    remote.connect()
    remote.says(remote.version, now=1.0)
    assert remote.commands() == ["verack"]


def test_inbound_negotiates_nothing_with_a_peer_that_is_too_old_for_it() -> None:
    """Conformance test 3."""
    remote = Remote(REGTEST, inbound=True)
    remote.connect()
    remote.says(replace(remote.version, protocol=70_015), now=1.0)
    assert remote.commands() == ["version", "verack"]


@forgiving
@pytest.mark.parametrize("inbound", [False, True])
def test_what_comes_before_their_version_is_ignored_and_the_handshake_stays_open(
    network: Network, *, inbound: bool
) -> None:
    """Conformance test 4."""
    remote = Remote(network, inbound=inbound)
    remote.connect()
    remote.says(m.Verack(), *NOISE, m.SendAddrV2(), m.Verack(), now=1.0)
    assert remote.events() == []
    remote.says(remote.version, m.Verack(), now=2.0)
    assert remote.events() == [HandshakeCompleted(remote.peer.version or remote.version)]
    assert remote.peer.state is PeerState.READY


@strict
@pytest.mark.parametrize("first", [*NOISE, m.Verack()], ids=lambda message: message.command)
@pytest.mark.parametrize("inbound", [False, True])
def test_a_wrong_first_message_never_completes_a_handshake_by_neos_manners(
    network: Network, first: m.Message, *, inbound: bool
) -> None:
    """Conformance test 4."""
    remote = Remote(network, inbound=inbound)
    remote.connect()
    remote.says(first, remote.version, m.Verack(), now=1.0)
    events = remote.events()
    assert only(PeerMisbehaved, events).error.message == f"{first.command} where a version belongs"
    assert isinstance(events[-1], PeerDisconnected)
    assert events[-1].reason is Reason.HANDSHAKE_REJECTED
    assert remote.peer.wants_close()


@forgiving
def test_an_unknown_command_before_verack_does_not_hinder_the_handshake(network: Network) -> None:
    """Conformance test 5."""
    remote = Remote(network)
    remote.connect()
    remote.says(remote.version, unknown(network, 99, b"?"), *NOISE, m.Verack(), now=1.0)
    assert remote.peer.state is PeerState.READY
    assert only(HandshakeCompleted, remote.events()).version.user_agent == "/far:1/"


@strict
@pytest.mark.parametrize("inbound", [False, True])
def test_nothing_may_stand_between_version_and_verack_by_neos_manners(network: Network, *, inbound: bool) -> None:
    """Conformance test 5."""
    for early in (unknown(network, 99, b"?"), *NOISE):
        remote = Remote(network, inbound=inbound)
        remote.connect()
        remote.says(remote.version, early, m.Verack(), now=1.0)
        said = f"{early.command} where a verack belongs"
        assert remote.ended() == PeerDisconnected(Reason.HANDSHAKE_REJECTED, said)


@forgiving
def test_a_second_version_or_verack_is_ignored_by_bitcoins_manners(network: Network) -> None:
    """Conformance test 6."""
    remote = Remote(network)
    remote.connect()
    other = replace(remote.version, user_agent="/other:2/", services=0)
    remote.says(remote.version, other, m.Verack(), other, m.Verack(), now=1.0)
    assert remote.peer.version is not None
    assert remote.peer.version.user_agent == "/far:1/"
    assert len(remote.events()) == 1
    assert remote.peer.state is PeerState.READY


@strict
@pytest.mark.parametrize("again", [m.Version(2, 0, 0, 5, "", 0), m.Verack()], ids=lambda message: message.command)
def test_a_second_version_or_verack_disconnects_by_neos_manners(network: Network, again: m.Message) -> None:
    """Conformance test 6."""
    remote = Remote(network)
    remote.shake()
    remote.says(again, now=2.0)
    assert remote.ended() == PeerDisconnected(Reason.PROTOCOL, f"second {again.command}")


@strict
def test_a_second_version_before_the_verack_disconnects_by_neos_manners(network: Network) -> None:
    """Conformance test 6."""
    remote = Remote(network)
    remote.connect()
    remote.says(remote.version, remote.version, m.Verack(), now=1.0)
    assert remote.ended() == PeerDisconnected(Reason.PROTOCOL, "second version")


@forgiving
def test_negotiation_after_the_handshake_disconnects(network: Network) -> None:
    """Conformance test 7."""
    remote = Remote(network)
    remote.shake()
    remote.says(m.SendAddrV2(), now=2.0)
    assert remote.ended() == PeerDisconnected(Reason.PROTOCOL, "sendaddrv2 after the handshake")


@pytest.mark.parametrize("late", [m.WtxidRelay(), m.Feature("feature", b""), m.SendTxRcncl(1, 0)])
def test_every_negotiation_of_bitcoin_disconnects_when_it_is_late(late: m.Message) -> None:
    """Conformance test 7."""
    remote = Remote(REGTEST)
    remote.shake()
    remote.says(late, now=2.0)
    assert remote.ended().reason is Reason.PROTOCOL


@pytest.mark.parametrize("network", [*NETWORKS.values(), *STRICT.values()], ids=[*NETWORKS, *STRICT])
def test_our_own_nonce_in_an_inbound_version_is_a_self_connection(network: Network) -> None:
    """Conformance test 8. Where the dialler waits, its version comes once it has heard ours."""
    dialler = Remote(network)
    said = dialler.connect()
    if not said:
        dialler.says(dialler.version, now=0.5)
        said = dialler.hears()
    ours = said[0]
    assert isinstance(ours, m.Version)
    listener = Remote(network, inbound=True, is_own_nonce=lambda nonce: nonce == dialler.peer.nonce)
    listener.connect()
    listener.says(ours, now=1.0)
    assert listener.ended() == PeerDisconnected(Reason.HANDSHAKE_REJECTED, "self-connection")
    assert listener.hears() == []
    assert listener.peer.version is None


@pytest.mark.parametrize("manners", [TOYNET, toynet(handshake=NEO_MANNERS)], ids=["bitcoins", "neos"])
def test_a_node_that_dialled_itself_leaves_the_address_alone_for_a_day(manners: Network) -> None:
    """Conformance test 8."""
    world = World(manners)
    ourselves, other = Address("1.0.0.1", 1), Address("1.0.0.2", 1)
    world.node(CHAIN, at=str(other))
    node = world.node(CHAIN, at=str(ourselves), connect=(ourselves, other))
    world.run(86_000)
    lost = node.events_of(PeerLost)
    assert sorted((event.inbound, event.reason, event.message) for event in lost) == [
        (False, Reason.HANDSHAKE_REJECTED, "self-connection"),
        (True, Reason.HANDSHAKE_REJECTED, "self-connection"),
    ]
    assert [event.address for event in lost if not event.inbound] == [ourselves]
    assert node.machine.counters.misbehaved == 0
    assert node.machine.ready_count == 1
    world.run(2_000)
    assert len(node.events_of(PeerLost)) == 4


@pytest.mark.parametrize(("protocol", "accepted"), [(31_799, False), (31_800, True)])
def test_an_obsolete_version_is_refused(protocol: int, *, accepted: bool) -> None:
    """Conformance test 9."""
    remote = Remote(REGTEST)
    remote.connect()
    remote.says(replace(remote.version, protocol=protocol), m.Verack(), now=1.0)
    assert (remote.peer.state is PeerState.READY) is accepted
    if not accepted:
        assert "obsolete" in remote.ended().message


def test_a_peer_without_the_required_services_is_refused_by_name_and_a_manual_one_is_kept() -> None:
    """Conformance test 10."""
    required = int(Services.NETWORK | Services.WITNESS)
    picky, content = Remote(REGTEST, required_services=required), Remote(REGTEST)
    for remote in (picky, content):
        remote.connect()
        remote.says(replace(remote.version, services=int(Services.NETWORK)), m.Verack(), now=1.0)
    assert picky.ended() == PeerDisconnected(Reason.HANDSHAKE_REJECTED, "services missing: WITNESS")
    assert content.peer.state is PeerState.READY


@neo
def test_a_peer_that_has_no_chain_is_refused_where_one_is_required(network: Network) -> None:
    """Conformance test 10. Legacy says so in its services; N3 by the capabilities that it has not."""
    no_full_node = ((0x01, (20_333).to_bytes(2, "little")),)
    picky, content = Remote(network, required_services=int(Services.NETWORK)), Remote(network)
    for remote in (picky, content):
        remote.connect()
        remote.says(replace(remote.version, services=0, capabilities=no_full_node), m.Verack(), now=1.0)
    assert picky.ended() == PeerDisconnected(Reason.HANDSHAKE_REJECTED, "services missing: NETWORK")
    assert "verack" not in picky.commands()
    assert content.peer.state is PeerState.READY


def test_a_node_refuses_what_it_found_itself_and_keeps_what_its_user_named() -> None:
    """Conformance test 10."""
    world = World(REGTEST)
    address = Address("1.0.0.1", 18444)
    world.node(at=str(address), serve=False)  # it offers nothing
    automatic = world.node(dns=True, peers=1, peers_file=(address,))
    manual = world.node(connect=(address,))
    world.run(0.5)
    [lost] = automatic.events_of(PeerLost)
    assert (lost.address, lost.reason) == (address, Reason.HANDSHAKE_REJECTED)
    assert lost.message == "services missing: NETWORK, WITNESS"
    assert (automatic.machine.ready_count, manual.machine.ready_count) == (0, 1)


@forgiving
@pytest.mark.parametrize("inbound", [False, True])
def test_no_verack_in_time_disconnects_whatever_else_flows(network: Network, *, inbound: bool) -> None:
    """Conformance test 11."""
    remote = Remote(network, inbound=inbound)
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


@strict
@pytest.mark.parametrize("inbound", [False, True])
def test_no_verack_in_time_disconnects_by_neos_manners_too(network: Network, *, inbound: bool) -> None:
    """Conformance test 11."""
    remote = Remote(network, inbound=inbound)
    remote.connect()
    remote.says(remote.version, now=1.0)
    remote.peer.handle_timer(59.9)
    assert remote.peer.state is PeerState.HANDSHAKING
    remote.peer.handle_timer(60.0)
    assert remote.ended() == PeerDisconnected(Reason.HANDSHAKE_TIMEOUT, "no verack in 60 s")
    assert remote.peer.get_timer() is None


@neo2
def test_who_would_lose_our_verack_has_it_behind_its_own(network: Network) -> None:
    """Conformance tests 3 and 11, of neo-one: it takes no verack before it has answered our version."""
    remote = Remote(network)
    remote.connect()
    remote.says(replace(remote.version, user_agent="NEO:neo-one-js:1.0.0-preview"), now=1.0)
    assert remote.commands() == ["version"]
    remote.says(m.Verack(), now=2.0)
    assert remote.commands() == ["verack"]
    assert remote.peer.state is PeerState.READY


@neo2
def test_after_the_handshake_the_conversation_rests_until_its_time_or_their_first_word(network: Network) -> None:
    """Conformance test 11, of neo-one: what came in one read with our verack would make it lose the verack."""
    resting = replace(network, timing=Timing(verack_pause=0.5))
    for wakes in (False, True):
        remote = Remote(resting)
        remote.connect()
        remote.says(remote.version, m.Verack(), now=1.0)
        assert (remote.events(), remote.timer()) == ([], 1.5)
        if wakes:
            remote.says(m.Inv((m.InvEntry(2, bytes(32)),)), now=1.1)
        else:
            remote.peer.handle_timer(1.5)
        assert isinstance(remote.events()[0], HandshakeCompleted)


@forgiving
@pytest.mark.parametrize("inbound", [False, True])
def test_nothing_leaks_before_the_handshake_is_complete(network: Network, *, inbound: bool) -> None:
    """Conformance test 12."""
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


@strict
@pytest.mark.parametrize("inbound", [False, True])
def test_who_speaks_too_early_learns_nothing_but_our_version_by_neos_manners(
    network: Network, *, inbound: bool
) -> None:
    """Conformance test 12. Nor does whoever goes on speaking after that."""
    for early in (*NOISE, m.Verack()):
        remote = Remote(network, inbound=inbound)
        said = [message.command for message in remote.connect()]
        remote.says(early, now=1.0)
        remote.says(remote.version, *NOISE, now=2.0)
        said += remote.commands()
        assert said == (["version"] if inbound else [])
