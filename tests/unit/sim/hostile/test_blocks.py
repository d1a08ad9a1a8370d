"""Actors whose blocks are wrong: what arrives instead, and that the rules of each network see it."""

from __future__ import annotations

import pytest

from headway.errors import CodecError
from headway.network import BlockStatus
from headway.sim.hostile.blocks import (
    DAMAGES,
    Corrupt,
    Doubler,
    Lacking,
    Phantom,
    Pushy,
    Swapped,
    Unpayloaded,
    Withholder,
)
from headway.sim.scenario import ChainPlan, Families
from headway.types import BlockRequest
from headway.wire import messages as m
from tests.meeting import FAMILIES, Meeting, chain_of, seeded

families = pytest.mark.parametrize("family", FAMILIES)


@families
@pytest.mark.parametrize("damage", DAMAGES)
def test_no_rule_lets_a_damaged_block_through_and_none_condemns_the_good_one(family: Families, damage: str) -> None:
    chain = chain_of(family, ChainPlan(12, sizes=(0, 3_000)))
    meeting = Meeting(Corrupt(chain, seeded(), damage=damage))
    meeting.shake()
    parser = chain.network.codec.parser
    for height in range(1, 13):
        (block,) = meeting.ask_blocks(height)
        assert isinstance(block, m.Block)
        assert block.raw != chain.block(height)
        header = parser.header(chain.raw_headers[height - 1])
        verdict = chain.network.rules.verify_block(BlockRequest(header, height), None, block.raw)
        assert verdict.status is BlockStatus.MUTATED, (height, verdict)


def test_repeated_transactions_leave_the_merkle_root_as_it_is() -> None:
    chain = chain_of("regtest", ChainPlan(12, sizes=(0, 3_000)))
    parser, rng = chain.network.codec.parser, seeded()
    odd = [
        block for block in chain.blocks if len(parser.transactions(block)) % 2 and len(parser.transactions(block)) > 1
    ]
    assert odd, "the chain must have such blocks for this test to say anything"
    for block in odd:
        bad = DAMAGES["repeated"](block, chain.network, rng)
        assert len(parser.transactions(bad)) == len(parser.transactions(block)) + 1
        header = parser.block_header(block)
        verdict = chain.network.rules.verify_block(BlockRequest(header, chain.heights[header.hash]), None, bad)
        assert verdict.rule == "bad-txns-duplicate"


@families
def test_corrupt_one_damages_the_share_that_it_is_told(family: Families) -> None:
    chain = chain_of(family)
    meeting = Meeting(Corrupt(chain, seeded(), share=0.0))
    meeting.shake()
    assert meeting.heights(meeting.ask_blocks(*range(1, 31))) == list(range(1, 31))
    meeting = Meeting(Corrupt(chain, seeded(), share=0.5))
    meeting.shake()
    good = {
        height
        for height in range(1, 31)
        if meeting.ask_blocks(height) == [m.Block(chain.block(height) or b"", chain.network.codec.parser)]
    }
    assert 5 < len(good) < 25


@families
def test_swapped_one_gives_other_blocks_of_its_chain(family: Families) -> None:
    meeting = Meeting(Swapped(chain_of(family), seeded()))
    meeting.shake()
    given = meeting.heights(meeting.ask_blocks(*range(1, 11)))
    assert len(given) == 10
    assert None not in given
    assert given != list(range(1, 11))


@families
def test_lacking_one_shows_headers_and_has_no_block(family: Families) -> None:
    meeting = Meeting(Lacking(chain_of(family), seeded()))
    meeting.shake()
    assert [len(each) for each in meeting.ask_headers() if isinstance(each, m.Headers)] == [30]
    (answer,) = meeting.ask_blocks(1, 2)
    assert isinstance(answer, m.NotFound)
    assert [entry.hash for entry in answer.entries] == list(meeting.chain.hashes[1:3])


@families
def test_doubler_gives_each_block_twice(family: Families) -> None:
    meeting = Meeting(Doubler(chain_of(family), seeded()))
    meeting.shake()
    assert meeting.heights(meeting.ask_blocks(1, 2)) == [1, 1, 2, 2]


@families
def test_pushy_one_gives_blocks_that_nobody_asked_for_again_and_again(family: Families) -> None:
    meeting = Meeting(Pushy(chain_of(family), seeded(), count=3, interval=1.0))
    assert len(meeting.heights(meeting.shake())) == 3
    meeting.port.pass_time(2.5)
    pushed = meeting.heights(meeting.heard())
    assert len(pushed) == 6
    assert None not in pushed
    assert meeting.heights(meeting.ask_blocks(7)) == [7]


@families
def test_unpayloaded_block_is_no_message(family: Families) -> None:
    meeting = Meeting(Unpayloaded(chain_of(family), seeded()))
    meeting.shake()
    with pytest.raises(CodecError):
        meeting.ask_blocks(1)


@families
def test_phantom_announces_another_block_each_time_and_has_none_of_them(family: Families) -> None:
    meeting = Meeting(Phantom(chain_of(family), seeded(), interval=1.0))
    said = meeting.shake()
    meeting.port.pass_time(3.5)
    said += meeting.heard()
    announced = [entry.hash for each in said if isinstance(each, m.Inv) for entry in each.entries]
    assert len(set(announced)) == len(announced) == 4
    assert not set(announced) & set(meeting.chain.hashes)


@families
def test_a_withholder_shows_everything_and_gives_its_first_blocks_alone(family: Families) -> None:
    for denies in (False, True):
        meeting = Meeting(Withholder(chain_of(family, ChainPlan(12)), seeded(), above=5, denies=denies))
        meeting.shake()
        blocks = [message for message in meeting.ask_blocks(4, 5, 6, 7) if isinstance(message, m.Block)]
        others = [message for message in meeting.ask_blocks(6, 7) if isinstance(message, m.NotFound)]
        assert [block.raw for block in blocks] == [meeting.actor.chain.block(height) for height in (4, 5)]
        assert bool(others) == denies
