"""The registry of hostile actors."""

from __future__ import annotations

import ast

import pytest

from headway.sim.actor import Honest
from headway.sim.hostile import ACTORS
from headway.sim.poor import POOR
from tests.data import REPOSITORY
from tests.meeting import Meeting, chain_of, seeded


def test_every_actor_is_in_the_registry() -> None:
    folder = REPOSITORY / "src" / "headway" / "sim" / "hostile"
    classes = {
        node.name
        for path in folder.glob("*.py")
        for node in ast.parse(path.read_text("utf-8")).body
        if isinstance(node, ast.ClassDef)
    }
    assert {each.__name__ for each in ACTORS.values()} == classes
    assert all(name == each.name for name, each in ACTORS.items())


def test_hostile_ones_are_not_honest_and_poor_ones_are() -> None:
    assert not any(each.is_honest for each in ACTORS.values())
    assert Honest.is_honest
    assert all(each.is_honest for each in POOR.values())
    assert not set(ACTORS) & set(POOR)


@pytest.mark.parametrize("name", [*ACTORS, *POOR])
def test_every_actor_has_defaults_for_its_options_and_bears_nonsense(name: str) -> None:
    kind = {**ACTORS, **POOR}[name]
    for inbound in (True, False):
        meeting = Meeting(kind(chain_of(), seeded(), height=20), inbound=inbound)
        assert meeting.actor.height == 20
        meeting.hear(b"nonsense" * 100)
        meeting.port.pass_time(1.0)
        meeting.actor.ended(meeting.talk)
        assert not meeting.actor.talks
