from __future__ import annotations

from headway.networks.dbft.context import BEFORE_GENESIS, HeaderContext, after
from tests.neorun import signed


def test_nothing_is_spared_where_everything_is_known_or_nothing_can_be() -> None:
    chain = signed("neo3", 1)
    assert chain.context(1).unchecked == {}
    assert BEFORE_GENESIS.unchecked == {}
    assert BEFORE_GENESIS.is_start


def test_each_comparison_that_is_spared_has_its_name() -> None:
    everything = {"link": 1, "time": 1, "next-consensus": 1}
    assert HeaderContext(None).unchecked == everything
    assert HeaderContext(5).unchecked == everything
    assert HeaderContext(5, timestamp=7).unchecked == {"link": 1, "next-consensus": 1}
    assert not HeaderContext(None).is_start
    assert not HeaderContext(0).is_start


def test_the_context_after_a_header_is_what_it_says_and_its_hash() -> None:
    chain = signed("neo2", 1)
    header = chain.rules.parser.block_header(chain.blocks[0])
    assert after(header, header.hash) == HeaderContext(1, header.hash, header.timestamp, header.next_consensus)
