"""What the fixtures give: peers that are closed in the end, and chains that are made once."""

from __future__ import annotations

import pytest

from headway.errors import PeerGone
from headway.testing.chain import regtest_chain as make_chain
from headway.testing.fixtures import PeerFactory, regtest_chain
from headway.testing.peer import TestPeer
from headway.wire import messages as m
from tests.farend import leaving_nothing


def test_whatever_a_factory_gave_is_closed_in_the_end() -> None:
    with leaving_nothing():
        with PeerFactory() as peers:
            listener = peers.listen()
            ours = peers.connect(listener.address, source="127.0.0.3")
            theirs = listener.accept()
            assert theirs.address.host == "127.0.0.3"
            ours.send(m.GetAddr())
            theirs.expect(m.GetAddr)
        assert [str(peer.closed) for peer in (ours, theirs)] == ["closed by us"] * 2
        with pytest.raises(PeerGone):
            TestPeer.connect(listener.address)


def test_a_peer_that_a_test_has_closed_is_no_trouble() -> None:
    with PeerFactory() as peers:
        ours = peers.connect(peers.listen("neo3").address, network="neo3", auto_pong=False)
        ours.drop()
    assert str(ours.closed) == "reset by us"


def test_a_chain_is_the_makers_as_a_list_of_ones_own() -> None:
    chain = regtest_chain(5, salt=3)
    assert chain == list(make_chain(5, salt=3))
    again = regtest_chain(5, salt=3)
    again.clear()
    assert regtest_chain(5, salt=3) == chain
    assert regtest_chain(5, salt=3)[0] is chain[0]
    assert regtest_chain(2, parent=chain[1], salt=3) == chain[2:4]
