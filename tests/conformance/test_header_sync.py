"""The conformance tests of header sync, numbers 23 to 29 and 31 of the forty: a whole node among peers that the test
plays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, TypeVar

from headway.network import Headers, Network
from headway.networks.bitcoin import REGTEST
from headway.node.orders import PeerLost
from headway.peer.events import Reason
from headway.sync.headers import PATIENCE, UNCONNECTED_INTERVAL
from headway.testing.chain import regtest_headers
from headway.types import Address, BlockId, Hash, PresyncParams
from headway.wire import messages as m
from tests.link import genesis_of
from tests.memory import traced
from tests.stranger import Stranger
from tests.virtual import VirtualNode, World

M = TypeVar("M")
CHAIN = list(regtest_headers(5_000))
POOR = list(regtest_headers(4_500, salt=1))
DEMANDING = replace(REGTEST, minimum_chainwork=2 * 4_500, presync=PresyncParams(100, 1_000))
"""Each header has a work of 2: it takes 4,499 above genesis."""
LIMIT = b"\xff\xff\x7f\x20"
"""Bits of regtest."""


class Far(Stranger):
    """A peer that listens, shakes hands by itself, and otherwise says what it is told to."""

    def __init__(self, world: World, number: int) -> None:
        super().__init__(world, at=f"1.0.{number}.1:1")
        self.where = Address.parse(f"1.0.{number}.1:1")

    @property
    def link(self) -> int:
        return self.links[-1]

    def asked(self) -> list[m.GetHeaders]:
        """Questions for headers since the last time; pings behind them are not answered."""
        return of(m.GetHeaders, self.hears(self.link)) if self.links else []

    def gives(self, raws: Sequence[bytes]) -> None:
        self.says(self.link, message(raws))


def of(kind: type[M], messages: Sequence[Any]) -> list[M]:
    return [each for each in messages if isinstance(each, kind)]


def message(raws: Sequence[bytes]) -> Headers:
    return Headers.fixed(b"".join(raws), REGTEST.codec.parser, size=80)


def hash_of(raw: bytes) -> Hash:
    return REGTEST.rules.parse_header(raw).hash


def scene(peers: int, *, network: Network = REGTEST, named: bool = True) -> tuple[VirtualNode, list[Far]]:
    """A node that brings headers alone, and peers that have shaken hands with it."""
    world = World(network)
    far = [Far(world, number) for number in range(1, peers + 1)]
    config: dict[str, Any] = {"connect" if named else "peers_file": tuple(each.where for each in far)}
    node = world.node(floor=None, **config)
    world.run(0.5)
    for each in far:
        each.says(each.link, each.version, m.Verack())
    return node, far


def blamed(node: VirtualNode) -> list[PeerLost]:
    return [lost for lost in node.events_of(PeerLost) if lost.reason is Reason.MISBEHAVED]


# 23


def test_one_of_many_peers_is_asked_at_the_start_and_each_new_block_adds_one_at_most() -> None:
    """Conformance test 23."""
    _, far = scene(5)
    assert [len(each.asked()) for each in far] == [1, 0, 0, 0, 0]
    first = m.Inv((m.InvEntry(m.InvType.BLOCK, b"1" * 32),))
    for each in far[1:4]:
        each.says(each.link, first)
    assert [len(each.asked()) for each in far] == [0, 1, 0, 0, 0]
    far[2].says(far[2].link, m.Inv((m.InvEntry(m.InvType.BLOCK, b"2" * 32),)))
    assert [len(each.asked()) for each in far] == [0, 0, 1, 0, 0]


# 24


def test_a_sync_peer_that_sends_nothing_is_dropped_at_its_deadline_and_the_next_is_asked() -> None:
    """Conformance test 24, the first half: another peer is there."""
    node, far = scene(2)
    world, timing = node.world, REGTEST.timing
    [silent, other] = far
    assert (len(silent.asked()), len(other.asked())) == (1, 0)
    world.run(PATIENCE)
    assert len(other.asked()) == 1, "asked beside it meanwhile, and nobody is dropped"
    other.gives([])
    deadline = timing.headers_timeout + 2_000 * timing.header_timeout
    world.run(deadline - world.now)
    assert node.events_of(PeerLost) == []
    world.run(2.0)
    [lost] = node.events_of(PeerLost)
    assert (lost.address, lost.reason) == (silent.where, Reason.STALLED)
    assert lost.message == "getheaders unanswered for 32 s"


def test_the_only_peer_is_kept_and_asked_again() -> None:
    """Conformance test 24, the second half: there is nobody else."""
    node, [only] = scene(1)
    assert len(only.asked()) == 1
    node.world.run(33.0)
    assert len(only.asked()) == 1
    node.world.run(33.0)
    assert len(only.asked()) == 1
    assert node.events_of(PeerLost) == []
    only.gives(CHAIN[:5])
    assert node.world.run(5.0, until=lambda: node.machine.is_at_tip)
    assert node.tree.tip.height == 5


def test_an_only_peer_from_whom_nothing_at_all_comes_is_dead() -> None:
    """Its connection may have gone without a word: a new one tells."""
    node, [only] = scene(1)
    node.world.run(200.0)
    [lost] = [lost for lost in node.events_of(PeerLost) if lost.was_ready]
    assert (lost.address, lost.reason) == (only.where, Reason.STALLED)


# 25


def test_after_two_thousand_headers_the_next_question_starts_at_the_last_and_after_less_there_is_none() -> None:
    """Conformance test 25."""
    node, [peer] = scene(1)
    peer.asked()
    peer.gives(CHAIN[:2000])
    [question] = peer.asked()
    assert question.locator[0].hash == hash_of(CHAIN[1999])
    assert question.locator[-1] == BlockId(-1, genesis_of(REGTEST).hash)
    peer.gives(CHAIN[2000:3999])
    assert peer.asked() == []
    assert node.tree.tip.height == 3999
    assert node.machine.is_at_tip


def test_the_next_question_leaves_before_the_headers_are_judged() -> None:
    """And no more than one: what comes meanwhile is judged before anything else is asked."""
    node, [peer] = scene(1)
    peer.asked()
    machine = node.machine
    wire = REGTEST.codec.open(inbound=False)
    [number] = machine.peer_ids
    machine.receive_data(number, b"".join(map(bytes, wire.encode(message(CHAIN[:2000])))), node.world.now)
    assert node.tree.tip.height == 0
    node.settle()
    assert len(peer.asked()) == 1
    assert node.tree.tip.height == 2000
    bad = [*CHAIN[2000:3999], CHAIN[0]]
    peer.gives(bad)
    assert [lost.address for lost in blamed(node)] == [peer.where]
    assert node.tree.tip.height == 2000


# 26


def mined(parent: bytes, bits: bytes = LIMIT) -> bytes:
    """A header after `parent` that has the work of the limit, whatever its bits say."""
    header = next(iter(regtest_headers(1, salt=5, parent=parent)))
    for nonce in range(10_000):
        header = header[:72] + bits + nonce.to_bytes(4, "little")
        if int.from_bytes(hash_of(header), "little") >> 254 == 0:
            return header
    raise AssertionError("none in ten thousand")


def test_bad_headers_discourage_their_sender_and_leave_nothing() -> None:
    """Conformance test 26."""
    lazy = next(
        header for nonce in range(1_000) if hash_of(header := CHAIN[5][:76] + nonce.to_bytes(4, "little"))[31] > 0x7F
    )
    cases = {
        "bad-prevblk": [*CHAIN[:5], *CHAIN[7:9]],
        "high-hash": [*CHAIN[:5], lazy],
        "bad-diffbits": [*CHAIN[:5], mined(CHAIN[4], b"\xfe\xff\x7f\x20")],
    }
    for rule, raws in cases.items():
        node, [peer] = scene(1)
        peer.asked()
        peer.gives(raws)
        node.world.run(1.0)
        [lost] = blamed(node)
        assert rule in lost.message
        assert len(node.tree) == 1
        assert node.store.headers == []
        [entry] = node.machine.slots.book.entries()
        assert entry.discouraged


# 27


def test_headers_that_do_not_connect_cost_one_question_in_two_minutes_and_nobody_is_blamed() -> None:
    """Conformance test 27."""
    node, [peer] = scene(1)
    peer.asked()
    peer.gives(CHAIN[:10])
    peer.asked()
    start = node.world.now
    for height in range(20, 26):
        peer.gives(CHAIN[height : height + 1])
    [question] = peer.asked()
    assert question.locator[0].hash == hash_of(CHAIN[8]), "the parent of our best header: who is there shows one"
    peer.gives(CHAIN[9:10])
    for height in range(26, 30):
        peer.gives(CHAIN[height : height + 1])
    assert peer.asked() == []
    node.world.run(UNCONNECTED_INTERVAL - (node.world.now - start) - 1.0)
    assert peer.asked() == []
    node.world.run(2.0)
    assert len(peer.asked()) == 1
    assert node.events_of(PeerLost) == []


# 28


def test_a_short_chain_of_little_work_is_ignored() -> None:
    """Conformance test 28, the first half."""
    node, [peer] = scene(1, network=DEMANDING, named=False)
    peer.asked()
    peer.gives(POOR[:1999])
    assert peer.asked() == []
    assert len(node.tree) == 1
    assert node.store.headers == []
    assert node.events_of(PeerLost) == []
    assert not node.machine.is_at_tip, "nobody has shown the work that the network has at least"


def test_an_endless_chain_of_little_work_takes_no_memory_and_is_left_for_another() -> None:
    """Conformance test 28, the second half: 40,000 headers, and not one is kept."""
    network = replace(REGTEST, minimum_chainwork=1 << 60, presync=PresyncParams(100, 1_000))
    network = replace(network, block_interval=1e9)  # so that a presync is given a minute, and little more
    node, [peer] = scene(1, network=network, named=False)
    parent = REGTEST.rules.genesis

    def go_on() -> None:
        nonlocal parent
        assert len(peer.asked()) == 1
        raws = list(regtest_headers(2_000, salt=9, parent=parent))
        parent = raws[-1]
        peer.gives(raws)
        node.world.run(0.1)

    held = []
    with traced() as memory:
        for _ in range(20):
            go_on()
            held.append(memory()[0])
    assert held[-1] - held[5] < 100_000, "bits, and what the test itself holds"
    assert len(node.tree) == 1
    assert node.store.headers == []
    progress = node.machine.sync.low_work.progress()
    assert progress is not None
    assert progress.height == 40_000
    for _ in range(4):
        node.world.run(20.0)
        go_on()
    assert node.events_of(PeerLost) == [], "there is no other"
    other = Far(node.world, 9)
    node.machine.slots.book.add(other.where)
    node.world.run(2.0)
    other.says(other.link, other.version, m.Verack())
    while not node.world.run(20.0, until=lambda: not peer.links):
        go_on()
    [lost] = node.events_of(PeerLost)
    assert (lost.address, lost.reason) == (peer.where, Reason.STALLED)
    assert "too little work after 60 s" in lost.message
    assert len(other.asked()) == 1


# 29


def test_another_chain_the_second_time_ends_the_sync_at_the_first_wrong_bit() -> None:
    """Conformance test 29: Core's sneaky_redownload."""
    params = PresyncParams(commitment_period=10, redownload_buffer=1_000)
    node, [peer] = scene(1, network=replace(DEMANDING, presync=params), named=False)
    for start in (0, 2_000, 4_000):
        assert len(peer.asked()) == 1
        peer.gives(CHAIN[start : start + 2_000])
    [question] = peer.asked()
    assert question.locator[0].hash == genesis_of(REGTEST).hash, "the work is there: all again, from the start"
    peer.gives(POOR[:2_000])
    node.world.run(1.0)
    [lost] = [lost for lost in node.events_of(PeerLost) if lost.was_ready]
    assert "it lies: the second time it sent another chain" in lost.message
    assert lost.reason is Reason.PROTOCOL
    assert len(node.tree) == 1


def test_the_same_chain_twice_is_taken() -> None:
    """The happy path of the same."""
    node, [peer] = scene(1, network=DEMANDING, named=False)
    for _ in range(2):
        for start in (0, 2_000, 4_000):
            assert len(peer.asked()) == 1
            peer.gives(CHAIN[start : start + 2_000])
            node.world.run(0.1)
    assert peer.asked() == []
    assert node.tree.tip == BlockId(5_000, hash_of(CHAIN[-1]))
    assert node.machine.is_at_tip


def test_a_named_peer_is_believed_at_once() -> None:
    """Whoever names a peer trusts it so far; Core says noban."""
    node, [peer] = scene(1, network=DEMANDING)
    for start in (0, 2_000, 4_000):
        assert len(peer.asked()) == 1
        peer.gives(CHAIN[start : start + 2_000])
        node.world.run(0.1)
        assert node.tree.tip.height == min(start + 2_000, 5_000)


# 31


def test_a_chain_with_more_work_that_forks_off_far_below_is_switched_to() -> None:
    """Conformance test 31: 3,000 headers leave the chain, more than one message. Once as it is, once by presync."""
    rival = list(regtest_headers(3_200, salt=3, parent=CHAIN[999]))
    for network, named in ((REGTEST, True), (replace(DEMANDING, minimum_chainwork=2_000), False)):
        node, [peer] = scene(1, network=network, named=named)
        rounds = 0
        answers = {hash_of(raw): height for height, raw in enumerate(CHAIN[:4_000], 1)}
        raws = CHAIN[:4_000]
        while questions := peer.asked():
            known = [answers.get(block.hash, 0) for block in questions[-1].locator]
            peer.gives(raws[max(known) : max(known) + 2_000])
            node.world.run(0.1)
        assert node.tree.tip.height == 4_000
        raws = [*CHAIN[:1_000], *rival]
        answers = {hash_of(raw): height for height, raw in enumerate(raws, 1)}
        peer.says(peer.link, m.Inv((m.InvEntry(m.InvType.BLOCK, hash_of(raws[-1])),)))
        while questions := peer.asked():
            rounds += 1
            known = [answers.get(block.hash, 0) for block in questions[-1].locator]
            peer.gives(raws[max(known) : max(known) + 2_000])
            node.world.run(0.1)
        assert node.tree.tip == BlockId(4_200, hash_of(rival[-1]))
        assert rounds < 8
        assert node.events_of(PeerLost) == []
