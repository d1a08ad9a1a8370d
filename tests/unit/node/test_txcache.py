"""The cache of others' transactions: bounded, and no peer can fill it at the cost of others."""

from __future__ import annotations

import random
import tracemalloc

import pytest

from headway.kernel import sha256d
from headway.networks.bitcoin.parser import PARSER
from headway.node import txcache
from headway.node.txcache import OVERHEAD, TxCache
from headway.testing.payment import choose_shapes


def payments(count: int, seed: int = 1) -> list[bytes]:
    rng = random.Random(seed)
    return [shape.make(rng) for shape in choose_shapes(count, rng)]


def filled(cache: TxCache, raws: list[bytes], peer: int) -> None:
    for raw in raws:
        cache.add(PARSER.transaction_forms(raw), peer)


def test_a_transaction_is_found_by_either_id() -> None:
    cache = TxCache(100_000)
    raws = payments(20)
    filled(cache, raws, 1)
    assert len(cache) == 20
    for raw in raws:
        transaction = PARSER.transaction(raw)
        assert transaction.txid in cache
        assert transaction.wtxid in cache
        assert cache[transaction.wtxid] == raw
    assert list(cache.ids) == [sha256d(raw) for raw in raws]
    assert bytes(32) not in cache


def test_the_same_is_kept_once() -> None:
    cache = TxCache(100_000)
    raws = payments(3)
    filled(cache, raws, 1)
    size = cache.size
    filled(cache, raws, 2)
    assert (len(cache), cache.size) == (3, size)
    assert size == sum(map(len, raws)) + 3 * OVERHEAD


def test_it_stays_below_its_limit_and_the_oldest_goes() -> None:
    raws = payments(500)
    cache = TxCache(100_000)
    filled(cache, raws, 1)
    assert 95_000 < cache.size <= 100_000
    assert list(cache.ids) == [sha256d(raw) for raw in raws[-len(cache) :]]
    assert all((PARSER.transaction(raw).txid in cache) == (sha256d(raw) in cache) for raw in raws)


def test_who_floods_drives_out_his_own() -> None:
    good, junk = payments(30, 1), payments(2_000, 2)
    cache = TxCache(100_000)
    filled(cache, good, 1)
    filled(cache, junk, 2)
    assert {sha256d(raw) for raw in good} <= set(cache.ids)


def test_those_who_have_left_count_as_one() -> None:
    cache = TxCache(100_000)
    for peer in range(10):
        filled(cache, payments(20, peer), peer)
        cache.drop_peer(peer)
    filled(cache, payments(30, 99), 99)
    last = {sha256d(raw) for raw in payments(30, 99)}
    assert last <= set(cache.ids), "what has no owner any more makes room first"
    cache.drop_peer(12345)  # one that brought nothing


def test_nothing_is_kept_where_there_is_no_room_for_it() -> None:
    cache = TxCache(0)
    filled(cache, payments(3), 1)
    assert (len(cache), cache.size) == (0, 0)
    cache = TxCache(OVERHEAD + 10)
    filled(cache, payments(3), 1)
    assert len(cache) == 0


def test_their_number_is_bounded_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(txcache, "MAX_TRANSACTIONS", 7)
    cache = TxCache(10**9)
    raws = payments(20)
    filled(cache, raws, 1)
    assert list(cache.ids) == [sha256d(raw) for raw in raws[-7:]]


def test_the_limit_is_what_it_takes() -> None:
    raws = payments(4_000)
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    cache = TxCache(2_000_000)
    for raw in raws:
        cache.add(PARSER.transaction_forms(bytes(bytearray(raw))), 1)
    taken = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert 0.5 * cache.size < taken <= 1.1 * cache.size
