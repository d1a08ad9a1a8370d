"""What seeds are asked, and what their answers come to."""

from __future__ import annotations

from dataclasses import replace

from headway.node.config import NodeConfig
from headway.node.orders import Resolve, SeedAnswer
from headway.node.seeds import Seeds
from headway.types import Address
from tests.toynet import TOYNET

A, B = Address("1.0.0.1", 1), Address("1.0.0.2", 1)


def test_seeds_are_asked_for_the_services_of_the_network() -> None:
    network = replace(TOYNET, port=7, seed_filter=9)
    assert Seeds(NodeConfig(network)).order(3, ("a", "b")) == Resolve(3, ("a", "b"), 7, 9)


def test_without_dns_no_name_is_asked_for() -> None:
    assert Seeds(NodeConfig(TOYNET, dnsseed=False)).order(3, ("a", "b")).names == ()


def test_what_each_seed_gave_is_told_apart() -> None:
    seeds = Seeds(NodeConfig(TOYNET))
    assert seeds.answered([SeedAnswer("a", (A, B)), SeedAnswer("b", (B,))]) == {"a": (A, B), "b": (B,)}
    assert seeds.answered([]) == {}


def test_seed_that_fails_is_told_until_it_answers() -> None:
    seeds = Seeds(NodeConfig(TOYNET))
    seeds.answered([SeedAnswer("a", error="no answer"), SeedAnswer("b", error="unknown")])
    assert seeds.last_errors() == ["a: no answer", "b: unknown"]
    seeds.answered([SeedAnswer("a", (A,))])
    assert seeds.last_errors() == ["b: unknown"]
