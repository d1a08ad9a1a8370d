"""The tables of the state machine: whole, really those from which the machine works, and drawn in the documents."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docs.design.peer_states import DOCUMENT, document
from headway.network import Network, OnDuplicate
from headway.peer.events import PeerMisbehaved, PeerState, Reason
from headway.peer.states import LEGALITY, TRANSITIONS, Fate, Kind, Legality, Step, legality, objection
from headway.wire import messages as m
from tests.link import Remote, of
from tests.scene import WORLDS, Scene

worlds = pytest.mark.parametrize("world", WORLDS)
MOMENTS = Legality._fields


# The tables.


def test_every_state_is_reached_and_every_state_but_the_last_is_left() -> None:
    first, *others, last = PeerState
    assert set(TRANSITIONS.values()) == {*others, last}
    assert {before for before, _ in TRANSITIONS} == {first, *others}
    assert {step for _, step in TRANSITIONS} == set(Step)


def test_a_connection_never_goes_back() -> None:
    order = list(PeerState)
    assert all(order.index(before) < order.index(after) for (before, _), after in TRANSITIONS.items())


def test_every_class_of_message_has_a_fate_at_every_moment_and_one_at_which_it_is_legal() -> None:
    assert set(LEGALITY) == set(Kind)
    assert all({Fate.HANDSHAKE, Fate.EXCHANGE} & set(row) for row in LEGALITY.values())
    assert {fate for row in LEGALITY.values() for fate in row} == set(Fate)


def test_only_a_version_is_legal_first_and_nothing_but_the_handshake_before_it_is_done() -> None:
    assert [kind for kind, row in LEGALITY.items() if row.before_version is Fate.HANDSHAKE] == [Kind.VERSION]
    assert all(Fate.EXCHANGE not in (row.before_version, row.before_verack) for row in LEGALITY.values())
    assert all(row.ready is not Fate.HANDSHAKE for row in LEGALITY.values())


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        (m.Verack(), Kind.VERACK),
        (m.SendAddrV2(), Kind.NEGOTIATION),
        (m.Ping(1), Kind.OTHER),
        (m.GetAddr(), Kind.OTHER),
        (m.Unknown("toy99", b""), Kind.OTHER),
    ],
    ids=lambda value: getattr(value, "command", ""),
)
def test_the_policy_says_what_is_negotiation_and_the_type_the_rest(message: m.Message, kind: Kind) -> None:
    assert legality(message, WORLDS["toynet"].handshake) is LEGALITY[kind]


@pytest.mark.parametrize(
    ("fate", "lenient", "strict"),
    [
        (Fate.EARLY, None, "verack where a version belongs"),
        (Fate.DUPLICATE, None, "second verack"),
        (Fate.LATE, "verack after the handshake", "verack after the handshake"),
    ],
)
def test_what_follows_where_a_message_is_not_legal_is_the_policys_to_say(
    fate: Fate, lenient: str | None, strict: str
) -> None:
    for world, expected in (("toynet", lenient), ("toynet with Neo's manners", strict)):
        error = objection(fate, m.Verack(), WORLDS[world].handshake, "version")
        assert (error and error.message) == expected


# The machine.


def at(scene: Scene, moment: str) -> Remote:
    """A connected machine at that moment of its life; by the manners of some networks it has spoken first."""
    remote = Remote(scene.network)
    remote.connect()
    if moment != "before_version":
        remote.says(remote.version, now=0.5)
    if moment == "ready":
        remote.says(m.Verack(), now=0.5)
    remote.hears()
    remote.events()
    return remote


def is_ignored(fate: Fate, network: Network) -> bool:
    """Whether a message of that fate is ignored."""
    policy = network.handshake
    return (fate is Fate.EARLY and policy.ignores_early_messages) or (
        fate is Fate.DUPLICATE and policy.on_duplicate is OnDuplicate.IGNORE
    )


@worlds
@pytest.mark.parametrize("moment", MOMENTS)
def test_every_message_has_the_fate_that_the_table_gives_it(world: str, moment: str) -> None:
    scene = Scene.of(world)
    for number, message in enumerate(scene.messages(at(scene, moment))):
        if isinstance(message, m.Block) and len(message) < scene.network.rules.kept_size:
            continue  # no codec gets as far as a fate
        remote = at(scene, moment)
        before = remote.peer.state
        fate = getattr(legality(message, scene.network.handshake), moment)
        remote.says(message, now=1.0)
        events = remote.events()
        if is_ignored(fate, scene.network):
            assert (events, remote.hears(), remote.peer.state) == ([], [], before), (number, message)
        elif fate in {Fate.EARLY, Fate.DUPLICATE, Fate.LATE}:
            assert remote.peer.state is PeerState.CLOSED, (number, message)
            assert of(PeerMisbehaved, events)
        elif not (isinstance(message, m.Version) and message.nonce == remote.peer.nonce):  # ourselves: refused for that
            assert remote.peer.state in {before, PeerState.READY}, (number, message)


def lives() -> dict[tuple[PeerState, Step], Callable[[Remote], object]]:
    """For each transition of the table, the input that takes it; the machine is in its state, with bytes queued."""

    def connect(remote: Remote) -> None:
        remote.peer.handle_connected(1.0, 1e9)

    def lose(remote: Remote) -> None:
        remote.peer.handle_connection_lost("reset", 1.0)

    def leave(remote: Remote) -> None:
        remote.peer.disconnect(Reason.REQUESTED, "enough", 1.0)

    def drain(remote: Remote) -> None:
        remote.hears()
        remote.peer.handle_writable(0, 1.0)

    return {
        (PeerState.CONNECTING, Step.CONNECTED): connect,
        (PeerState.CONNECTING, Step.ENDED): leave,
        (PeerState.HANDSHAKING, Step.SHAKEN): lambda remote: remote.says(remote.version, m.Verack(), now=1.0),
        (PeerState.HANDSHAKING, Step.LEFT): leave,
        (PeerState.HANDSHAKING, Step.ENDED): lose,
        (PeerState.READY, Step.LEFT): leave,
        (PeerState.READY, Step.ENDED): lambda remote: remote.peer.receive_eof(1.0),
        (PeerState.CLOSING, Step.DRAINED): drain,
    }


def in_state(scene: Scene, state: PeerState) -> Remote:
    """A machine in that state, in whose queue are bytes where there can be any."""
    remote = Remote(scene.network)
    if state is not PeerState.CONNECTING:
        remote.peer.handle_connected(0.0, 1e9)
    if state in {PeerState.READY, PeerState.CLOSING}:
        remote.says(remote.version, m.Verack(), now=0.5)
        remote.peer.send(m.GetAddr(), 0.5)
    if state is PeerState.CLOSING:
        remote.peer.disconnect(Reason.REQUESTED, "enough", 0.5)
    return remote


def test_every_transition_of_the_table_is_taken_by_some_input() -> None:
    scene = Scene.of("regtest")
    taken = lives()
    assert set(taken) == set(TRANSITIONS)
    for (before, step), drive in taken.items():
        remote = in_state(scene, before)
        assert remote.peer.state is before
        drive(remote)
        assert remote.peer.state is TRANSITIONS[before, step], step


def test_a_transition_that_is_not_in_the_table_is_an_assertion() -> None:
    peer = in_state(Scene.of("toynet"), PeerState.READY).peer
    with pytest.raises(AssertionError, match="CONNECTED in READY"):
        peer._take(Step.CONNECTED, 1.0)
    assert peer.state is PeerState.READY


def _say(remote: Remote, message: m.Message, now: float) -> None:
    remote.says(message, now=now)


def inputs(remote: Remote, scene: Scene) -> Iterator[Callable[[float], object]]:
    """Everything that can be done to a machine which is connected."""
    peer = remote.peer
    for message in scene.messages(remote):
        yield partial(_say, remote, message)
    yield from (
        peer.receive_eof,
        peer.handle_timer,
        peer.handle_paused,
        peer.handle_resumed,
        lambda now: peer.handle_writable(0, now),
        lambda now: peer.handle_writable(1 << 40, now),
        lambda now: peer.handle_connection_lost("reset", now),
        lambda now: peer.disconnect(Reason.REQUESTED, "enough", now),
        lambda now: peer.disconnect(Reason.IDLE, "enough", now),
        lambda now: peer.receive_data(b"garbage of any kind", now),
        lambda _now: remote.hears(),
    )


@worlds
@given(picks=st.lists(st.tuples(st.integers(0, 99), st.sampled_from([0.0, 0.1, 7.0, 50.0])), max_size=12))
def test_any_inputs_lead_along_the_table(world: str, picks: list[tuple[int, float]]) -> None:
    """Each state line of the trace is a transition of the table, and the last one is where the machine is."""
    lines: list[str] = []
    scene, now = Scene.of(world), 0.0
    remote = Remote(scene.network, log=lines.append)
    remote.connect()
    for pick, later in picks:
        choices = list(inputs(remote, scene))
        now += later
        choices[pick % len(choices)](now)
    path = [PeerState.CONNECTING, *(PeerState[line[2:]] for line in lines if line.startswith("= "))]
    known = {(before, after) for (before, _), after in TRANSITIONS.items()}
    assert set(pairwise(path)) <= known
    assert path[-1] is remote.peer.state


# The document.


def test_the_document_is_what_the_script_makes_of_the_tables() -> None:
    assert DOCUMENT.read_text("utf-8") == document(), "run `make docs`"


def test_the_diagram_draws_every_transition_once() -> None:
    drawn = document().partition("```mermaid\n")[2].partition("```")[0].splitlines()
    assert drawn[0] == "stateDiagram-v2"
    arrows = [line.strip() for line in drawn[1:]]
    assert arrows[0] == "[*] --> CONNECTING"
    assert arrows[-1] == "CLOSED --> [*]"
    assert arrows[1:-1] == [
        f"{before.name} --> {after.name} : {step.name}" for (before, step), after in TRANSITIONS.items()
    ]


def test_the_document_tells_a_networks_own_policy() -> None:
    """Bitcoin ignores what comes early or twice; what it calls negotiation is listed by its commands."""
    text = document()
    assert "- `ignores_early_messages`: ignored\n- `on_duplicate`: ignored\n" in text
    assert "- negotiation: `feature`, `sendaddrv2`, `sendtxrcncl`, `wtxidrelay`\n" in text
