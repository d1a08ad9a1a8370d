"""How many blocks are asked ahead of a consumer, and what he is told of the rest."""

from __future__ import annotations

import pytest

from headway.peer.events import BlockReceived, BlocksNotFound
from headway.peer.feed import BYTES_AHEAD, MAX_AHEAD, MIN_AHEAD, Feed
from headway.types import BlockRequest
from headway.wire import messages as m
from tests.link import missing, only, ready
from tests.toynet import GENESIS, PARSER, TOYNET, toy_chain, toy_requests

CHAIN = toy_chain(3)


def feed_after(sizes: list[int], *, most: int = 10_000) -> Feed:
    """A feed that was given blocks of these sizes."""
    wanted = [BlockRequest(None, hash=number.to_bytes(32, "big")) for number in range(1, len(sizes) + 1)]
    feed = Feed(wanted, most)
    for request, size in zip(wanted, sizes, strict=True):
        feed._asked[request.hash] = request
        assert feed.accept(request, m.Block(bytes(size), PARSER))
    return feed


@pytest.mark.parametrize(
    ("size", "ahead"),
    [(4_000_000, MIN_AHEAD), (1_000_000, 32), (100_000, 320), (250, MAX_AHEAD)],
)
def test_as_many_are_asked_ahead_as_come_to_a_bounded_number_of_bytes(size: int, ahead: int) -> None:
    feed = feed_after([size] * 3)
    assert feed._ahead == ahead
    assert ahead * size <= max(BYTES_AHEAD, MIN_AHEAD * size)


def test_never_more_are_asked_ahead_than_the_network_allows_in_one_batch() -> None:
    assert feed_after([250], most=8)._ahead == 8


def test_block_of_another_feed_is_not_accepted() -> None:
    feed = feed_after([100])
    assert not feed.accept(BlockRequest(None, hash=GENESIS.hash), m.Block(b"", PARSER))


def test_feed_ends_with_what_came_and_what_is_missing() -> None:
    remote, (one, two, three) = ready(TOYNET), toy_requests(CHAIN)
    feed = Feed([one, two, three], 2)
    owed = [feed.is_owed]
    assert feed.ask_more(remote.peer, 1.0)
    assert not feed.ask_more(remote.peer, 1.0), "enough is on its way"
    owed.append(feed.is_owed)
    assert [len(ask.entries) for ask in remote.hears() if isinstance(ask, m.GetData)] == [2]
    remote.says(m.Block(CHAIN[0], PARSER), missing(two.hash), now=2.0)
    events = remote.events()
    received, absent = only(BlockReceived, events), only(BlocksNotFound, events)
    assert received.request is not None
    assert feed.accept(received.request, received.block)
    feed.not_found(absent.requests)
    assert feed.missing == (two, three)
    assert feed.has_block
    assert feed.take() == m.Block(CHAIN[0], PARSER)
    assert feed.ask_more(remote.peer, 3.0)
    feed.finish(4.0)
    assert [*owed, feed.is_owed] == [False, True, False]
    assert feed.missing == (two, three)
    assert not feed.is_done
