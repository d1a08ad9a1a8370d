"""Presync against a naive one, which keeps every header of both times and looks them up."""

from __future__ import annotations

import random
from collections.abc import Sequence
from hashlib import blake2b

from hypothesis import given
from hypothesis import strategies as st

from headway.chain.headers import HeaderTree
from headway.chain.presync import ChainStart, Outcome, Presync
from headway.types import PresyncParams
from tests.toynet import toy_chain, toy_hash, toy_headers, toynet

NOW = 1_700_000_000.0
CHAIN = toy_chain(80)


class Naive:
    """The same, with all headers in two lists. Each block has a work of 1; the start is genesis, with 1."""

    def __init__(self, goal: int, period: int, buffer: int, offset: int, salt: bytes) -> None:
        self.goal, self.period, self.buffer, self.offset, self.salt = goal, period, buffer, offset, salt
        self.first: list[bytes] = []
        self.second: list[list[bytes]] | None = None
        self.given = 0

    def receive(self, blocks: Sequence[bytes], *, is_full: bool) -> tuple[Outcome, list[bytes]]:
        if self.second is None:
            return self.take_first(blocks, is_full=is_full), []
        flat = [block for message in self.second for block in message]
        before = toy_hash(flat[-1]) if flat else toy_hash_of_genesis()
        if blocks and blocks[0][:32] != before:
            return Outcome.UNCONNECTED, []
        for height, block in enumerate(blocks, len(flat) + 1):
            if height + 1 >= self.goal:
                break
            was = self.first[height - 1] if height <= len(self.first) else b""
            if height % self.period == self.offset and (not was or self.bit(was) != self.bit(block)):
                return Outcome.CHANGED, []
        self.second.append(list(blocks))
        total = len(flat) + len(blocks)
        has_work = total + 1 >= self.goal
        ready, count = [], 0
        for message in self.second:
            count += len(message)
            if has_work or total - count >= self.buffer:
                ready += message
        new, self.given = ready[self.given :], max(self.given, len(ready))
        if has_work:
            return Outcome.DONE, new
        return Outcome.MORE if is_full else Outcome.INCOMPLETE, new

    def take_first(self, blocks: Sequence[bytes], *, is_full: bool) -> Outcome:
        before = toy_hash(self.first[-1]) if self.first else toy_hash_of_genesis()
        if blocks and blocks[0][:32] != before:
            return Outcome.UNCONNECTED
        self.first += blocks
        if len(self.first) + 1 >= self.goal:
            self.second = []
            return Outcome.MORE
        return Outcome.MORE if is_full else Outcome.TOO_LITTLE_WORK

    def bit(self, block: bytes) -> int:
        return blake2b(toy_hash(block), digest_size=1, key=self.salt).digest()[0] & 1


def toy_hash_of_genesis() -> bytes:
    return toynet().rules.root.hash


@given(
    st.integers(2, 90),
    st.integers(1, 7),
    st.integers(1, 40),
    st.integers(0, 80),
    st.integers(0, 2**32),
    st.lists(st.integers(5, 12), min_size=1, max_size=40),
    st.integers(0, 12),
)
def test_presync_agrees_with_the_naive_one(
    goal: int, period: int, buffer: int, fork: int, seed: int, sizes: Sequence[int], last: int
) -> None:
    """The peer sends one chain the first time and one that leaves it at `fork` the second time, in any pieces; a piece
    is full when it has five headers. 80: the same chain both times."""
    network = toynet(minimum_chainwork=goal, presync=PresyncParams(period, buffer))
    start = ChainStart.at(HeaderTree(network), network, 0)
    presync = Presync(network, start, goal, rng=random.Random(seed), wall_time=NOW)
    naive = Naive(goal, period, buffer, presync._offset, presync._salt)
    again = [*CHAIN[:fork], *toy_chain(80 - fork, salt=1, parent=CHAIN[fork - 1])] if fork else toy_chain(80, salt=1)
    chain, at = CHAIN, 0
    for size in (*sizes, last):
        blocks = chain[at : at + size]
        at += len(blocks)
        phase = presync.phase
        step = presync.receive(toy_headers(blocks), NOW, is_full=len(blocks) >= 5)
        raw = b"".join(headers.compact() for headers in step.released)
        outcome, released = naive.receive(blocks, is_full=len(blocks) >= 5)
        assert (step.outcome, raw) == (outcome, b"".join(block[:44] for block in released))
        assert presync.buffered <= buffer + 2 * 12
        assert presync.committed <= len(naive.first) // period + 1
        if step.outcome is not Outcome.MORE:
            break
        if presync.phase is not phase:
            chain, at = again, 0
            assert presync.tip == start.id
