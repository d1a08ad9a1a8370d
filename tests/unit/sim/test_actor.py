"""The honest actor, told and answered through a port of the test: on all three networks it speaks as its kind does."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from headway.network import Network, Wire
from headway.sim.actor import MAX_ANNOUNCED, MAX_BLOCKS_INV, USER_AGENT, Honest, Talk
from headway.sim.chain import Chain
from headway.sim.scenario import MAIN, ChainPlan, Families
from headway.testing.simulated import cast_chains
from headway.types import ZERO_HASH, Address
from headway.wire import messages as m

REMOTE = Address("9.9.9.9", 8333)
FAMILIES = ("regtest", "neo2", "neo3")


class Wiretap:
    """A port (`sim.actor.Port`) whose far end the test plays: it decodes what the actor says."""

    def __init__(self, network: Network, *, inbound: bool) -> None:
        """`inbound`: as the actor sees it."""
        self.wire: Wire = network.codec.open(inbound=not inbound)
        self.network = network
        self.now = 0.0
        self.is_closed = False
        self.sent = bytearray()

    @property
    def wall_time(self) -> float:
        return 1_700_000_000.0 + self.now

    def send(self, data: bytes) -> None:
        assert not self.is_closed
        self.wire.receive_data(data)

    def close(self) -> None:
        self.is_closed = True

    def later(self, delay: float, action: Callable[..., None], *arguments: Any) -> None:
        raise NotImplementedError("an honest actor answers at once")

    def set_reading(self, *, reading: bool) -> None:
        raise NotImplementedError("an honest actor reads")

    def heard(self) -> list[m.Message]:
        """What the actor has said since the last time."""
        return [self.wire.decode(frame) for frame in self.wire.frames()]


class Scene:
    """An actor, and a remote that the test plays."""

    def __init__(self, family: Families = "regtest", *, inbound: bool = True, length: int = 30, **options: Any) -> None:
        self.network, chains = cast_chains(family, ((MAIN, ChainPlan(length)),))
        self.chain: Chain = chains[MAIN]
        self.actor = Honest(self.chain, random.Random(1), **options)
        self.tap = Wiretap(self.network, inbound=inbound)
        self.talk: Talk = self.actor.connected(self.tap, inbound=inbound, remote=REMOTE)

    def say(self, *messages: m.Message) -> list[m.Message]:
        """Say these to the actor; what it answers."""
        for message in messages:
            self.actor.receive(self.talk, b"".join(map(bytes, self.tap.wire.encode(message))))
        return self.tap.heard()

    def shake(self) -> list[m.Message]:
        """The handshake; what was said after the actor's version and verack."""
        version = m.Version(self.network.codec.protocol_version, 9, 1, 77, "/test/", 0, relay=True)
        heard = [*self.tap.heard(), *self.say(version)]
        self.tap.wire.negotiated(version)
        heard += self.say(m.Verack())
        assert {m.Version, m.Verack} <= {type(each) for each in heard}
        assert self.talk.is_ready
        return heard

    def getheaders(self, first: int, *, count: int = 0, stop: bytes = ZERO_HASH) -> m.GetHeaders:
        """Asks what follows the block below `first`."""
        return m.GetHeaders((self.chain.id(first - 1),), stop, count=count)

    def getdata(self, *hashes: bytes) -> m.GetData:
        kind = m.InvType.WITNESS_BLOCK if self.network.rules.header_size else m.InvType.BLOCK
        return m.GetData(tuple(m.InvEntry(kind, each) for each in hashes))


def raws(message: m.Message) -> list[bytes]:
    assert isinstance(message, m.Headers)
    return [bytes(header.raw) for header in message]


@pytest.fixture(params=FAMILIES)
def family(request: pytest.FixtureRequest) -> Families:
    chosen: Families = request.param
    return chosen


@pytest.mark.parametrize("inbound", [True, False])
def test_the_handshake_ends_on_both_sides_whoever_dialled(family: Families, inbound: bool) -> None:
    scene = Scene(family, inbound=inbound)
    version = next(each for each in scene.shake() if isinstance(each, m.Version))
    assert version.user_agent == USER_AGENT
    if family != "neo3":  # N3 says its height in a capability, and so does ours
        assert version.start_height == 30
    assert not scene.tap.is_closed


def test_a_second_version_changes_nothing() -> None:
    scene = Scene()
    scene.shake()
    assert scene.say(m.Version(70016, 0, 1, 78, "/again/", 0)) == []
    assert scene.talk.theirs is not None
    assert scene.talk.theirs.user_agent == "/test/"


def test_a_verack_before_the_version_is_not_the_end_of_a_handshake() -> None:
    scene = Scene()
    scene.say(m.Verack())
    assert not scene.talk.is_ready


def test_headers_follow_the_highest_block_of_the_locator_that_it_has(family: Families) -> None:
    scene = Scene(family)
    scene.shake()
    (answer,) = scene.say(scene.getheaders(11))
    assert raws(answer) == scene.chain.raw_headers[10:]


def test_headers_end_at_the_stop_hash_and_at_its_height() -> None:
    scene = Scene(height=25)
    scene.shake()
    (answer,) = scene.say(scene.getheaders(11, stop=scene.chain.hashes[14]))
    assert raws(answer) == scene.chain.raw_headers[10:14]
    for stop in (ZERO_HASH, scene.chain.hashes[9], scene.chain.hashes[0], bytes([1]) * 32):
        (answer,) = scene.say(scene.getheaders(11, stop=stop))
        assert raws(answer) == scene.chain.raw_headers[10:25]


def test_an_unknown_locator_is_answered_from_genesis_on() -> None:
    scene = Scene()
    scene.shake()
    other = cast_chains("regtest", (("x", ChainPlan(3)), ("y", ChainPlan(3))))[1]["y"]
    (answer,) = scene.say(m.GetHeaders((other.id(3), other.id(2))))
    assert raws(answer) == scene.chain.raw_headers


def test_nothing_more_is_said_with_empty_headers_or_with_silence(family: Families) -> None:
    scene = Scene(family)
    scene.shake()
    answers = scene.say(scene.getheaders(31))
    assert [raws(each) for each in answers] == ([] if scene.network.codec.silence_is_answer else [[]])


def test_blocks_are_given_as_they_are_and_what_it_lacks_is_said(family: Families) -> None:
    scene = Scene(family, height=25)
    scene.shake()
    heard = scene.say(scene.getdata(scene.chain.hashes[3], scene.chain.hashes[26], scene.chain.hashes[20]))
    blocks = [bytes(each.raw) for each in heard if isinstance(each, m.Block)]
    assert blocks == [scene.chain.block(3), scene.chain.block(20)]
    (missing,) = [each for each in heard if isinstance(each, m.NotFound)]
    assert [entry.hash for entry in missing.entries] == [scene.chain.hashes[26]]
    assert scene.talk.served == 2


def test_who_asks_without_witness_gets_none_until_he_asks_otherwise() -> None:
    scene = Scene()
    scene.shake()
    whole = scene.chain.block(3)
    assert whole is not None
    for kind, form in ((m.InvType.BLOCK, scene.network.codec.parser.stripped(whole)), (m.InvType.WITNESS_BLOCK, whole)):
        wanted = tuple(m.InvEntry(kind, each) for each in (scene.chain.hashes[3], b"\1" * 32))
        block, missing = scene.say(m.GetData(wanted))
        assert isinstance(block, m.Block)
        assert bytes(block.raw) == form
        assert missing == m.NotFound(wanted[1:])
    assert len(scene.network.codec.parser.stripped(whole)) < len(whole)


def test_blocks_are_given_by_their_heights_where_the_network_asks_so() -> None:
    scene = Scene("neo3")
    scene.shake()
    heard = scene.say(m.GetBlockByIndex(28, 10))
    assert [bytes(each.raw) for each in heard if isinstance(each, m.Block)] == scene.chain.blocks[27:]


def test_getblocks_is_answered_with_an_inventory_of_so_many() -> None:
    scene = Scene(length=MAX_BLOCKS_INV + 10)
    scene.shake()
    (inv,) = scene.say(m.GetBlocks((scene.chain.id(3),)))
    assert isinstance(inv, m.Inv)
    assert [entry.hash for entry in inv.entries] == list(scene.chain.hashes[4 : 4 + MAX_BLOCKS_INV])
    assert scene.say(m.GetBlocks((scene.chain.tip,))) == []


def test_a_ping_is_answered_with_its_nonce(family: Families) -> None:
    scene = Scene(family)
    scene.shake()
    (pong,) = scene.say(m.Ping(0x01020304))
    assert isinstance(pong, m.Pong)
    assert pong.nonce == 0x01020304


def test_addresses_are_told_those_who_ask() -> None:
    scene = Scene()
    scene.shake()
    assert scene.say(m.GetAddr()) == []
    scene.actor.addresses = [Address(f"1.0.0.{number}", 8333) for number in range(1, 6)]
    (addr,) = scene.say(m.GetAddr())
    assert isinstance(addr, m.Addr)
    assert set(addr.addresses) == set(scene.actor.addresses)


def test_what_is_new_is_announced_to_those_who_are_ready() -> None:
    scene = Scene(height=25)
    scene.actor.grow(26)
    assert not [each for each in scene.tap.heard() if isinstance(each, m.Inv)]
    scene.shake()
    scene.actor.grow(28)
    (inv,) = scene.tap.heard()
    assert isinstance(inv, m.Inv)
    assert inv.entries[0].hash == scene.chain.hashes[28]
    assert scene.say(m.SendHeaders()) == []
    scene.actor.grow(99)
    assert raws(scene.tap.heard()[0]) == scene.chain.raw_headers[28:30]
    scene.actor.grow(30)
    assert scene.tap.heard() == [], "nothing is new"


@pytest.mark.parametrize(("new", "headers"), [(MAX_ANNOUNCED, True), (MAX_ANNOUNCED + 1, False)])
def test_of_many_new_blocks_the_last_hash_alone_is_announced(new: int, headers: bool) -> None:
    scene = Scene(height=20)
    scene.shake()
    scene.say(m.SendHeaders())
    scene.actor.grow(20 + new)
    (announced,) = scene.tap.heard()
    assert isinstance(announced, m.Headers if headers else m.Inv)


def test_who_switches_announces_the_other_branch_and_serves_it() -> None:
    network, chains = cast_chains("regtest", ((MAIN, ChainPlan(30)), ("fork", ChainPlan(10, MAIN, 25))))
    del network
    scene = Scene()
    scene.shake()
    scene.actor.switch(chains["fork"])
    (inv,) = scene.tap.heard()
    assert isinstance(inv, m.Inv)
    assert inv.entries[0].hash == chains["fork"].tip.hash
    (answer,) = scene.say(m.GetHeaders((chains["fork"].id(25),)))
    assert raws(answer) == chains["fork"].raw_headers[25:]


def test_bytes_that_are_no_message_end_the_connection() -> None:
    scene = Scene()
    scene.actor.receive(scene.talk, b"GET / HTTP/1.1\r\nHost: 9.9.9.9\r\n\r\n")
    assert scene.tap.is_closed
    assert scene.talk.is_over


def test_a_connection_that_ended_is_forgotten() -> None:
    scene = Scene(height=25)
    scene.shake()
    scene.actor.ended(scene.talk)
    assert scene.actor.talks == {}
    scene.actor.grow(30)
    assert scene.tap.heard() == []
