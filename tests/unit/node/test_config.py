"""What a node is told at its start."""

from __future__ import annotations

from headway.node.config import NodeConfig
from headway.types import Services
from tests.toynet import TOYNET


def test_a_node_that_serves_offers_blocks_with_their_witnesses() -> None:
    assert NodeConfig(TOYNET, serve=True).services == Services.NETWORK | Services.WITNESS


def test_a_node_that_does_not_serve_offers_nothing() -> None:
    assert NodeConfig(TOYNET).services == Services.NONE
