"""Whole nodes among faulty peers: whatever the others do, one honest peer is enough."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from headway.node.orders import BlockConnected, BlockDisconnected
from headway.types import Address
from tests.toynet import toy_chain, toy_hash
from tests.virtual import Fault, World, network_with

CHAIN = toy_chain(120)
FORK = toy_chain(25, salt=1, parent=CHAIN[89])
"""A branch with less work than `CHAIN`."""

FAULTS = st.builds(
    Fault,
    stalls_after=st.none() | st.integers(0, 60),
    corrupts=st.none() | st.integers(1, 60),
    leaves_after=st.none() | st.integers(0, 60),
    deaf=st.booleans(),
    loses=st.frozensets(st.integers(1, 120), max_size=30),
)
CHAINS = {"whole": CHAIN, "short": CHAIN[:50], "forked": CHAIN[:90] + FORK, "none": []}


@settings(max_examples=60)
@given(others=st.lists(st.tuples(st.sampled_from(sorted(CHAINS)), FAULTS), max_size=5), honest_first=st.booleans())
def test_one_honest_peer_brings_the_best_chain_whole_and_in_order(
    others: list[tuple[str, Fault]], honest_first: bool
) -> None:
    world = World(network_with(batch_timeout=20.0, block_timeout=20.0))
    names = [f"1.0.0.{number}:1" for number in range(1, len(others) + 2)]
    honest = names[0] if honest_first else names[-1]
    world.node(CHAIN, at=honest)
    for name, (chain, fault) in zip((name for name in names if name != honest), others, strict=True):
        world.node(CHAINS[chain], at=name, fault=fault)
    node = world.node(connect=tuple(map(Address.parse, names)))
    assert world.run(600, until=lambda: node.machine.is_stored_to(120))
    delivered: list[bytes] = []
    for event in node.events:
        if isinstance(event, BlockConnected):
            assert event.id.height == len(delivered) + 1
            delivered.append(event.id.hash)
        elif isinstance(event, BlockDisconnected):
            assert delivered.pop() == event.id.hash
    assert delivered == [toy_hash(block) for block in CHAIN]
    for position, raw in node.store.blocks.items():
        assert toy_hash(raw) == node.tree.hash(position)
    node.give("close")
    world.run(100)
    assert node.machine.peer_ids == ()
    assert node.machine.sync.blocks.in_flight == 0
