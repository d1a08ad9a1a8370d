"""The patches do not rot, and the runner can tell a mutant that is caught from one that is not.

`make mutants` runs them all.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from headway.sim.scenarios import PLAYED
from tests.data import REPOSITORY
from tests.mutants import mutant as runner
from tests.mutants.mutant import Mutant, NotCaught, applies, catch, mutants, play

ALL = mutants()
QUICK = ("delivered-before-stored", "no-stall-deadline")
"""Caught by the first seed of a short scenario."""


def named(name: str) -> Mutant:
    return next(each for each in ALL if each.name == name)


def test_there_are_ten_at_least_and_each_says_what_is_wrong_with_it() -> None:
    assert len(ALL) >= 10
    for each in ALL:
        assert each.what.endswith("."), each.name
    assert len({each.what for each in ALL}) == len(ALL)


@pytest.mark.parametrize("each", ALL, ids=lambda each: each.name)
def test_patch_applies_and_its_scenario_is_played(each: Mutant) -> None:
    assert applies(each) == ""
    assert each.scenario in {scenario.name for scenario in PLAYED}


@pytest.mark.parametrize("name", QUICK)
def test_mutant_is_caught(name: str) -> None:
    each = replace(named(name), seeds="1")
    assert catch(each).startswith(f"{each.scenario!r}, seed 0, after ")


def test_a_mutant_that_its_scenario_does_not_see_is_not_caught() -> None:
    """Where there is no second branch none can be left for it wrongly."""
    blind = replace(named("equal-work-wins"), scenario="alone", seeds="1")
    with pytest.raises(NotCaught, match="everything holds: 1 seeds of 'alone'"):
        catch(blind)


def _mutant(directory: Path, body: str) -> Mutant:
    (directory / "some.patch").write_text(body, "utf-8")
    return runner._read(directory / "some.patch")


HEAD = "What: It breaks.\nScenario: alone\nSeeds: 1\n\n"


def test_code_that_does_not_run_is_not_caught(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mutant is a fault of the engine, not of the one who wrote the patch."""
    monkeypatch.setattr(runner, "PATCHES", tmp_path)
    first = (REPOSITORY / "src/headway/types.py").read_text("utf-8").partition("\n")[0]
    for line, why in (("raise SystemExit('no')", "it does not run"), ("import nothing_of_the_kind", "it does not run")):
        change = f"--- a/src/headway/types.py\n+++ b/src/headway/types.py\n@@ -1 +1,2 @@\n+{line}\n {first}\n"
        with pytest.raises(NotCaught, match=why):
            catch(_mutant(tmp_path, HEAD + change))
    with pytest.raises(NotCaught, match="the patch does not apply"):
        catch(_mutant(tmp_path, HEAD + change.replace(first, "something else")))


@pytest.mark.parametrize("head", ["", "What: It breaks.\nScenario: alone\n\n", HEAD.replace("What", "Why")])
def test_a_patch_without_a_sound_head_is_an_error(head: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="its head must have What, Scenario and Seeds"):
        _mutant(tmp_path, f"{head}--- a/x\n+++ b/x\n")


def test_a_head_may_be_folded(tmp_path: Path) -> None:
    each = _mutant(tmp_path, HEAD.replace("It breaks.", "It breaks,\n  and badly.") + "--- a/x\n+++ b/x\n")
    assert each == Mutant("some", "It breaks, and badly.", "alone", "1")


def test_code_in_which_nothing_is_wrong_holds() -> None:
    told = play(REPOSITORY / "src", "alone", "2")
    assert (told["seeds"], told["held"], told["broken"]) == (2, 2, [])
