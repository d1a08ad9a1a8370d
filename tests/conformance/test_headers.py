"""The conformance tests of headers that concern one peer: number 30 of the forty."""

from __future__ import annotations

import pytest

from headway.chain.headers import HeaderTree
from headway.networks.bitcoin import REGTEST
from headway.peer import events as e
from headway.peer.events import Reason
from headway.types import BlockId
from headway.wire import messages as m
from tests.link import of, ready
from tests.toynet import TOYNET, toy_chain, toy_headers


@pytest.mark.parametrize(("hashes", "accepted"), [(101, True), (102, False)])
def test_a_locator_of_101_is_taken_and_one_of_102_disconnects(hashes: int, *, accepted: bool) -> None:
    """Conformance test 30."""
    remote = ready(REGTEST)
    payload = (70016).to_bytes(4, "little") + bytes([hashes]) + bytes(32 * hashes) + bytes(32)
    remote.says(m.Unknown("getheaders", payload), now=1.0)
    if accepted:
        [event] = of(e.MessageReceived, remote.events())
        assert isinstance(event.message, m.GetHeaders)
        assert len(event.message.locator) == 101
    else:
        assert remote.ended().reason is Reason.PROTOCOL


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
