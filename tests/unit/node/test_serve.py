"""What we answer others."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, TypeVar

import pytest

from headway.chain.headers import HeaderTree
from headway.network import Limits
from headway.node.answer import Answer, ReadBlock, Refuse, ServeOutput, TellAddresses
from headway.node.serve import MAX_ANNOUNCED, MAX_BLOCKS_INV, MAX_QUESTIONS, Server
from headway.peer.events import Reason
from headway.sync.scheduler import SyncScheduler
from headway.types import Address, BlockId, Instant
from headway.wire.messages import (
    Block,
    FeeFilter,
    FilterAdd,
    FilterClear,
    FilterLoad,
    GetAddr,
    GetBlocks,
    GetData,
    GetHeaders,
    Headers,
    Inv,
    InvEntry,
    InvType,
    MemPool,
    Message,
    NotFound,
    SendHeaders,
)
from tests.toynet import GENESIS, GENESIS_BLOCK, TOYNET, toy_chain, toy_hash, toy_headers

M = TypeVar("M", bound=Message)
CHAIN = toy_chain(1_200)
HASHES = [GENESIS.hash, *map(toy_hash, CHAIN)]
NOW = 1_700_000_000.0
OVERDRAWN = Refuse(1, Reason.NOT_READING, "it asks for more than it reads")


class Story:
    def __init__(
        self,
        blocks: Sequence[bytes] = CHAIN,
        *,
        stored: int | None = None,
        floor: int | None = 0,
        minimum_chainwork: int = 0,
        **server: Any,
    ) -> None:
        limits = Limits(max_headers=2_000, max_send_queue=100_000, max_block_size=1)
        network = replace(TOYNET, limits=limits, minimum_chainwork=minimum_chainwork)
        self.tree = HeaderTree(network)
        self.tree.restore(toy_headers(blocks).compact())
        held = range(1, (len(blocks) if stored is None else stored) + 1)
        self.sync = SyncScheduler(network, self.tree, stored=held, floor=floor, rng=random.Random(1))
        self.server = Server(network, self.tree, self.sync, **server)
        self.server.add_peer(1)

    def ask(self, message: Message) -> list[ServeOutput]:
        self.server.received(1, message, 0.0)
        return self.server.take()

    def answer(self, message: Message, kind: type[M]) -> M:
        (output,) = self.ask(message)
        assert isinstance(output, Answer)
        assert isinstance(output.message, kind)
        return output.message


def locator(*heights: int) -> tuple[BlockId, ...]:
    return tuple(BlockId(height, HASHES[height]) for height in heights)


def entries(*heights: int, kind: int = InvType.WITNESS_BLOCK) -> tuple[InvEntry, ...]:
    return tuple(InvEntry(kind, HASHES[height]) for height in heights)


def hashes(headers: Headers) -> list[bytes]:
    return [header.hash for header in headers]


def test_headers_follow_the_first_locator_entry_that_we_know() -> None:
    story = Story()
    unknown = BlockId(900, b"?" * 32)
    assert hashes(story.answer(GetHeaders((unknown, *locator(1_195, 5))), Headers)) == HASHES[1_196:]


def test_an_unknown_locator_is_answered_from_genesis() -> None:
    assert hashes(Story(CHAIN[:5]).answer(GetHeaders((BlockId(-1, b"?" * 32),)), Headers)) == HASHES[1:6]


def test_headers_stop_at_the_stop_hash_and_at_the_limit() -> None:
    story = Story()
    assert hashes(story.answer(GetHeaders(locator(0), HASHES[7]), Headers)) == HASHES[1:8]
    long = Story(toy_chain(2_100))
    assert len(long.answer(GetHeaders(locator(0)), Headers)) == 2_000


def test_having_nothing_more_is_an_empty_answer_not_silence() -> None:
    assert len(Story().answer(GetHeaders(locator(1_200)), Headers)) == 0


def test_a_null_locator_asks_for_the_stop_header_alone() -> None:
    story = Story()
    assert hashes(story.answer(GetHeaders((), HASHES[9]), Headers)) == [HASHES[9]]
    assert len(story.answer(GetHeaders((), b"?" * 32), Headers)) == 0


def test_headers_whose_blocks_are_not_here_are_not_offered() -> None:
    story = Story(stored=10)
    assert hashes(story.answer(GetHeaders(locator(0)), Headers)) == HASHES[1:11]
    assert len(Story(stored=0, floor=None).answer(GetHeaders(locator(0)), Headers)) == 1_200


def test_a_locator_on_another_branch_is_answered_from_the_fork() -> None:
    story = Story(CHAIN[:20])
    rival = toy_chain(2, salt=1, parent=CHAIN[9])
    story.tree.add(toy_headers(rival), NOW)
    ids = [BlockId(12, toy_hash(rival[1])), BlockId(11, toy_hash(rival[0])), *locator(10, 9, 8)]
    assert hashes(story.answer(GetHeaders(tuple(ids)), Headers)) == HASHES[11:21]


def test_getblocks_is_answered_by_at_most_500_hashes() -> None:
    message = Story().answer(GetBlocks(locator(0)), Inv)
    assert [entry.hash for entry in message.entries] == HASHES[1 : MAX_BLOCKS_INV + 1]


def test_getblocks_is_silent_when_there_is_nothing() -> None:
    assert Story().ask(GetBlocks(locator(1_200))) == []


def test_getblocks_leaves_the_stop_hash_out() -> None:
    message = Story().answer(GetBlocks(locator(0), HASHES[4]), Inv)
    assert [entry.hash for entry in message.entries] == HASHES[1:4]


def test_after_the_last_of_500_the_tip_is_announced_so_that_the_asker_goes_on() -> None:
    story = Story()
    story.ask(GetBlocks(locator(0)))
    assert story.ask(GetData(entries(499))) == [ReadBlock(1, 499)]
    story.server.loaded(1, CHAIN[498], 0.0)
    assert len(story.server.take()) == 1
    story.ask(GetData(entries(500)))
    story.server.loaded(1, CHAIN[499], 0.0)
    block, tip = story.server.take()
    assert isinstance(block, Answer)
    assert isinstance(block.message, Block)
    assert tip == Answer(1, Inv((InvEntry(InvType.BLOCK, HASHES[1_200]),)))
    story.ask(GetData(entries(500)))
    story.server.loaded(1, CHAIN[499], 0.0)
    assert len(story.server.take()) == 1  # once


@pytest.mark.parametrize("kind", [InvType.BLOCK, InvType.WITNESS_BLOCK])
def test_blocks_are_read_one_at_a_time_and_sent_in_order(kind: int) -> None:
    story = Story()
    assert story.ask(GetData(entries(3, 1, 2, kind=kind))) == [ReadBlock(1, 3)]
    for height, after in ((3, [ReadBlock(1, 1)]), (1, [ReadBlock(1, 2)]), (2, [])):
        story.server.loaded(1, CHAIN[height - 1], 0.0)
        answer, *rest = story.server.take()
        assert isinstance(answer, Answer)
        assert isinstance(answer.message, Block)
        assert answer.message.raw == CHAIN[height - 1]
        assert rest == after


def test_genesis_is_served_though_no_file_holds_it() -> None:
    assert Story().answer(GetData(entries(0)), Block).raw == GENESIS_BLOCK


def test_what_we_lack_is_notfound() -> None:
    story = Story(stored=10)
    wanted = (InvEntry(InvType.WITNESS_BLOCK, b"?" * 32), *entries(11), InvEntry(InvType.TX, b"t" * 32))
    assert story.answer(GetData(wanted), NotFound).entries == wanted


def test_a_block_that_cannot_be_read_is_notfound() -> None:
    story = Story()
    story.ask(GetData(entries(3)))
    story.server.loaded(1, None, 0.0)
    assert story.server.take() == [Answer(1, NotFound(entries(3)))]


def test_nothing_is_read_for_a_peer_that_does_not_take_what_it_was_sent() -> None:
    story = Story()
    story.server.writable(1, full=True, now=0.0)
    assert story.ask(GetData(entries(1, 2))) == []
    story.server.writable(1, full=False, now=0.0)
    assert story.server.take() == [ReadBlock(1, 1)]


def test_a_peer_that_asks_without_reading_is_overdrawn() -> None:
    story = Story()
    story.server.writable(1, full=True, now=0.0)
    most = TOYNET.limits.max_inventory
    asked = GetData(entries(1) * most)
    assert story.ask(asked) == []
    assert story.ask(GetData(entries(1))) == [OVERDRAWN]
    assert len(story.server._clients[1].queue) == most


def test_a_flood_of_questions_is_answered_no_faster_than_its_sender_reads() -> None:
    story = Story()  # an answer is 52,800 bytes of headers
    flood = [story.ask(GetHeaders(locator(0))) for _ in range(6)]
    assert [len(outputs) for outputs in flood] == [1, 1, 0, 0, 0, 0]
    story.server.writable(1, full=True, now=0.0)
    assert story.server.take() == []
    story.server.writable(1, full=False, now=0.0)
    assert len(story.server.take()) == 2
    story.ask(GetBlocks(locator(700)))
    story.server.writable(1, full=False, now=0.0)
    assert len(story.server.take()) == 2
    story.server.writable(1, full=False, now=0.0)
    (last,) = story.server.take()
    assert isinstance(last, Answer)
    assert isinstance(last.message, Inv)  # in the order in which they were asked


def test_a_peer_that_asks_on_without_reading_the_answers_is_overdrawn() -> None:
    story = Story()
    story.server.writable(1, full=True, now=0.0)
    assert [output for _ in range(MAX_QUESTIONS) for output in story.ask(GetHeaders(locator(0)))] == []
    assert story.ask(GetBlocks(locator(0))) == [OVERDRAWN]
    assert len(story.server._clients[1].questions) == MAX_QUESTIONS


def test_new_blocks_are_announced_by_hash_or_by_header_as_asked() -> None:
    story = Story()
    story.server.add_peer(2)
    story.server.received(2, SendHeaders(), 0.0)
    story.server.announce(HASHES[1_199:], 0.0)
    by_hash, by_header = story.server.take()
    assert by_hash == Answer(1, Inv((InvEntry(InvType.BLOCK, HASHES[1_200]),)))
    assert isinstance(by_header, Answer)
    assert isinstance(by_header.message, Headers)
    assert hashes(by_header.message) == HASHES[1_199:]


def test_a_long_stretch_of_new_blocks_is_announced_by_its_last_hash() -> None:
    story = Story()
    story.server.received(1, SendHeaders(), 0.0)
    story.server.announce(HASHES[-MAX_ANNOUNCED - 1 :], 0.0)
    assert story.server.take() == [Answer(1, Inv((InvEntry(InvType.BLOCK, HASHES[-1]),)))]


def test_other_messages_are_left_alone() -> None:
    assert Story().ask(FeeFilter(1_000)) == []


def test_a_result_for_a_peer_that_has_gone_is_ignored() -> None:
    story = Story()
    story.ask(GetData(entries(1)))
    story.server.drop_peer(1)
    story.server.loaded(1, CHAIN[0], 0.0)
    story.server.writable(1, full=False, now=0.0)
    assert story.server.take() == []
    assert story.server._clients == {}


def test_headers_are_kept_back_while_our_chain_has_too_little_work_and_the_answer_is_empty() -> None:
    assert len(Story(CHAIN[:9], minimum_chainwork=10).answer(GetHeaders(locator(0)), Headers)) == 9
    assert len(Story(CHAIN[:9], minimum_chainwork=11).answer(GetHeaders(locator(0)), Headers)) == 0


OTHERS = tuple(Address(f"1.0.0.{n}", 4444) for n in range(1, 4))


def test_addresses_are_told_once_a_connection_and_only_to_who_came_to_us() -> None:
    asked: list[Instant] = []

    def known(_peer: int, now: Instant) -> tuple[Address, ...]:
        asked.append(now)
        return OTHERS

    story = Story(addresses=known)
    assert story.ask(GetAddr()) == [TellAddresses(1, OTHERS)]
    assert story.ask(GetAddr()) == []
    story.server.add_peer(2, inbound=False)
    story.server.received(2, GetAddr(), 0.0)
    assert story.server.take() == []
    assert asked == [0.0]


def test_who_knows_nobody_says_nothing() -> None:
    assert Story().ask(GetAddr()) == []


@pytest.mark.parametrize("message", [FilterLoad(b"\1", 1, 0, 0), FilterAdd(b"\1"), FilterClear()])
def test_bloom_filters_are_refused_with_a_reason(message: Message) -> None:
    assert Story().ask(message) == [Refuse(1, Reason.REFUSED, "we offer no bloom filters")]


def test_transactions_are_not_ours_to_give() -> None:
    assert Story().ask(MemPool()) == []


LONG = toy_chain(700, step=3_600)
"""Its first blocks are older than a week and than a month, as seen from its last."""


def long_entries(*heights: int) -> tuple[InvEntry, ...]:
    return tuple(InvEntry(InvType.WITNESS_BLOCK, toy_hash(LONG[height - 1])) for height in heights)


def test_history_is_refused_once_the_upload_target_is_reached_and_new_blocks_are_not() -> None:
    size = len(LONG[0])
    story = Story(LONG, upload_target=8 * size)
    story.ask(GetData(long_entries(1, 2, 3)))
    story.server.loaded(1, LONG[0], 0.0)
    story.server.take()
    story.server.loaded(1, LONG[1], 0.0)
    *_, last = story.server.take()
    assert last == Refuse(1, Reason.REFUSED, "our upload target is reached")
    assert not story.server._clients[1].queue
    assert story.ask(GetData(long_entries(699))) == [ReadBlock(1, 699)]


def test_a_pruned_node_refuses_blocks_that_it_did_not_promise() -> None:
    story = Story(LONG, is_pruned=True)
    assert story.ask(GetData(long_entries(410))) == [ReadBlock(1, 410)]
    story.server.loaded(1, LONG[409], 0.0)
    story.server.take()
    (refused,) = story.ask(GetData(long_entries(409)))
    assert isinstance(refused, Refuse)
    assert "deeper" in refused.why
