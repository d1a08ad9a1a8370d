"""What a peer was like."""

from __future__ import annotations

from dataclasses import replace

from headway.node.merit import joined, merit_of
from headway.peer.events import Reason
from headway.types import PeerMerit
from headway.wire.messages import Ping, Pong
from tests.link import Remote, block_of, blocks_of, requests_of
from tests.toynet import TOYNET

KNOWN = PeerMerit("/far:1/", 2, 77, 0.05, 12.0, (("STALLED", 2),))


def test_a_connection_tells_who_it_was_and_how_good() -> None:
    remote = Remote(TOYNET)
    remote.shake(user_agent="/far\x1b:1/", start_height=77)
    remote.hears()
    blocks = blocks_of(TOYNET, 4)
    remote.peer.request_blocks(requests_of(TOYNET, blocks), 1.0)
    for block in blocks:
        remote.says(block_of(TOYNET, block), now=3.0)
    remote.peer.ping(3.0)
    (nonce,) = [each.nonce for each in remote.hears() if isinstance(each, Ping)]
    remote.says(Pong(nonce), now=3.25)
    merit = merit_of(remote.peer, Reason.STALLED)
    assert merit == PeerMerit("/far?:1/", 2, 77, 0.25, 2.0, (("STALLED", 1),))


def test_a_dial_in_vain_tells_only_that() -> None:
    assert merit_of(Remote(TOYNET).peer, Reason.CONNECT_FAILED) == PeerMerit(ends=(("CONNECT_FAILED", 1),))


def test_what_a_connection_did_not_tell_is_kept_from_before() -> None:
    assert joined(KNOWN, PeerMerit(ends=(("IDLE", 1),))) == replace(KNOWN, ends=(("STALLED", 2), ("IDLE", 1)))
    newer = PeerMerit("/far:2/", 3, 80, ends=(("STALLED", 1),))
    assert joined(KNOWN, newer) == PeerMerit("/far:2/", 3, 80, 0.05, 12.0, (("STALLED", 3),))
    assert joined(PeerMerit(), KNOWN) == KNOWN
