"""What holds of a peer machine whatever a remote, an owner and a clock do to it."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway.peer import events as e
from headway.peer.events import PeerDisconnected, PeerEvent, PeerState, Reason
from headway.wire import messages as m
from tests.link import Remote, genesis_of, of, requests_of
from tests.scene import WORLDS, Scene

worlds = pytest.mark.parametrize("world", WORLDS)


def last_is_the_end(events: list[PeerEvent]) -> bool:
    """At most one end, and nothing after it."""
    ends = of(PeerDisconnected, events)
    return len(ends) <= 1 and (not ends or events[-1] is ends[0])


def order_everything(remote: Remote, scene: Scene, now: float) -> None:
    peer, requests = remote.peer, requests_of(scene.network, scene.blocks)
    peer.request_headers((genesis_of(scene.network),), now, fence=True)
    peer.request_blocks(requests[:5], now)
    peer.request_addresses(now)
    peer.request_transaction(bytes(32), now)
    peer.ping(now)


@worlds
@given(data=st.data())
def test_any_chunking_gives_the_same_events(world: str, data: st.DataObject) -> None:
    scene = Scene.of(world)
    picks = data.draw(st.lists(st.integers(0, 27), max_size=12))
    cuts = data.draw(st.lists(st.integers(1, 2_000), max_size=30))
    results = []
    for chunked in (False, True):
        remote = Remote(scene.network)
        remote.shake()
        order_everything(remote, scene, 1.0)
        remote.hears()
        messages = scene.messages(remote)
        stream = remote.encode(*(messages[pick % len(messages)] for pick in picks))
        sizes = iter(cuts if chunked else [])
        while stream:
            size = next(sizes, len(stream))
            remote.peer.receive_data(stream[:size], 2.0)
            stream = stream[size:]
        results.append((_comparable(remote.events()), remote.hears(), remote.peer.state))
    assert results[0] == results[1]


def _comparable(events: list[PeerEvent]) -> list[object]:
    """Events with errors as text: two exceptions are never equal."""
    return [(e.PeerMisbehaved, str(event.error)) if isinstance(event, e.PeerMisbehaved) else event for event in events]


def in_state(scene: Scene, state: PeerState) -> Remote:
    """A machine in that state, with requests out where it can have any."""
    remote = Remote(scene.network)
    if state is PeerState.CONNECTING:
        return remote
    remote.connect()
    if state is PeerState.HANDSHAKING:
        return remote
    remote.says(remote.version, m.Verack(), now=0.5)
    order_everything(remote, scene, 1.0)
    if state is PeerState.CLOSED:
        remote.hears()
    if state is not PeerState.READY:
        remote.peer.disconnect(Reason.REQUESTED, "enough", 1.5)
    remote.events()
    return remote


@worlds
@pytest.mark.parametrize("state", [each for each in PeerState if each is not PeerState.CONNECTING])
def test_every_state_and_message_ends_in_a_known_state(world: str, state: PeerState) -> None:
    scene = Scene.of(world)
    for number in range(len(scene.messages(in_state(scene, state)))):
        remote = in_state(scene, state)
        assert remote.peer.state is state
        message = scene.messages(remote)[number]
        remote.says(message, now=2.0)
        after, events = remote.peer.state, remote.events()
        assert after in _ALLOWED[state], message
        assert last_is_the_end(events)
        assert (after in {PeerState.CLOSING, PeerState.CLOSED}) == bool(of(PeerDisconnected, events)) or state is after
        if state in {PeerState.CLOSING, PeerState.CLOSED}:
            assert events == []


_ALLOWED: dict[PeerState, set[PeerState]] = {
    PeerState.HANDSHAKING: {PeerState.HANDSHAKING, PeerState.CLOSED},  # one message never completes a handshake
    PeerState.READY: {PeerState.READY, PeerState.CLOSED},
    PeerState.CLOSING: {PeerState.CLOSING},
    PeerState.CLOSED: {PeerState.CLOSED},
}


@worlds
@pytest.mark.parametrize("state", [PeerState.HANDSHAKING, PeerState.READY])
@given(chunks=st.lists(st.binary(max_size=300), max_size=10))
def test_garbage_never_raises(world: str, state: PeerState, chunks: list[bytes]) -> None:
    remote = in_state(Scene.of(world), state)
    for chunk in chunks:
        remote.peer.receive_data(chunk, 2.0)
    assert last_is_the_end(remote.events())


@worlds
@given(seed=st.integers(0, 2**32))
def test_shuffled_and_damaged_frames_never_raise(world: str, seed: int) -> None:
    rng, scene = random.Random(seed), Scene.of(world)
    remote = in_state(scene, rng.choice((PeerState.HANDSHAKING, PeerState.READY)))
    events: list[PeerEvent] = []
    for message in rng.choices(scene.messages(remote), k=20):
        frame = bytearray(remote.encode(message))
        for _ in range(rng.choice((0, 0, 0, 1, 3))):
            frame[rng.randrange(len(frame))] ^= 1 << rng.randrange(8)
        remote.peer.receive_data(bytes(frame), 2.0)
        events += remote.events()
    assert last_is_the_end(events)
