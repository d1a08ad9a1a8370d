"""Compact blocks: given while they are new, with what is asked for of them; a block is put together from them again."""

from __future__ import annotations

import itertools
import random
from hashlib import sha256
from typing import Final

import pytest

from headway import kernel
from headway.chain.headers import HeaderTree
from headway.errors import Consequence, InvalidCompactBlock
from headway.networks.bitcoin import REGTEST
from headway.networks.bitcoin.parser import PARSER
from headway.node.answer import Answer, Fault, ReadBlock, ServeOutput
from headway.node.compact import MAX_BLOCK_DEPTH, MAX_TRANSACTIONS_DEPTH, CompactBlocks
from headway.node.serve import Server
from headway.sync.scheduler import SyncScheduler
from headway.testing.chain import regtest_chain
from headway.types import Hash
from headway.wire import messages as m
from headway.wire.buffer import compact_size

CHAIN: Final = list(regtest_chain(20, sizes=(2_000, 6_000)))
HASHES: Final = [PARSER.block_header(block).hash for block in CHAIN]
NOW: Final = 2_000_000_000.0


class Story:
    """A server of a chain, with one client."""

    def __init__(self, *, version: int = 2, announce: bool = False) -> None:
        tree = HeaderTree(REGTEST)
        headers = b"".join(block[:80] for block in CHAIN)
        tree.add(m.Headers.fixed(headers, PARSER, size=80), NOW)
        sync = SyncScheduler(REGTEST, tree, stored=range(1, 21), floor=0, rng=random.Random(1))
        nonces = itertools.count(7)
        self.server = Server(REGTEST, tree, sync, nonce=lambda: next(nonces))
        self.server.add_peer(1)
        self.server.received(1, m.SendCmpct(announce, version), 0.0)

    def ask(self, message: m.Message) -> list[ServeOutput]:
        self.server.received(1, message, 0.0)
        return self.read(self.server.take())

    def read(self, outputs: list[ServeOutput]) -> list[ServeOutput]:
        """What comes of it once the blocks are read."""
        done: list[ServeOutput] = []
        for output in outputs:
            if isinstance(output, ReadBlock):
                self.server.loaded(1, CHAIN[output.position - 1], 0.0)
                done += self.read(self.server.take())
            else:
                done.append(output)
        return done

    def compact(self, height: int) -> m.Message:
        (answer,) = self.ask(m.GetData((m.InvEntry(m.InvType.CMPCT_BLOCK, HASHES[height - 1]),)))
        assert isinstance(answer, Answer)
        return answer.message

    def transactions(self, height: int, *indexes: int) -> list[ServeOutput]:
        return self.ask(m.GetBlockTxn(HASHES[height - 1], indexes))


def rebuilt(block: m.CmpctBlock, known: dict[int, bytes]) -> bytes:
    """The block, from transactions that are known by their short ids."""
    places = {item.index: bytes(item.transaction.raw) for item in block.prefilled}
    ids = iter(block.short_ids)
    count = len(block.short_ids) + len(places)
    raws = [places[at] if at in places else known[next(ids)] for at in range(count)]
    return block.raw_header + compact_size(count) + b"".join(raws)


def by_short_id(block: m.CmpctBlock, raw: bytes) -> dict[int, bytes]:
    """The transactions of the whole block, as BIP152 names them: written anew, from its text."""
    key = sha256(block.raw_header + block.nonce.to_bytes(8, "little")).digest()
    keys = (int.from_bytes(key[:8], "little"), int.from_bytes(key[8:16], "little"))
    return {
        kernel.short_ids(*keys, each.wtxid)[0]: each.raw for each in PARSER.transactions(raw)
    }  # the coinbase among them, which nobody asks for


@pytest.mark.parametrize("height", [20, 20 - MAX_BLOCK_DEPTH])
def test_a_new_block_is_given_by_short_ids_from_which_it_can_be_put_together(height: int) -> None:
    message = Story().compact(height)
    assert isinstance(message, m.CmpctBlock)
    block = CHAIN[height - 1]
    assert [item.index for item in message.prefilled] == [0]
    assert len(message.short_ids) == len(PARSER.transactions(block)) - 1 > 0
    assert rebuilt(message, by_short_id(message, block)) == block


def test_it_survives_the_wire() -> None:
    message = Story().compact(20)
    wire = REGTEST.codec.open(inbound=False)
    wire.receive_data(b"".join(map(bytes, wire.encode(message))))
    assert [wire.decode(frame) for frame in wire.frames()] == [message]


def test_an_older_block_is_given_whole() -> None:
    message = Story().compact(20 - MAX_BLOCK_DEPTH - 1)
    assert isinstance(message, m.Block)
    assert bytes(message) == CHAIN[20 - MAX_BLOCK_DEPTH - 2]


def test_a_block_is_made_compact_once_for_all_who_ask() -> None:
    story = Story()
    assert story.compact(20) == story.compact(20)
    made = CompactBlocks(PARSER, itertools.count(1).__next__)
    nonces = [made.block(block_hash, block).nonce for block_hash, block in zip(HASHES[:10], CHAIN, strict=False)]
    assert nonces == list(range(1, 11))
    assert made.block(HASHES[9], CHAIN[9]).nonce == 10
    assert made.block(HASHES[0], CHAIN[0]).nonce == 11, "no more are kept than are given"


def test_whoever_does_not_know_our_version_gets_none() -> None:
    entry = m.InvEntry(m.InvType.CMPCT_BLOCK, HASHES[-1])
    assert Story(version=1).ask(m.GetData((entry,))) == [Answer(1, m.NotFound((entry,)))]
    assert Story(version=1).transactions(20, 0) == []


def test_transactions_that_somebody_lacks_are_given_in_his_order() -> None:
    transactions = PARSER.transactions(CHAIN[19])
    last = len(transactions) - 1
    (answer,) = Story().transactions(20, 0, last)
    assert isinstance(answer, Answer)
    assert isinstance(answer.message, m.BlockTxn)
    assert answer.message.block_hash == HASHES[19]
    assert [bytes(each.raw) for each in answer.message.transactions] == [transactions[0].raw, transactions[last].raw]


def test_of_a_block_deep_in_the_chain_all_is_given() -> None:
    def given(height: int) -> type[m.Message]:
        (answer,) = Story().transactions(height, 0)
        assert isinstance(answer, Answer)
        return type(answer.message)

    assert given(20 - MAX_TRANSACTIONS_DEPTH) is m.BlockTxn
    assert given(20 - MAX_TRANSACTIONS_DEPTH - 1) is m.Block


def test_of_a_block_that_we_do_not_have_nothing_is_said() -> None:
    assert Story().ask(m.GetBlockTxn(b"?" * 32, (0,))) == []


def test_a_place_that_the_block_does_not_have_discourages_its_asker() -> None:
    count = len(PARSER.transactions(CHAIN[19]))
    [fault] = Story().transactions(20, 0, count)
    assert isinstance(fault, Fault)
    assert isinstance(fault.error, InvalidCompactBlock)
    assert fault.error.consequence is Consequence.DISCOURAGE


def announced(story: Story, blocks: list[Hash]) -> list[type[m.Message]]:
    story.server.announce(blocks, 0.0)
    return [type(each.message) for each in story.read(story.server.take()) if isinstance(each, Answer)]


def test_new_blocks_are_announced_so_to_who_wants_that() -> None:
    assert announced(Story(announce=True), HASHES[-1:]) == [m.CmpctBlock]
    assert announced(Story(announce=False), HASHES[-1:]) == [m.Inv]
    assert announced(Story(announce=True, version=1), HASHES[-1:]) == [m.Inv]
    assert announced(Story(announce=True), HASHES[-3:]) == [m.Inv], "who lacks the parent can do nothing with it"
    story = Story(announce=True)
    story.server.received(1, m.SendCmpct(announce=False, version=2), 0.0)
    assert announced(story, HASHES[-1:]) == [m.Inv]
