"""The register of scenarios: what it promises of them all, and which a seed plays."""

from __future__ import annotations

from collections import Counter

import pytest

from headway.sim import scenarios
from headway.sim.hostile import ACTORS
from headway.sim.poor import POOR
from headway.sim.scenarios import MET_NEEDS, PLAYED, SCENARIOS, scenario_for


def test_there_are_enough_and_each_says_what_it_is_about() -> None:
    assert len(PLAYED) >= 45
    assert all(each.about.endswith(".") for each in SCENARIOS.values())
    assert all(name == name.lower() and " " not in name for name in SCENARIOS)


def test_those_that_need_what_is_not_there_are_kept_and_not_played() -> None:
    assert {each.name for each in SCENARIOS.values() if each.needs not in MET_NEEDS} == set(SCENARIOS) - {
        each.name for each in PLAYED
    }
    assert all(scenario_for(seed).needs in MET_NEEDS for seed in range(200))


def test_a_seed_plays_one_scenario_and_all_are_played_by_some_seed() -> None:
    assert [scenario_for(seed) for seed in range(50)] == [scenario_for(seed) for seed in range(50)]
    played = Counter(scenario_for(seed).name for seed in range(20_000))
    assert set(played) == {each.name for each in PLAYED}
    total = sum(each.weight for each in PLAYED)
    for each in PLAYED:
        assert played[each.name] == pytest.approx(20_000 * each.weight / total, rel=0.5)


def test_a_third_of_the_runs_exceed_a_message_of_headers_and_a_window_of_blocks() -> None:
    long = sum(each.weight for each in PLAYED if each.is_long)
    assert long / sum(each.weight for each in PLAYED) > 1 / 3


def test_every_actor_has_a_part() -> None:
    roles = [role for each in SCENARIOS.values() for role in each.cast.values()]
    cast = {role.actor for role in roles} | {kind for role in roles for kind, _ in role.among}
    missing = {kind.name for kind in (*ACTORS.values(), *POOR.values()) if kind not in cast}
    assert missing == set()


def test_every_family_of_networks_has_its_share() -> None:
    families = Counter(each.family for each in PLAYED)
    assert min(families.values()) >= 10
    assert set(families) == {"regtest", "neo2", "neo3"}


def test_modules_of_one_theme_hold_their_scenarios() -> None:
    themes = [value for value in vars(scenarios).values() if hasattr(value, "SCENARIOS")]
    assert sum(len(theme.SCENARIOS) for theme in themes) == len(SCENARIOS)
