"""The conformance tests of blocks: numbers 16 and 31 to 38 of the forty, told by whole runs of the simulator."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from typing import Any, ClassVar

import pytest

from headway.node import orders as do
from headway.peer.events import Reason
from headway.sim.actor import SERVICES, Honest, Talk
from headway.sim.chain import Chain
from headway.sim.scenario import MAIN, ChainPlan, Cue, Role, Run, Scenario
from headway.sync.allowance import START
from headway.sync.window import WINDOW
from headway.testing.simulated import run_of
from headway.types import Hash, Height, Services
from headway.wire import messages as m

NEAR = (0.01, 0.01)
FAR_AWAY = 10_000.0


class Peer(Honest):
    """An honest peer that remembers when it was asked for which heights, and may withhold some."""

    is_honest: ClassVar[bool] = True

    def __init__(
        self,
        chain: Chain,
        rng: random.Random,
        *,
        height: Height | None = None,
        withholds: Sequence[Height] = (),
        lacks: Sequence[Height] = (),
    ) -> None:
        super().__init__(chain, rng, height=height)
        self.withholds, self.lacks = frozenset(withholds), frozenset(lacks)
        self.asked: list[tuple[float, Height]] = []

    def asked_blocks(self, talk: Talk, hashes: Sequence[Hash]) -> None:
        heights = [self.chain.heights[each] for each in hashes]
        self.asked += [(talk.port.now, height) for height in heights]
        super().asked_blocks(talk, [self.chain.hashes[each] for each in heights if each not in self.withholds])

    def block_for(self, talk: Talk, block: Hash) -> bytes | None:
        return None if self.chain.heights[block] in self.lacks else super().block_for(talk, block)

    @property
    def heights(self) -> list[Height]:
        return [height for _, height in self.asked]


class Withholder(Peer):
    """The same, and not to be relied on."""

    is_honest: ClassVar[bool] = False


class Limited(Peer):
    """A pruned node (BIP159)."""

    def version(self, talk: Talk) -> m.Version:
        version = super().version(talk)
        return m.Version(
            version.protocol,
            Services.NETWORK_LIMITED | Services.WITNESS,
            version.wall_time,
            version.nonce,
            version.user_agent,
            version.start_height,
            relay=True,
        )


class Mutator(Peer):
    """Gives blocks of which the last byte is another."""

    is_honest: ClassVar[bool] = False

    def give_block(self, talk: Talk, raw: bytes) -> None:
        super().give_block(talk, raw[:-1] + bytes([raw[-1] ^ 1]))


class Play:
    """A run, and the trace of what its node was told."""

    def __init__(self, cast: dict[str, Role], length: int = 200, *, seed: int = 1, **fields: Any) -> None:
        chains = {MAIN: ChainPlan(length), **fields.pop("chains", {})}
        scenario = Scenario("blocks", "As the tests have it.", cast, chains, patience=FAR_AWAY, linger=0.0, **fields)
        self.lines: list[str] = []
        self.run: Run = run_of(scenario, seed, trace=self.lines.append)

    def play(self) -> float:
        return self.run.play().seconds

    def actors(self, role: str) -> list[Peer]:
        found = [each.actor for each in self.run.actors[role]]
        assert all(isinstance(each, Peer) for each in found)
        return found  # type: ignore[return-value]

    def lost(self) -> list[tuple[float, str]]:
        """When a peer that was ready was lost, and why, closing aside."""
        lines = [line.split(maxsplit=1) for line in self.lines if " node ! " in line and " lost: " in line]
        return [(float(at), text) for at, text in lines if "requested" not in text]

    def blamed(self) -> list[do.PeerLost]:
        events = self.run.node.events
        return [each for each in events if isinstance(each, do.PeerLost) and each.reason is Reason.MISBEHAVED]


def role(actor: type[Peer] = Peer, count: int = 1, **fields: Any) -> Role:
    return Role(actor, count, latency=fields.pop("latency", NEAR), jitter=0.0, **fields)


class Noisy(Peer):
    """Its line damages the frames of blocks."""

    is_honest: ClassVar[bool] = False

    def give_block(self, talk: Talk, raw: bytes) -> None:
        frame = b"".join(map(bytes, talk.wire.encode(m.Block(raw, self.network.codec.parser))))
        talk.send_raw(frame[:-1] + bytes([frame[-1] ^ 1]))


def test_a_wrong_checksum_on_every_block_ends_a_peer_long_before_its_clock() -> None:
    """Conformance test 16: each is dropped and asked for again, but not for ever. Nobody is blamed for his line."""
    play = Play({"noisy": role(Noisy), "late": role(is_dark=True)}, 200, cues=(Cue((50.0, 50.0), "light", "late"),))
    assert play.play() < 120.0
    at, why = play.lost()[0]
    assert at < 5.0
    assert "16 blocks in a row came damaged" in why
    assert play.blamed() == []


@pytest.mark.parametrize("depth", [1, 100, 3_000])
def test_a_heavier_chain_that_forks_far_below_the_tip_is_followed(depth: int) -> None:
    """Conformance test 31: also deeper than one step of the locator, and one message of headers."""
    play = Play(
        {"peer": role(count=2)},
        3_100,
        chains={"rival": ChainPlan(depth + 1, of=MAIN, at=3_100 - depth)},
        cues=(Cue((60.0, 60.0), "switch", "peer", "rival"),),
    )
    play.play()
    rival = play.run.chains["rival"]
    assert play.run.node.machine.sync.chain.tip == rival.tip
    left = [event.id.height for event in play.run.node.events if isinstance(event, do.BlockDisconnected)]
    assert left == list(range(3_100, 3_100 - depth, -1))
    assert play.lost() == []


def test_no_peer_is_asked_beyond_its_allowance_nothing_twice_and_nothing_beyond_the_window() -> None:
    """Conformance test 32."""
    play = Play({"peer": role(count=3)}, WINDOW + 500)
    machine = play.run.node.machine
    most, look = Counter[int](), play.run.watch.look

    def watch() -> None:
        look()
        first = machine.sync.chain.first_missing
        for number in machine.peer_ids:
            peer = machine.peer(number)
            assert peer is not None
            owed = peer.outstanding(play.run.simulation.now).blocks
            allowance = machine.sync.blocks.sources.get(number)
            assert not owed or (allowance is not None and len(owed) <= max(allowance.allowance.limit, START))
            assert all(request.height < first + WINDOW for request in owed)
            most[number] = max(most[number], len(owed))

    play.run.watch.look = watch  # type: ignore[method-assign]
    play.play()
    asked = Counter(height for peer in play.actors("peer") for height in peer.heights)
    assert asked == dict.fromkeys(range(1, WINDOW + 501), 1)
    assert len(most) == 3
    assert START < max(most.values()) <= play.run.network.limits.max_blocks_in_flight


def test_the_first_question_to_a_peer_is_for_sixteen_blocks() -> None:
    """Conformance test 32."""
    play = Play({"peer": role()}, WINDOW)
    play.play()
    (peer,) = play.actors("peer")
    first_at = peer.asked[0][0]
    assert sum(at == first_at for at, _ in peer.asked) == START


def test_who_withholds_the_first_block_while_the_window_is_full_is_disconnected_in_two_four_eight_seconds() -> None:
    """Conformance test 33."""
    bad = role(Withholder, 4, options={"withholds": (1,)})
    play = Play({"bad": bad, "late": role(is_dark=True)}, WINDOW + 100, cues=(Cue((60.0, 60.0), "light", "late"),))
    play.play()
    ends = [at for at, text in play.lost() if "all wait for a block of it" in text]
    asked = sorted(at for peer in play.actors("bad") for at, height in peer.asked if height == 1)
    waits = [end - at for end, at in zip(ends, asked, strict=False)]
    assert waits[0] == pytest.approx(2.0, abs=0.5)
    assert waits[1] == pytest.approx(4.0, abs=0.5)
    assert waits[2] == pytest.approx(8.0, abs=0.5)


def test_stored_blocks_bring_the_time_of_a_staller_back_to_two_seconds() -> None:
    """Conformance test 33. Three peers withhold one block each, and give all others."""

    class Once(Withholder):
        def asked_blocks(self, talk: Talk, hashes: Sequence[Hash]) -> None:
            self.withholds = self.withholds or frozenset([self.chain.heights[hashes[0]]])
            super().asked_blocks(talk, hashes)

    play = Play({"bad": role(Once, 3), "good": role()}, WINDOW + 100)
    play.play()
    first, second, third = [at for at, text in play.lost() if "all wait for a block of it" in text]
    assert (second - first, third - second) == pytest.approx((2.0, 2.0), abs=0.5)


@pytest.mark.parametrize("seed", range(8))
def test_a_late_block_near_the_tip_is_asked_of_a_second_peer_and_costs_less_than_three_seconds(seed: int) -> None:
    """Conformance test 34: a peer announces and never delivers. Nobody is blamed for the late copy."""
    took: dict[str, float] = {}
    for kind in (Peer, Withholder):
        first = Role(kind, 1, latency=NEAR, options={"height": 200, "withholds": [201] if kind is Withholder else []})
        play = Play(
            {"first": first, "others": Role(Peer, 3, options={"height": 200})},
            201,
            seed=seed,
            cues=(Cue((60.0, 60.0), "grow", "first", 201), Cue((60.0, 60.0), "grow", "others", 201)),
        )
        took[kind.__name__] = play.play() - 60.0
        asked = [height for name in ("first", "others") for peer in play.actors(name) for height in peer.heights]
        assert 1 <= asked.count(201) <= 2
        assert play.blamed() == []
    assert took["Withholder"] < took["Peer"] + 3.0


def test_a_late_copy_is_dropped_without_blame() -> None:
    """Conformance test 34: the first copy comes after the second."""

    class Slow(Peer):
        def give_block(self, talk: Talk, raw: bytes) -> None:
            if self.chain.block(201) == raw:
                talk.port.later(5.0, super().give_block, talk, raw)
            else:
                super().give_block(talk, raw)

    play = Play(
        {"slow": role(Slow, options={"height": 200}), "other": role(options={"height": 200})},
        201,
        cues=(Cue((60.0, 60.0), "grow", "slow", 201), Cue((60.1, 60.1), "grow", "other", 201)),
    )
    assert play.play() < 63.0
    play.run.simulation.run(30.0)
    assert [actor.heights.count(201) for actor in (*play.actors("slow"), *play.actors("other"))] == [1, 1]
    assert play.lost() == []


def test_what_a_lost_peer_owed_is_reassigned_at_once_and_what_it_gave_is_not_asked_again() -> None:
    """Conformance test 35."""

    class Leaver(Peer):
        is_honest: ClassVar[bool] = False

        def give_block(self, talk: Talk, raw: bytes) -> None:
            if talk.served >= 20:
                talk.close()
            else:
                super().give_block(talk, raw)

    play = Play({"leaver": role(Leaver), "other": role(latency=(0.02, 0.02))}, 600)
    play.play()
    gone_at = play.lost()[0][0]
    (leaver,), (other,) = play.actors("leaver"), play.actors("other")
    given = leaver.heights[:20]
    owed = set(leaver.heights) - set(given)
    assert len(owed) >= START // 2
    again = {height: at for at, height in other.asked if height in owed}
    assert set(again) == owed
    assert set(given).isdisjoint(other.heights)
    assert min(again.values()) < gone_at + 0.2


def test_a_block_whose_merkle_root_does_not_match_is_dropped_its_sender_discouraged_and_asked_elsewhere() -> None:
    """Conformance test 36."""
    play = Play({"bad": role(Mutator), "good": role(count=2)}, 200)
    play.play()
    (bad,) = play.actors("bad")
    assert [event.address for event in play.blamed()] == list(play.run.actors["bad"][0].host.addresses)
    asked = {height for peer in play.actors("good") for height in peer.heights}
    assert set(bad.heights) <= asked
    entry = play.run.node.machine.slots.book.get(play.run.actors["bad"][0].host.addresses[0])
    assert entry is not None
    assert play.run.node.machine.slots.book.is_discouraged(entry.address, play.run.simulation.now)


@pytest.mark.parametrize("length", [400, 1_500])
def test_a_limited_peer_is_asked_for_no_block_286_or_more_below_its_best(length: int) -> None:
    """Conformance test 37."""
    play = Play({"limited": role(Limited, latency=(0.001, 0.001)), "full": role()}, length)
    play.play()
    (limited,), (full,) = play.actors("limited"), play.actors("full")
    assert min(limited.heights) > length - 286
    assert len(limited.heights) > 10
    assert min(full.heights) == 1


def test_a_limited_peer_alone_brings_what_it_has() -> None:
    """Conformance test 37: from the first block on that it is asked for."""
    play = Play({"limited": role(Limited)}, 400, node={"floor": 200})
    play.play()
    (limited,) = play.actors("limited")
    assert sorted(limited.heights) == list(range(200, 401))


def test_a_full_peer_that_is_limited_too_is_asked_for_anything() -> None:
    """Conformance test 37: who has NETWORK as well keeps all blocks."""
    assert SERVICES & Services.NETWORK
    play = Play({"peer": role()}, 400)
    play.play()
    assert min(play.actors("peer")[0].heights) == 1


def test_after_notfound_a_block_is_asked_of_another_at_once_and_never_of_that_peer_again() -> None:
    """Conformance test 38."""
    lacks = tuple(range(1, 200, 3))
    play = Play({"lacking": role(options={"lacks": lacks}), "other": role(latency=(0.03, 0.03))}, 200)
    assert play.play() < 10.0
    (lacking,), (other,) = play.actors("lacking"), play.actors("other")
    refused = [height for height in lacking.heights if height in lacks]
    assert len(refused) == len(set(refused)) > 0
    assert set(refused) <= set(other.heights)
    assert play.lost() == []
