"""Blocks of one peer, as an iterator: in order of arrival, no more ahead than agreed, what is missing at the end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from headway.blocking import connect
from headway.errors import PeerGone, RequestTimeout
from headway.networks.bitcoin import REGTEST
from headway.peer.feed import MIN_AHEAD
from headway.types import BlockId
from headway.wire import messages as m
from tests.farend import FarEnd, meanwhile, pair, served
from tests.link import block_of, blocks_of, genesis_of
from tests.toynet import PARSER, TOYNET, toy_chain, toy_hash, toy_headers, toy_requests

CHAIN = toy_chain(60)
HASHES = [toy_hash(block) for block in CHAIN]


def serve(far: FarEnd, chain: Sequence[bytes] = CHAIN) -> list[int]:
    """Answer each getdata until we hang up; how many blocks each asked for."""
    by_hash = {toy_hash(block): m.Block(block, PARSER) for block in chain}
    asked: list[int] = []
    while True:
        try:
            getdata = far.hear("getdata")
        except (AssertionError, ConnectionError):
            return asked
        assert isinstance(getdata, m.GetData)
        asked.append(len(getdata.entries))
        far.say(*(by_hash[entry.hash] for entry in getdata.entries))


@pytest.mark.parametrize(
    "wanted",
    [HASHES, toy_headers(CHAIN), toy_requests(CHAIN), [BlockId(height, each) for height, each in enumerate(HASHES, 1)]],
    ids=["hashes", "headers", "requests", "ids"],
)
def test_blocks_may_be_named_in_any_way_and_come_in_order_of_arrival(wanted: Any) -> None:
    with served(CHAIN) as address, connect(address, network=TOYNET) as peer:
        stream = peer.request_blocks(wanted)
        assert [bytes(block) for block in stream] == CHAIN
        assert stream.missing == ()


def test_what_the_remote_does_not_have_is_missing_at_the_end() -> None:
    with served(CHAIN) as address, connect(address, network=TOYNET) as peer:
        stream = peer.request_blocks([HASHES[0], b"\1" * 32, HASHES[1], b"\2" * 32])
        assert [block.hash for block in stream] == HASHES[:2]
        assert [request.hash for request in stream.missing] == [b"\1" * 32, b"\2" * 32]
        assert list(stream) == []


def test_no_blocks_asked_ends_at_once_and_nothing_is_asked_before_iteration() -> None:
    with pair() as (peer, far):
        peer.request_blocks(HASHES)
        assert list(peer.request_blocks([])) == []
        peer.send(m.GetAddr())
        assert far.hear_now() == ["getaddr"]


def test_no_more_blocks_are_asked_ahead_than_agreed() -> None:
    asked: list[int] = []
    with pair() as (peer, far):
        with meanwhile(lambda: asked.extend(serve(far))):
            assert next(peer.request_blocks(HASHES)).hash == HASHES[0]
            peer.close()
        assert asked == [MIN_AHEAD]


def test_leaving_the_loop_cancels_what_is_owed_without_blame() -> None:
    with served(CHAIN) as address, connect(address, network=TOYNET) as peer:
        for block in peer.request_blocks(HASHES):
            assert block.hash == HASHES[0]
            break
        assert peer._feeds == []
        stream = peer.request_blocks(HASHES)
        next(stream)
        stream.close()
        assert len(stream.missing) + len(list(stream)) < len(HASHES)
        assert peer.ping() > 0
        assert len(list(peer.request_blocks(HASHES))) == len(HASHES)


def test_other_calls_may_come_between_two_blocks() -> None:
    with served(CHAIN) as address, connect(address, network=TOYNET) as peer:
        seen = [len(peer.request_headers(block.hash)) for block in peer.request_blocks(HASHES)]
        assert seen == list(range(59, -1, -1))


def test_two_streams_do_not_mix() -> None:
    with served(CHAIN) as address, connect(address, network=TOYNET) as peer:
        even, odd = peer.request_blocks(HASHES[::2]), peer.request_blocks(HASHES[1::2])
        together = [block.hash for both in zip(even, odd, strict=True) for block in both]
        assert together == HASHES


def test_no_block_in_the_time_of_the_caller_is_a_timeout_and_the_peer_stays() -> None:
    with pair() as (peer, far):
        stream = peer.request_blocks(HASHES[:2], timeout=0.05)
        with pytest.raises(RequestTimeout, match=r"did not answer within 0\.05 s"):
            next(stream)
        assert [request.hash for request in stream.missing] == HASHES[:2]
        assert list(stream) == []
        far.say(m.Unknown("toy200", b""))
        peer.poll()
        assert peer.disconnected is None


def test_what_has_arrived_is_given_before_the_end_is_told() -> None:
    with pair() as (peer, far):
        stream = peer.request_blocks(HASHES[:3])

        def story() -> None:
            far.hear("getdata")
            far.say(m.Block(CHAIN[0], PARSER), m.Block(CHAIN[1], PARSER))
            far.sock.close()

        with meanwhile(story):
            assert [next(stream).hash, next(stream).hash] == HASHES[:2]
            with pytest.raises(PeerGone):
                next(stream)
        assert [request.hash for request in stream.missing] == HASHES[2:3]


@pytest.mark.parametrize("piece", [1, 7, 100_000])
def test_slow_far_end_brings_the_same_block(piece: int) -> None:
    """A block of Bitcoin goes straight into a buffer of its own; the pieces of this one are small or large."""
    size = 300 if piece < 100 else 1_000_000
    raw = blocks_of(REGTEST, 1)[0] + bytes(size)
    version = m.Version(REGTEST.codec.protocol_version, 9, 1_700_000_000, 77, "/far:1/", 500)
    with pair(REGTEST, version=version) as (peer, far):

        def story() -> None:
            far.hear("getdata")
            data = far.encode(block_of(REGTEST, raw))
            for at in range(0, len(data), piece):
                far.sock.sendall(data[at : at + piece])

        with meanwhile(story):
            block_hash = REGTEST.codec.parser.block_header(raw).hash
            [block] = peer.request_blocks([BlockId(1, block_hash)])
        assert bytes(block.raw) == raw
        assert genesis_of(REGTEST).hash in raw
