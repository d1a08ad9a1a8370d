"""A block put together from its compact form: by what is in the cache, and by what was asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import pytest

from headway.errors import InvalidCompactBlock
from headway.networks.bitcoin.parser import COMPACT_FORM, PARSER
from headway.node.partial import PartialBlock
from headway.node.txcache import TxCache
from headway.testing.chain import regtest_chain
from headway.wire.messages import CmpctBlock, Tx

RAW: Final = list(regtest_chain(3, sizes=(8_000, 9_000)))[-1]
TRANSACTIONS: Final = [each.raw for each in PARSER.transactions(RAW)]
COMPACT: Final = COMPACT_FORM.shortened(RAW, 7)
assert len(TRANSACTIONS) > 5


def cache_of(*raws: bytes) -> TxCache:
    cache = TxCache(10_000_000)
    for raw in raws:
        cache.add(PARSER.transaction_forms(raw), 1)
    return cache


def test_the_cache_alone_completes_it() -> None:
    partial = PartialBlock(COMPACT, COMPACT_FORM)
    assert partial.missing == tuple(range(1, len(TRANSACTIONS)))
    strangers = [each.raw for each in PARSER.transactions(next(regtest_chain(1, salt=5, sizes=(8_000, 9_000))))[1:]]
    assert partial.fill(cache_of(*reversed(TRANSACTIONS[1:]), *strangers)) == len(TRANSACTIONS) - 1
    assert (partial.missing, partial.is_ambiguous) == ((), False)
    block = partial.whole()
    assert bytes(block) == RAW
    assert partial.size == sum(map(len, TRANSACTIONS))
    assert block.is_assembled
    assert block.is_damaged, "whatever is wrong with it may be our own doing"


def test_what_the_cache_lacks_is_supplied() -> None:
    partial = PartialBlock(COMPACT, COMPACT_FORM)
    have = [raw for index, raw in enumerate(TRANSACTIONS) if index not in {2, 4}]
    assert partial.fill(cache_of(*have[1:])) == len(TRANSACTIONS) - 3
    assert partial.missing == (2, 4)
    with pytest.raises(InvalidCompactBlock, match="1 transactions, 2 were asked for"):
        partial.supply([Tx(TRANSACTIONS[2], PARSER)])
    partial.supply([Tx(TRANSACTIONS[2], PARSER), Tx(TRANSACTIONS[4], PARSER)])
    assert bytes(partial.whole()) == RAW


def test_prefilled_transactions_stand_in_their_places() -> None:
    middle = replace(COMPACT.prefilled[0], index=3, transaction=Tx(TRANSACTIONS[3], PARSER))
    short_ids = COMPACT.short_ids[:2] + COMPACT.short_ids[3:]
    partial = PartialBlock(replace(COMPACT, short_ids=short_ids, prefilled=(*COMPACT.prefilled, middle)), COMPACT_FORM)
    assert partial.missing == (1, 2, *range(4, len(TRANSACTIONS)))
    partial.fill(cache_of(*TRANSACTIONS[1:]))
    assert bytes(partial.whole()) == RAW


def test_two_with_one_short_id_are_told() -> None:
    twice = replace(COMPACT, short_ids=(*COMPACT.short_ids[:-1], COMPACT.short_ids[0]))
    assert PartialBlock(twice, COMPACT_FORM).is_ambiguous


class OneId:
    """A form whose short ids are all the same: what an accident would be."""

    def shortened(self, raw: bytes | memoryview, nonce: int) -> CmpctBlock:
        return COMPACT_FORM.shortened(raw, nonce)

    def short_ids(self, block: CmpctBlock, ids: object) -> list[int]:
        assert isinstance(ids, tuple)
        return [block.short_ids[0]] * len(ids)

    def joined(self, block: CmpctBlock, transactions: Sequence[bytes | memoryview]) -> bytes:
        return COMPACT_FORM.joined(block, transactions)


def test_of_two_in_the_cache_that_fit_one_place_neither_is_taken() -> None:
    partial = PartialBlock(COMPACT, OneId())
    assert partial.fill(cache_of(*TRANSACTIONS[1:])) == 0
    assert partial.missing == tuple(range(1, len(TRANSACTIONS)))
    assert partial.fill(cache_of(TRANSACTIONS[5])) == 1, "wrong, and nothing here can know it"
    assert partial.missing == tuple(range(2, len(TRANSACTIONS)))


def test_a_block_without_transactions_cannot_be() -> None:
    with pytest.raises(InvalidCompactBlock, match="without transactions"):
        PartialBlock(replace(COMPACT, short_ids=(), prefilled=()), COMPACT_FORM)
