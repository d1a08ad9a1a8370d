"""Chains of Neo made on the spot, judged by the rules for real ones."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import pytest

from headway.network import BlockStatus
from headway.networks.dbft.consensus import sorted_keys
from headway.networks.dbft.context import after
from headway.store import Store
from headway.testing.chain import store_chain
from headway.testing.neo_chain import SPACING, Generation, NeoChain, Validators, neo_network, validators
from headway.types import BlockRequest
from tests.neorun import GENERATIONS, judge

FOUR = validators(4)


def made(generation: Generation, **options: object) -> NeoChain:
    return NeoChain(neo_network(generation, FOUR), FOUR, **options)  # type: ignore[arg-type]  # as each test means


@pytest.fixture(params=GENERATIONS)
def generation(request: pytest.FixtureRequest) -> Generation:
    chosen: Generation = request.param
    return chosen


def test_every_block_follows_its_parent_and_is_valid(generation: Generation) -> None:
    chain = made(generation, changes={4: validators(7, salt=1), 8: validators(1, salt=2)}, transactions=(0, 5))
    rules, context = chain.rules, chain.rules.context_at(1)
    for raw in chain.blocks(12):
        header = rules.parser.block_header(raw)
        found = judge(rules, [header.raw], context)
        assert (found.accepted, found.refused) == (1, {})
        verdict = rules.verify_block(BlockRequest(header, header.height), context, raw)
        assert verdict.status is BlockStatus.VALID
        context = after(header, header.hash)
    assert context.height == 12


def test_the_same_arguments_give_the_same_chain_and_another_salt_a_rival(generation: Generation) -> None:
    first, again, rival = (list(made(generation, salt=salt).blocks(5)) for salt in (0, 0, 1))
    assert first == again
    assert not set(first) & set(rival)
    rules = made(generation).rules
    assert judge(rules, [rules.parser.block_header(raw).raw for raw in rival], rules.context_at(1)).refused == {}


def test_a_chain_goes_on_from_any_block_and_without_an_end(generation: Generation) -> None:
    chain = made(generation)
    blocks = list(chain.blocks(6))
    assert list(islice(chain.blocks(), 6)) == blocks
    assert list(chain.blocks(3, parent=blocks[2])) == blocks[3:]
    assert list(chain.headers(6)) == [chain.rules.parser.block_header(raw).raw for raw in blocks]


def test_a_parent_of_strangers_cannot_be_followed(generation: Generation) -> None:
    strangers = validators(4, salt=9)
    other = NeoChain(neo_network(generation, strangers), strangers)
    with pytest.raises(ValueError, match="secret keys are not known here"):
        next(made(generation).blocks(1, parent=next(other.blocks(1))))


def test_blocks_hold_as_many_transactions_as_asked_for(generation: Generation) -> None:
    chain = made(generation, transactions=(3, 3))
    own = 1 if generation == "neo2" else 0
    for raw in chain.blocks(3):
        assert len(chain.rules.parser.transactions(raw)) == 3 + own


def test_blocks_are_as_far_apart_as_on_the_public_networks(generation: Generation) -> None:
    chain = made(generation)
    times = [chain.rules.parser.block_header(raw).time for raw in (chain.rules.first_block, *chain.blocks(3))]
    assert [later - times[0] for later in times] == [0, SPACING, 2 * SPACING, 3 * SPACING]


def test_a_stored_chain_is_there_with_its_witnesses_when_the_store_is_opened_again(
    generation: Generation, tmp_path: Path
) -> None:
    chain = made(generation)
    blocks, network = list(chain.blocks(12)), chain.network
    with Store.open(tmp_path, network) as store:
        written = list(store_chain(store, blocks, network=network, batch=5))
    assert [block.height for block in written] == [5, 10, 12]
    with Store.open(tmp_path, network, readonly=True) as store:
        assert store.tree.tip == written[-1]
        assert [store.get_block(position) for position in range(1, 13)] == blocks
        headers = store.get_headers(range(1, 13))
    assert [header.raw for header in headers] == list(chain.headers(12))


def test_validators_stand_in_the_order_of_their_keys() -> None:
    for count in (1, 4, 21):
        made_up = validators(count)
        assert made_up.keys == sorted_keys(made_up.keys)
        assert len(set(made_up.secrets)) == count
    assert not set(validators(21).secrets) & set(validators(21, salt=1).secrets)
    assert Validators((1,) * 7).threshold == 5
