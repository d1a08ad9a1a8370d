"""Whatever a peer sends of a compact block: it is put together, asked for, or the peer's fault; nothing else."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from headway.networks.bitcoin.parser import COMPACT_FORM, PARSER
from headway.node.answer import Answer, Assembled, Fault
from headway.wire import messages as m
from tests.unit.node.test_reassembly import COMPACT, COUNT, HASH, TIP, TRANSACTIONS, Story

places = st.sets(st.integers(1, COUNT))


@st.composite
def compact_blocks(draw: st.DrawFn) -> m.CmpctBlock:
    """The block with some of its transactions whole, and perhaps short ids that it does not have."""
    drawn: set[int] = draw(places)
    whole = sorted({0, *drawn})
    prefilled = tuple(m.PrefilledTransaction(index, m.Tx(TRANSACTIONS[index], PARSER)) for index in whole)
    short_ids = [COMPACT.short_ids[index - 1] for index in range(1, COUNT + 1) if index not in whole]
    is_wrong: bool = draw(st.booleans())
    if short_ids and is_wrong:
        at = draw(st.integers(0, len(short_ids) - 1))
        short_ids[at] = draw(st.sampled_from([*short_ids, 0, 2**48 - 1]))
    return replace(COMPACT, short_ids=tuple(short_ids), prefilled=prefilled)


@given(have=places, block=compact_blocks(), answer=st.lists(st.sampled_from(TRANSACTIONS), max_size=COUNT))
def test_what_comes_of_a_compact_block_is_one_of_few_things(
    have: set[int], block: m.CmpctBlock, answer: list[bytes]
) -> None:
    story = Story()
    story.tell([TRANSACTIONS[index] for index in have])
    if not story.asks_compact():
        assert not have
        return
    story.brings(block)
    [first] = story.reassembly.take()
    if isinstance(first, Answer) and isinstance(first.message, m.GetBlockTxn):
        indexes = first.message.indexes
        assert list(indexes) == sorted(set(indexes))
        assert 0 < indexes[0] <= indexes[-1] <= COUNT
        story.brings(m.BlockTxn(HASH, tuple(m.Tx(raw, PARSER) for raw in answer)))
        [second] = story.reassembly.take()
        assert isinstance(second, Assembled if len(answer) == len(indexes) else Fault)
        assert (story.use.found, story.use.asked) == (len(block.short_ids) - len(indexes), len(indexes))
    elif isinstance(first, Answer):
        assert first.message == m.GetData((m.InvEntry(m.InvType.WITNESS_BLOCK, HASH),))
        assert len(set(block.short_ids)) < len(block.short_ids)
    else:
        assert isinstance(first, Assembled)
        assert bytes(first.block) == TIP
        assert story.use.at_once == 1


def test_the_form_is_its_own_inverse() -> None:
    assert COMPACT_FORM.joined(COMPACT, TRANSACTIONS) == TIP
