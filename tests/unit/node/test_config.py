"""What a node is told at its start."""

from __future__ import annotations

from headway.node.config import NodeConfig
from headway.types import Address, Services
from headway.ways import Ways
from tests.toynet import TOYNET


def test_a_node_that_serves_offers_blocks_with_their_witnesses() -> None:
    assert NodeConfig(TOYNET, serve=True).services == Services.NETWORK | Services.WITNESS


def test_a_node_that_does_not_serve_offers_nothing() -> None:
    assert NodeConfig(TOYNET).services == Services.NONE


def test_remote_behind_a_slow_way_has_more_time_unless_it_dialled_us() -> None:
    config = NodeConfig(TOYNET, ways=Ways.of(proxy="127.0.0.1:9050"))
    usual = TOYNET.timing.batch_timeout
    for host, factor in (("127.0.0.1", 1), ("8.8.8.8", 2), ("x" * 56 + ".onion", 3)):
        address = Address(host, 1)
        assert config.network_towards(address, inbound=False).timing.batch_timeout == factor * usual
        assert config.network_towards(address, inbound=True) is TOYNET
    assert NodeConfig(TOYNET).network_towards(Address("8.8.8.8", 1), inbound=False) is TOYNET


def test_a_pruned_node_offers_the_last_blocks_only() -> None:
    assert NodeConfig(TOYNET, serve=True, pruned=True).services == Services.NETWORK_LIMITED | Services.WITNESS
    assert NodeConfig(TOYNET, pruned=True).services == Services.NONE
