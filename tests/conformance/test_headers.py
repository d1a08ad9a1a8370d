"""The conformance tests of headers that concern one peer: number 30 of the forty."""

from __future__ import annotations

from collections.abc import Sequence

from headway.chain.headers import HeaderTree
from headway.networks.bitcoin import REGTEST
from headway.node.orders import PeerLost
from headway.peer.events import Reason
from headway.testing.chain import regtest_chain
from headway.types import BlockId
from headway.wire import messages as m
from tests.link import genesis_of
from tests.stranger import Stranger
from tests.toynet import TOYNET, toy_chain, toy_headers
from tests.virtual import World


def locator_of(count: int) -> tuple[BlockId, ...]:
    """Blocks that nobody knows, and genesis last."""
    return (*(BlockId(-1, bytes([number]) * 32) for number in range(1, count)), genesis_of(REGTEST))


def getheaders(locator: Sequence[BlockId]) -> m.Message:
    """As long as it may be and longer, which our own codec would refuse to write."""
    hashes = b"".join(block.hash for block in locator)
    return m.Unknown("getheaders", (70016).to_bytes(4, "little") + bytes([len(locator)]) + hashes + bytes(32))


def test_a_locator_of_101_is_answered_and_one_of_102_disconnects() -> None:
    """Conformance test 30. Longer is against the protocol, and no more than that: nobody is discouraged."""
    world = World(REGTEST)
    chain = list(regtest_chain(5))
    node, stranger = world.node(chain, at="1.0.0.1:1"), Stranger(world)
    link = stranger.call(node)
    assert link is not None
    stranger.shake(link)
    stranger.says(link, getheaders(locator_of(101)))
    [answer] = stranger.hears(link)
    assert isinstance(answer, m.Headers)
    assert [header.raw for header in answer] == [block[:80] for block in chain]
    stranger.says(link, getheaders(locator_of(102)))
    assert stranger.hears(link) == []
    assert stranger.links == []
    [lost] = node.events_of(PeerLost)
    assert lost.reason is Reason.PROTOCOL
    assert "locator is 102, at most 101" in lost.message
    assert node.machine.counters.misbehaved == 0


def test_our_locator_is_twelve_in_a_row_then_gaps_that_double_then_genesis() -> None:
    """Conformance test 30."""
    tree = HeaderTree(TOYNET)
    tree.add(toy_headers(toy_chain(200)), 1_700_000_000.0)
    heights = [entry.height for entry in tree.locator()]
    assert heights == [*range(200, 188, -1), 187, 183, 175, 159, 127, 63, 0]
    assert [entry.height for entry in tree.locator(0)] == [0]
    assert [entry.height for entry in tree.locator(tree.at(3))] == [3, 2, 1, 0]


def test_a_locator_at_height_970_000_has_31_entries() -> None:
    """Conformance test 30."""

    class Tall(HeaderTree):
        """As if it held 970,000 headers: the locator needs heights alone."""

        def height(self, position: int) -> int:
            return position

        def id(self, position: int) -> BlockId:
            return BlockId(position, b"")

        def at(self, height: int) -> int:
            return height

        def on_best_chain(self, position: int) -> bool:
            return position >= 0

    entries = Tall(TOYNET).locator(970_000)
    assert len(entries) == 31
    assert [entry.height for entry in entries[:14]] == [*range(970_000, 969_988, -1), 969_987, 969_983]
    assert entries[-1].height == 0
