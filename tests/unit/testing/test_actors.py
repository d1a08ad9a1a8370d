"""The actors that the kit offers: all there are, under their names."""

from __future__ import annotations

from headway.sim.actor import Honest
from headway.sim.hostile import ACTORS as HOSTILE
from headway.sim.poor import POOR
from headway.testing import actors


def test_every_actor_of_the_simulator_is_there_by_either_name() -> None:
    kinds: set[type[Honest]] = {Honest, *HOSTILE.values(), *POOR.values()}
    assert set(actors.ACTORS.values()) == kinds
    assert all(actors.ACTORS[kind.name] is kind for kind in kinds)
    assert all(getattr(actors, kind.__name__) is kind for kind in kinds)
    assert {kind.__name__ for kind in kinds} <= set(actors.__all__)


def test_there_is_what_one_needs_to_write_another() -> None:
    assert {"Chain", "Port", "Talk"} == set(actors.__all__) - {kind.__name__ for kind in actors.ACTORS.values()} - {
        "ACTORS"
    }
