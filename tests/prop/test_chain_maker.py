"""Whatever the chain maker is asked for, the rules find nothing to complain of."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from headway.network import BlockStatus
from headway.networks.bitcoin import REGTEST
from headway.testing.chain import regtest_chain
from headway.types import BlockRequest


@given(salt=st.integers(), least=st.integers(0, 20_000), more=st.integers(0, 60_000), length=st.integers(1, 4))
def test_every_block_made_is_valid_in_full(salt: int, least: int, more: int, length: int) -> None:
    rules = REGTEST.rules
    previous = rules.genesis_block
    for height, block in enumerate(regtest_chain(length, salt=salt, sizes=(least, least + more)), 1):
        header = rules.parse_header(block[:80])
        assert header.prev_hash == rules.parse_header(previous[:80]).hash
        verdict = rules.verify_block(BlockRequest(header, height), header.time - 1, block)
        assert (verdict.status, verdict.rule, verdict.unchecked) == (BlockStatus.VALID, "", ())
        previous = block
