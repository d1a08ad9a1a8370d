"""Whom to ask for headers, and when everybody has been heard."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from headway.chain.headers import NOT_KNOWN, Added, HeaderTree
from headway.sync.headers import (
    FUTURE_RETRY,
    HEARING_TIMEOUT,
    LOW_WORK_RETRY,
    MAX_STRANGE,
    PATIENCE,
    UNCONNECTED_INTERVAL,
    AskAnnounced,
    AskHeaders,
    HeaderSync,
    Stranger,
)
from headway.sync.ranges import TAKEOVER, Ranges
from tests.toynet import TOYNET, toy_block, toy_chain, toy_hash, toy_headers

NOW = 1_700_000_000.0
MAX = 10
BLOCKS = toy_chain(60)


class Story:
    """A header sync with its tree, told as what happens to it."""

    def __init__(
        self,
        known: int = 0,
        peers: int = 1,
        poll_interval: float = 0.0,
        full_headers: int = MAX,
        minimum_work: int = 0,
        checkpoints: Sequence[int] = (),
    ) -> None:
        self.tree = HeaderTree(TOYNET)
        self.tree.add(toy_headers(BLOCKS[:known]), NOW)
        points = tuple((height, toy_hash(BLOCKS[height - 1])) for height in checkpoints)
        limits = replace(TOYNET.limits, full_headers=full_headers)
        self.ranges = Ranges(replace(TOYNET, checkpoints=points, limits=limits), self.tree)
        self.sync = HeaderSync(
            self.tree,
            self.ranges,
            full_headers=full_headers,
            poll_interval=poll_interval,
            minimum_work=minimum_work,
        )
        for peer in range(1, peers + 1):
            self.sync.add_peer(peer)

    def asks(self, now: float = 0.0) -> list[tuple[int, int]]:
        """Peer and first locator height of each request that goes out."""
        return [(ask.peer, ask.locator[0].height) for ask in self.sync.tick(now) if isinstance(ask, AskHeaders)]

    def strangers(self, now: float = 0.0) -> list[Stranger]:
        return [ask for ask in self.sync.tick(now) if isinstance(ask, Stranger)]

    def fence(self, peer: int, now: float = 0.0) -> None:
        """The pong behind the question comes first."""
        self.sync.settled(peer, None, 0, now)

    def asks_for_blocks(self, now: float = 0.0) -> list[AskAnnounced]:
        return [ask for ask in self.sync.tick(now) if isinstance(ask, AskAnnounced)]

    def reply(self, peer: int, blocks: Sequence[bytes], now: float = 0.0) -> Added:
        added = self.tree.add(toy_headers(blocks), NOW) if blocks else Added(NOT_KNOWN)
        self.sync.settled(peer, added, len(blocks), now)
        return added

    def all_heard(self) -> bool:
        return self.sync.all_heard

    def announce(self, peer: int, blocks: Sequence[bytes], now: float = 0.0) -> None:
        self.sync.announced(peer, self.tree.add(toy_headers(blocks), NOW), now)


def test_exactly_one_of_many_peers_is_asked_at_the_start() -> None:
    story = Story(peers=5)
    assert story.asks() == [(1, 0)]
    assert story.asks(1.0) == []


def test_the_request_starts_at_the_parent_of_our_tip() -> None:
    assert Story(known=25).asks() == [(1, 24)]
    assert Story(known=1).asks() == [(1, 0)]


def test_a_full_message_is_followed_by_a_request_from_its_last_header() -> None:
    story = Story()
    story.asks()
    story.reply(1, BLOCKS[:MAX])
    assert story.asks() == [(1, MAX)]
    assert not story.sync.started


def test_a_message_that_is_not_full_ends_the_sync_of_that_peer() -> None:
    story = Story()
    story.asks()
    story.reply(1, BLOCKS[: MAX - 1])
    assert story.asks() == []
    assert story.sync.started
    assert story.all_heard()


def test_a_full_message_that_leads_no_further_is_not_asked_for_again() -> None:
    story = Story()
    story.asks()
    story.reply(1, BLOCKS[:MAX])
    story.asks()
    story.reply(1, BLOCKS[:MAX])
    assert story.asks() == []


def test_once_the_first_peer_is_through_every_other_is_asked_about_the_tip() -> None:
    story = Story(peers=3)
    story.asks()
    story.reply(1, BLOCKS[:5])
    assert story.asks() == [(2, 4), (3, 4)]
    assert not story.all_heard()
    story.reply(2, BLOCKS[4:5])
    story.reply(3, BLOCKS[4:7])
    assert story.all_heard()
    assert story.tree.tip.height == 7


def test_a_pong_before_any_headers_counts_as_heard_without_blame() -> None:
    story = Story(peers=2)
    story.asks()
    story.sync.settled(1, None, 0, 0.0)
    assert story.asks() == [(2, 0)]
    story.sync.settled(2, None, 0, 0.0)
    assert story.all_heard()
    assert story.sync.best(1) == NOT_KNOWN


def test_another_peer_is_asked_when_the_first_takes_long_and_nobody_is_dropped() -> None:
    story = Story(peers=3)
    story.asks(0.0)
    assert story.sync.due() == PATIENCE
    assert story.asks(PATIENCE - 0.01) == []
    assert story.asks(PATIENCE) == [(2, 0)]
    assert story.asks(PATIENCE) == []
    assert set(story.sync.peers_asked()) == {1, 2}


def test_a_lost_sync_peer_hands_over_at_once() -> None:
    story = Story(peers=2)
    story.asks()
    story.sync.drop_peer(1)
    assert story.asks() == [(2, 0)]


def test_nobody_is_not_everybody() -> None:
    story = Story(peers=0)
    assert not story.all_heard()
    story.sync.add_peer(1)
    story.asks()
    story.sync.drop_peer(1)
    assert not story.all_heard()


def test_news_from_a_heard_peer_asks_it_again() -> None:
    story = Story()
    story.asks()
    story.reply(1, BLOCKS[:5])
    story.sync.news(1)
    assert not story.all_heard()
    assert story.asks() == [(1, 4)]


def test_news_while_a_request_is_out_asks_once_more_after_it() -> None:
    story = Story()
    story.asks()
    story.sync.news(1)
    assert story.asks() == []
    story.reply(1, BLOCKS[:5])
    assert not story.all_heard()
    assert story.asks() == [(1, 4)]
    story.reply(1, BLOCKS[4:6])
    assert story.asks() == []


def test_announced_headers_that_do_not_connect_provoke_one_request_in_two_minutes() -> None:
    story = Story()
    story.asks()
    story.reply(1, BLOCKS[:5])
    story.announce(1, BLOCKS[20:21])
    assert story.asks() == [(1, 4)]
    story.reply(1, BLOCKS[4:5])
    story.announce(1, BLOCKS[20:21], now=1.0)
    assert story.asks(1.0) == []
    story.announce(1, BLOCKS[20:21], now=UNCONNECTED_INTERVAL)
    assert story.asks(UNCONNECTED_INTERVAL) == [(1, 4)]
    assert story.asks(2 * UNCONNECTED_INTERVAL) == []


def test_announced_headers_that_do_not_connect_are_asked_for_though_they_come_too_soon() -> None:
    """A peer that grew twice within two minutes announces nothing more: what it has must not be missed for that."""
    story = Story()
    story.asks()
    story.reply(1, BLOCKS[:5])
    story.announce(1, BLOCKS[10:11], now=10.0)
    assert story.asks(10.0) == [(1, 4)]
    story.reply(1, BLOCKS[4:11], now=10.0)
    for now in (20.0, 30.0):
        story.announce(1, BLOCKS[20:21], now=now)
        assert story.asks(now) == []
    assert story.sync.due() == 10.0 + UNCONNECTED_INTERVAL
    assert story.asks(10.0 + UNCONNECTED_INTERVAL) == [(1, 10)]
    story.reply(1, BLOCKS[10:19])
    assert story.asks(10.0 + UNCONNECTED_INTERVAL) == []
    assert story.sync.due() is None


def test_best_is_the_heaviest_header_that_a_peer_has_shown() -> None:
    story = Story()
    story.asks()
    story.reply(1, BLOCKS[:5])
    assert story.sync.best(1) == 5
    story.announce(1, BLOCKS[2:3])
    assert story.sync.best(1) == 5
    story.announce(1, BLOCKS[5:8])
    assert story.sync.best(1) == 8
    story.sync.shown(1, 3)
    assert story.sync.best(1) == 8


def test_a_header_from_the_future_is_asked_for_again_later() -> None:
    story = Story()
    story.asks()
    far = toy_block(toy_hash(BLOCKS[2]), int(NOW) + 50_000)
    story.reply(1, [*BLOCKS[:3], far])
    assert story.all_heard()
    assert story.sync.due() == FUTURE_RETRY
    assert story.asks(FUTURE_RETRY - 1) == []
    assert story.asks(FUTURE_RETRY) == [(1, 2)]


def test_an_announced_block_whose_header_does_not_come_is_asked_for_itself() -> None:
    """Some nodes leave their tip out of the answer to getheaders, and tell its hash alone."""
    story = Story(known=10)
    story.asks()
    story.reply(1, [])
    wanted = toy_hash(BLOCKS[10])
    story.sync.news(1, wanted)
    assert story.asks() == [(1, 9)]
    assert story.asks_for_blocks() == []
    story.reply(1, [])
    assert story.asks_for_blocks() == [AskAnnounced(1, wanted)]
    assert story.asks_for_blocks() == []


def test_a_block_that_is_announced_while_we_ask_is_not_forgotten() -> None:
    story = Story(known=10)
    story.asks()
    wanted = toy_hash(BLOCKS[10])
    story.sync.news(1, wanted)
    story.reply(1, [])
    assert story.asks() == [(1, 9)]
    story.reply(1, [])
    assert story.asks_for_blocks() == [AskAnnounced(1, wanted)]


def test_an_announced_block_whose_header_has_come_is_asked_for_in_its_turn() -> None:
    story = Story(known=10)
    story.asks()
    story.reply(1, [])
    story.sync.news(1, toy_hash(BLOCKS[10]))
    story.asks()
    story.reply(1, BLOCKS[9:11])
    assert story.asks_for_blocks() == []


def test_peers_are_polled_in_turn_where_they_may_not_announce() -> None:
    story = Story(known=10, peers=2, poll_interval=15.0)
    story.asks()
    story.reply(1, [])
    assert story.asks() == [(2, 9)]
    story.reply(2, [])
    assert story.sync.due() == 15.0
    assert story.asks(14.9) == []
    assert story.asks(15.0) == [(1, 9)]
    assert story.all_heard(), "nobody waits for a poll"
    story.reply(1, [], 16.0)
    assert story.asks(30.0) == [(2, 9)]
    story.reply(2, BLOCKS[9:12], 30.0)
    assert story.tree.tip.height == 12


def test_nobody_is_polled_where_peers_announce() -> None:
    story = Story(known=10)
    story.asks()
    story.reply(1, [])
    assert story.sync.due() is None
    assert story.asks(1e6) == []


def drawn_out(story: Story, blocks: Sequence[Sequence[bytes]]) -> list[bool]:
    """Peer 2 is asked, and gives these answers one a minute: whether everybody counted as heard after each of them."""
    story.asks()
    story.reply(1, BLOCKS[:30])
    story.asks()
    story.fence(1)
    heard, now = [], 0.0
    for answer in blocks:
        story.asks(now)
        now += 60.0
        story.reply(2, answer, now)
        story.asks(now)
        heard.append(story.all_heard())
    return heard


def test_who_brings_nothing_new_for_long_is_asked_on_and_nobody_waits_for_it() -> None:
    story = Story(peers=2, full_headers=1)
    heard = drawn_out(story, [BLOCKS[at : at + 1] for at in range(5)])
    assert 60.0 < HEARING_TIMEOUT <= 120.0
    assert heard == [False, True, True, True, True]
    assert set(story.sync.peers_asked()) == {2}


def test_who_brings_something_new_is_waited_for_however_long_it_takes() -> None:
    story = Story(peers=2, full_headers=1)
    heard = drawn_out(story, [BLOCKS[at : at + 1] for at in range(30, 40)])
    assert heard == [False] * 10


def test_two_that_announce_by_turns_what_nobody_has_keep_nobody_waiting() -> None:
    """Each is heard now and then, and never both."""
    story = Story(peers=3)
    story.asks()
    story.reply(1, BLOCKS[:5])
    story.asks()
    story.fence(2)
    story.sync.news(3, b"?" * 32)
    heard = []
    for now in range(0, 600, 10):
        one, other = (2, 3) if now % 20 else (3, 2)
        story.sync.news(other, bytes([now % 256]) * 32)
        story.asks(float(now))
        story.fence(one, now + 5.0)
        story.asks(now + 5.0)
        heard.append(story.all_heard())
    assert not any(heard[:10])
    assert all(heard[-10:])


def test_who_announces_unknown_blocks_without_end_keeps_nobody_waiting() -> None:
    story = Story(peers=2)
    story.asks()
    story.reply(1, BLOCKS[:5])
    heard = []
    for now in range(0, 200, 10):
        story.asks(float(now))
        story.sync.news(2, bytes([now]) * 32)
        story.fence(2, now + 9.0)
        story.asks(now + 9.0)
        heard.append(story.all_heard())
    assert heard == sorted(heard)
    assert (heard[0], heard[-1]) == (False, True)


def test_a_peer_that_answers_with_another_chain_again_and_again_is_a_stranger() -> None:
    story, others = Story(known=10), toy_chain(30, salt=9)
    for _ in range(MAX_STRANGE):
        assert story.asks() == [(1, 9)]
        story.announce(1, others[20:25])
        assert story.strangers() == []
        story.fence(1)
    assert story.strangers() == [Stranger(1)]
    assert not story.sync.started, "it has told nothing about our chain"


def test_an_announcement_that_crosses_our_question_makes_no_stranger() -> None:
    story, others = Story(known=10), toy_chain(30, salt=9)
    for _ in range(3 * MAX_STRANGE):
        story.sync.news(1)
        story.asks()
        story.announce(1, others[20:25])
        story.reply(1, BLOCKS[9:10])
        assert story.strangers() == []


def test_each_new_block_has_one_more_peer_asked_before_a_first_is_through() -> None:
    story = Story(peers=5)
    assert story.asks() == [(1, 0)]
    for peer in (3, 4):
        story.sync.news(peer, b"one")
    assert story.asks() == [(3, 0)]
    story.sync.news(3, b"two")
    assert story.asks() == [], "it is asked already"
    story.sync.news(5, b"two")
    assert story.asks() == [(5, 0)]
    story.sync.news(2, b"two")
    assert story.asks() == []


def test_who_is_asked_on_or_again_is_asked_once() -> None:
    story = Story(peers=2)
    story.asks()
    story.sync.go_on(1, story.tree.locator(0), 1.0)
    assert story.asks(1.0) == [(1, 0)]
    story.sync.ask_again(1)
    assert story.asks(1.0) == [(2, 0)], "in its turn"
    for gone in (story.sync.ask_again, story.sync.unanswered):
        gone(9)
    story.sync.go_on(9, story.tree.locator(0), 1.0)
    assert story.asks(1.0) == []


def test_below_the_minimum_work_nobody_is_through_and_the_next_is_asked() -> None:
    story = Story(peers=2, minimum_work=21)
    story.asks()
    story.reply(1, BLOCKS[:5])
    assert not story.sync.started
    assert story.asks() == [(2, 4)]
    story.reply(2, BLOCKS[4:9])
    assert (story.sync.started, story.all_heard()) == (False, False)
    assert story.sync.due() == LOW_WORK_RETRY
    assert story.asks(LOW_WORK_RETRY - 1) == []
    assert story.asks(LOW_WORK_RETRY) == [(1, 8)]
    story.sync.settled(1, story.tree.add(toy_headers(BLOCKS[8:30]), NOW), 5, LOW_WORK_RETRY)
    assert (story.sync.started, story.all_heard()) == (True, True)


def test_a_peer_that_the_user_named_may_have_little_work_and_is_through() -> None:
    story = Story(peers=0, minimum_work=21)
    story.sync.add_peer(1, is_trusted=True)
    story.asks()
    story.reply(1, BLOCKS[:5])
    assert (story.sync.started, story.all_heard()) == (True, True)


def test_between_checkpoints_everybody_is_asked_once_one_has_shown_our_chain() -> None:
    story = Story(peers=3, checkpoints=(15, 30))
    assert story.asks() == [(1, 0)]
    assert story.asks(PATIENCE - 0.1) == []
    story.ranges.receive(1, toy_headers(BLOCKS[:10]))
    question = story.ranges.question(1, 1.0)
    story.sync.go_on(1, question.locator, 1.0, question.stop)
    asks = [ask for ask in story.sync.tick(1.0) if isinstance(ask, AskHeaders)]
    assert [(ask.peer, ask.stop) for ask in asks] == [(1, toy_hash(BLOCKS[14])), (2, toy_hash(BLOCKS[29]))]
    assert story.asks(1.5) == [], "there is nothing for the third, and the first is not slow yet"
    assert story.asks(1.0 + TAKEOVER) == [(3, 10)]


def test_another_is_asked_for_the_first_range_when_the_first_takes_long() -> None:
    story = Story(peers=3, checkpoints=(15, 30))
    story.asks()
    assert story.asks(PATIENCE) == [(2, 15)]


def test_where_nobody_has_the_ranges_they_are_closed() -> None:
    story = Story(peers=2, checkpoints=(15, 30))
    for peer in (1, 2):
        assert story.asks() == [(peer, 0)]
        story.ranges.receive(peer, toy_headers(BLOCKS[30:35]))
        story.sync.ask_again(peer)
    assert story.asks() == [(1, 0)]
    assert not story.ranges.is_open


def test_an_unanswered_question_is_put_again_and_the_range_is_free_for_others() -> None:
    story = Story(peers=1, checkpoints=(15, 30))
    story.asks()
    assert story.ranges.is_asked(1)
    story.sync.unanswered(1)
    assert story.asks(40.0) == [(1, 0)]
