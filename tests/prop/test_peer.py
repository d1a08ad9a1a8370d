"""What holds of a peer machine whatever a remote, an owner and a clock do to it."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway.errors import UnexpectedMessage
from headway.peer import events as e
from headway.peer.events import PeerDisconnected, PeerEvent, PeerState, Reason
from headway.peer.machine import PeerMachine
from headway.wire import messages as m
from tests.link import Remote, genesis_of, of, requests_of
from tests.scene import WORLDS, Scene
from tests.vocabulary import any_message

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
    picks = data.draw(st.lists(st.integers(0, 49), max_size=12))
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


@worlds
@given(data=st.data())
def test_any_chunking_by_either_entrance_gives_the_same_events_from_the_first_byte_on(
    world: str, data: st.DataObject
) -> None:
    """Handshake, unknown and damaged frames, bytes that are no frame at all; nothing of the owner between them."""
    scene = Scene.of(world)
    inbound = data.draw(st.booleans(), label="inbound")
    stream = b"".join(data.draw(st.lists(parts_of_a_stream(scene, inbound=inbound), max_size=8), label="stream"))
    results = []
    for chunked in (False, True):
        remote = Remote(scene.network, inbound=inbound)
        remote.connect()
        at = 0
        while at < len(stream):
            size = data.draw(st.integers(1, len(stream)), label="size") if chunked else len(stream)
            at += feed(
                remote, stream[at : at + size], zero_copy=chunked and data.draw(st.booleans(), label="zero copy")
            )
        before = _comparable(remote.events()), remote.hears(), remote.peer.state, remote.peer.get_timer()
        remote.peer.receive_eof(3.0)
        results.append((before, _comparable(remote.events()), remote.peer.stats.message))
    assert results[0] == results[1]


def parts_of_a_stream(scene: Scene, *, inbound: bool) -> st.SearchStrategy[bytes]:
    """Bytes that a remote may send: mostly what shakes hands, then anything, now and then not even a frame."""
    remote = Remote(scene.network, inbound=inbound)
    negotiation = [m.SendAddrV2()] if scene.network.handshake.is_negotiation(m.SendAddrV2()) else []
    shaking: st.SearchStrategy[Any] = st.sampled_from([remote.version, m.Verack(), *negotiation])
    frames = st.one_of(shaking, any_message(scene.network)).map(remote.encode)
    damaged = st.builds(lambda frame, bit: frame[:-1] + bytes([frame[-1] ^ 1 << bit]), frames, st.integers(0, 7))
    return st.one_of(frames, frames, frames, damaged, st.binary(max_size=40))


def feed(remote: Remote, data: bytes, *, zero_copy: bool) -> int:
    """Give some of it by one of the two entrances; how much was taken."""
    if not zero_copy:
        remote.peer.receive_data(data, 2.0)
        return len(data)
    buffer = remote.peer.receive_buffer()
    count = min(len(buffer), len(data))
    buffer[:count] = data[:count]
    remote.peer.receive_buffered(count, 2.0)
    return count


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
        assert (after in _ENDED) == bool(of(PeerDisconnected, events)) or state is after
        if state in _ENDED:
            assert events == []


@worlds
@pytest.mark.parametrize("state", [each for each in PeerState if each is not PeerState.CONNECTING])
@given(data=st.data())
def test_every_state_and_any_message_of_the_network_ends_in_a_known_state(
    world: str, state: PeerState, data: st.DataObject
) -> None:
    scene = Scene.of(world)
    remote = in_state(scene, state)
    message = data.draw(any_message(scene.network))
    remote.says(message, now=2.0)
    after, events = remote.peer.state, remote.events()
    assert after in _ALLOWED[state]
    assert last_is_the_end(events)
    assert bool(of(PeerDisconnected, events)) == (after is not state)
    assert events == [] or state not in _ENDED


INPUTS: dict[str, Callable[[PeerMachine], object]] = {
    "receive_eof": lambda peer: peer.receive_eof(3.0),
    "handle_connection_lost": lambda peer: peer.handle_connection_lost("reset", 3.0),
    "handle_timer": lambda peer: peer.handle_timer(1e9),
    "handle_writable": lambda peer: peer.handle_writable(0, 3.0),
    "handle_writable, a remote that does not read": lambda peer: peer.handle_writable(1 << 40, 3.0),
    "handle_paused": lambda peer: peer.handle_paused(3.0),
    "handle_resumed": lambda peer: peer.handle_resumed(3.0),
    "cancel": lambda peer: peer.cancel(1, 3.0),
    "misbehaved": lambda peer: peer.misbehaved(UnexpectedMessage("found by the owner"), 3.0),
    "disconnect": lambda peer: peer.disconnect(Reason.REQUESTED, "enough", 3.0),
    "outputs": lambda peer: (peer.data_to_send(), peer.events_received(), peer.get_timer(), peer.wants_close()),
}
"""All but bytes, `handle_connected` and orders, which are mistakes of the driver or the owner in some states."""


@worlds
@pytest.mark.parametrize("state", PeerState)
@pytest.mark.parametrize("name", INPUTS)
def test_every_state_and_every_other_input_ends_in_a_known_state(world: str, state: PeerState, name: str) -> None:
    remote = in_state(Scene.of(world), state)
    order = list(PeerState)
    INPUTS[name](remote.peer)
    after = remote.peer.state
    assert order.index(after) >= order.index(state), "no state comes back"
    ends = of(PeerDisconnected, remote.events())
    assert len(ends) == (after in _ENDED and state not in _ENDED)
    INPUTS[name](remote.peer)
    assert len(ends + of(PeerDisconnected, remote.events())) <= 1


_ENDED = {PeerState.CLOSING, PeerState.CLOSED}
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
