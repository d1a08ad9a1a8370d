"""The test kit against real nodes: they shake hands with a test peer, bring a chain from it, leave it for what is bad.

Coinbases alone: a full node finds out that the coins of other transactions do not exist.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from headway.networks.bitcoin import REGTEST
from headway.testing import (
    ExpectClosed,
    Handshake,
    NeoChain,
    PeerFactory,
    ServedChain,
    TestPeer,
    damaged,
    fork,
    neo_network,
    regtest_chain,
    validators,
)
from headway.testing.actors import Backwards, Chain, Chopped, Honest, Talk
from headway.testing.damage import DAMAGES
from headway.types import Hash, hash_hex
from headway.wire import messages as m
from tests.interop.neo_go import NeoGo
from tests.interop.neo_networks import SINGLE
from tests.interop.nodes import Bcoin, Btcd, Node

pytestmark = pytest.mark.interop

CHAIN = list(regtest_chain(60, sizes=(0, 0)))


def tip_of(chain: list[bytes]) -> str:
    return hash_hex(REGTEST.codec.parser.block_header(chain[-1]).hash)


@pytest.fixture
def peers() -> Iterator[PeerFactory]:
    with PeerFactory() as factory:
        yield factory


@pytest.fixture(params=["bcoin", "btcd"])
def node(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Node]:
    with Bcoin() if request.param == "bcoin" else Btcd(tmp_path) as node:
        yield node


def dialled(node: Node, peers: PeerFactory, height: int = len(CHAIN)) -> TestPeer:
    """A peer from which the node brings its chain. bcoin takes no witness so early, btcd no peer without it."""
    listener = peers.listen()
    node.connect(listener.address.port)
    peer = listener.accept(timeout=60)
    peer.handshake(services=1 if isinstance(node, Bcoin) else 9, start_height=height, timeout=60)
    return peer


def test_a_node_shakes_hands_and_answers(node: Node, peers: PeerFactory) -> None:
    node.mine(20)
    peer = peers.connect(node.address)
    assert peer.handshake(timeout=60).start_height == 20
    peer.send(m.GetHeaders((REGTEST.rules.root,)))
    headers = peer.expect(m.Headers, timeout=60)
    assert hash_hex(headers[-1].hash) == node.tip().hash
    peer.send(m.GetData((m.InvEntry(m.InvType.WITNESS_BLOCK, headers[4].hash),)))
    assert peer.expect(m.Block, timeout=60).hash == headers[4].hash
    assert peer.ping(timeout=60) > 0


def test_a_node_brings_the_chain_of_a_test_peer(node: Node, peers: PeerFactory) -> None:
    peer = dialled(node, peers)
    served = peer.serve(CHAIN, timeout=60, until=lambda: node.tip().hash == tip_of(CHAIN))
    assert set(served.asked) == set(range(1, 61))


def test_a_node_changes_to_the_rival_that_has_more_work(node: Node, peers: PeerFactory) -> None:
    peer = dialled(node, peers)
    peer.serve(CHAIN, timeout=60, until=lambda: node.tip().hash == tip_of(CHAIN))
    rival = fork(CHAIN, at=50, length=12, sizes=(0, 0))
    served = ServedChain(REGTEST, rival)
    peer.send(served.announcement())
    peer.serve(served, timeout=60, until=lambda: node.tip().hash == tip_of(rival))
    assert set(served.asked) >= set(range(51, 63))


class Witnessless(Honest):
    """As `dialled` has it for bcoin."""

    def version(self, talk: Talk) -> m.Version:
        return replace(super().version(talk), services=1)

    def block_for(self, talk: Talk, block: Hash) -> bytes | None:
        talk.takes_witness = False  # though bcoin, told of compact blocks, asks for one of those
        return super().block_for(talk, block)


def test_a_node_brings_the_chain_of_an_actor(node: Node, peers: PeerFactory) -> None:
    actor = (Witnessless if isinstance(node, Bcoin) else Chopped)(Chain(REGTEST, CHAIN), Random(1), height=50)
    listener = peers.listen()
    node.connect(listener.address.port)
    listener.play(actor, timeout=60, until=lambda: node.tip().height == 50)
    actor.grow(60)  # it says so
    [peer] = listener.play(actor, timeout=60, until=lambda: node.tip().hash == tip_of(CHAIN))
    assert [line[:7] for line in peer.transcript.lines].count("> block") >= 60


@pytest.mark.parametrize("how", ["work", "root", "amount", "time", "bits"])
def test_bcoin_refuses_a_bad_block_for_the_reason_that_it_was_made_for(how: str, peers: PeerFactory) -> None:
    with Bcoin() as node:
        peer = dialled(node, peers, 30)
        bad = [*CHAIN[:29], damaged(CHAIN[29], how)]
        peer.serve(bad, timeout=60, until=lambda: any(line.startswith("< reject") for line in peer.transcript.lines))
        assert peer.transcript.lines.count(f"< reject block: {DAMAGES[how][0]}") == 1
        assert node.tip().height == 29


@pytest.mark.parametrize("how", ["work", "link", "time", "bits"])
def test_btcd_leaves_who_tells_of_a_bad_header(how: str, peers: PeerFactory, tmp_path: Path) -> None:
    with Btcd(tmp_path) as node:
        peer = dialled(node, peers, 30)
        peer.serve([*CHAIN[:29], damaged(CHAIN[29], how)], timeout=60)
        assert str(peer.closed) == "closed by remote"
        assert node.tip().height == 0


def test_a_second_version_is_no_welcome_guest(node: Node, peers: PeerFactory) -> None:
    peer = peers.connect(node.address)
    lines = peer.script([Handshake(), peer.version(), ExpectClosed()])
    assert lines[-1] in {"x closed by remote", "x reset by remote"}


def test_neo_go_brings_the_chain_of_a_test_peer(tmp_path: Path, peers: PeerFactory) -> None:
    """Its validator has the private key 1, and so has ours. Empty blocks: it would run what transactions say."""
    signers = validators(1)
    network = neo_network("neo3", signers, magic=SINGLE.magic)
    chain = list(NeoChain(network, signers, transactions=(0, 0)).blocks(60))
    listener = peers.listen(network)
    with NeoGo(tmp_path, SINGLE, seeds=[str(listener.address)]) as node:
        peer = listener.accept(timeout=60)
        assert "NEO-GO" in peer.handshake(start_height=60, timeout=60).user_agent
        served = peer.serve(chain, timeout=60, until=lambda: node.height() == 60)
        assert node.hash_at(60) == hash_hex(network.codec.parser.block_header(chain[-1]).hash)
    assert set(served.asked) == set(range(1, 61))


def test_neo_go_brings_the_chain_of_an_actor(tmp_path: Path, peers: PeerFactory) -> None:
    signers = validators(1)
    network = neo_network("neo3", signers, magic=SINGLE.magic)
    chain = Chain(network, list(NeoChain(network, signers, transactions=(0, 0)).blocks(60)))
    actor = Backwards(chain, Random(1))
    listener = peers.listen(network)
    with NeoGo(tmp_path, SINGLE, seeds=[str(listener.address)]) as node:
        listener.play(actor, timeout=60, until=lambda: node.height() == 60)
        assert node.hash_at(60) == hash_hex(chain.tip.hash)


def test_neo_go_leaves_a_peer_of_another_network(tmp_path: Path, peers: PeerFactory) -> None:
    network = neo_network("neo3", validators(1), magic=SINGLE.magic)
    with NeoGo(tmp_path, SINGLE) as node:
        peer = peers.connect(node.address, network=network)
        peer.send(peer.version(magic=SINGLE.magic + 1))
        assert peer.expect(m.Version, timeout=60).magic == SINGLE.magic
        assert peer.expect_closed(timeout=60).by == "remote"
