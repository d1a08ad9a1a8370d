"""`headway simulate`: one seed or many, the table of scenarios, the trace, and what it says when something broke."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import time
from typing import Any

import pytest

from headway.cli import main, simulate
from headway.cli.output import Exit
from headway.sim.actor import Honest, Talk
from headway.sim.scenario import MAIN, ChainPlan, Role, Scenario
from headway.sim.scenarios import SCENARIOS, scenario_for
from headway.testing import simulated
from tests.interop.cli import HEADWAY
from tests.processes import children


class Deaf(Honest):
    def receive(self, talk: Talk, data: bytes) -> None:
        """It hears nothing."""


class Faulty(Honest):
    def opened(self, talk: Talk) -> None:
        del talk
        raise ZeroDivisionError("on purpose")


@pytest.fixture(autouse=True)
def more_scenarios(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that holds, one that breaks, and one in which the engine itself fails."""
    for name, actor in (("short", Honest), ("deaf", Deaf), ("faulty", Faulty)):
        each = Scenario(name, f"All are {name}.", {"peer": Role(actor)}, {MAIN: ChainPlan(20)}, within=100.0)
        monkeypatch.setitem(SCENARIOS, name, each)


def run(*words: str) -> int:
    return main(["simulate", *words])


# ------------------------------------------------------------------------------------------------------------- one seed


def test_one_seed_tells_how_it_ended(capsys: pytest.CaptureFixture[str]) -> None:
    outcome = simulated.simulate("short", 7)
    assert run("--scenario", "short", "--seed", "7", "--json") == Exit.DONE
    printed = capsys.readouterr()
    assert json.loads(printed.out) == {
        "scenario": "short",
        "seed": 7,
        "held": True,
        "virtual_seconds": round(outcome.seconds, 3),
        "events": outcome.events,
        "headers": 20,
        "blocks": 20,
    }
    assert printed.err == ""
    assert run("--scenario", "short", "--seed", "7") == Exit.DONE
    assert re.search(r"^seed +7\nheld +true\n", capsys.readouterr().out, re.MULTILINE)


def test_a_seed_alone_decides_its_scenario(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--seed", "3", "--json") == Exit.DONE
    assert json.loads(capsys.readouterr().out)["scenario"] == scenario_for(3).name


def test_the_trace_is_the_whole_history_and_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    lines: list[str] = []
    simulated.simulate("short", 7, trace=lines.append)
    assert run("--scenario", "short", "--seed", "7", "--trace") == Exit.DONE
    printed = capsys.readouterr()
    assert printed.out.splitlines() == lines
    assert len(lines) > 30
    assert printed.err == "short, seed 7: everything held\n"


def test_with_v_the_trace_goes_to_stderr_beside_the_object(capsys: pytest.CaptureFixture[str]) -> None:
    lines: list[str] = []
    simulated.simulate("short", 7, trace=lines.append)
    assert run("--scenario", "short", "--seed", "7", "-v", "--json") == Exit.DONE
    printed = capsys.readouterr()
    assert printed.err.splitlines() == lines
    assert json.loads(printed.out)["held"] is True


def test_what_broke_is_told_with_the_command_that_shows_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--scenario", "deaf", "--seed", "7") == Exit.FAILED
    printed = capsys.readouterr()
    assert printed.out == ""
    error, see = printed.err.splitlines()
    assert error.startswith("error: 'deaf', seed 7, after ")
    assert "the sync did not end in time" in error
    assert see == "see it: headway simulate --scenario deaf --seed 7 --trace"
    assert run("--scenario", "deaf", "--seed", "7", "--json") == Exit.FAILED
    told = json.loads(capsys.readouterr().out)
    assert told == {
        "scenario": "deaf",
        "seed": 7,
        "held": False,
        "error": error.removeprefix("error: "),
        "replay": see.removeprefix("see it: "),
    }


def test_what_broke_is_told_after_its_trace(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--scenario", "deaf", "--seed", "7", "--trace") == Exit.FAILED
    printed = capsys.readouterr()
    assert "> dial" in printed.out
    assert printed.err.startswith("error: 'deaf', seed 7")
    assert "see it" not in printed.err


def test_a_fault_of_the_engine_is_told_with_its_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--scenario", "faulty", "--seed", "7") == Exit.FAILED
    error = capsys.readouterr().err
    assert error.startswith("error: ZeroDivisionError: on purpose\nTraceback (most recent call last):\n")
    assert error.endswith("see it: headway simulate --scenario faulty --seed 7 --trace\n")


# ----------------------------------------------------------------------------------------------------------- many seeds


def test_many_seeds_are_summed_up(capsys: pytest.CaptureFixture[str]) -> None:
    outcomes = [simulated.simulate("short", seed) for seed in range(5, 9)]
    assert run("--scenario", "short", "--seeds", "5:9", "--jobs", "1", "--json") == Exit.DONE
    printed = capsys.readouterr()
    told = json.loads(printed.out)
    assert told.pop("seconds") >= 0
    assert told == {
        "seeds": 4,
        "held": 4,
        "broken": [],
        "events": sum(each.events for each in outcomes),
        "virtual_seconds": round(sum(each.seconds for each in outcomes), 1),
    }
    assert printed.err.startswith("played 4 of 4 seeds  0 broke  ")
    assert run("--scenario", "short", "--seeds", "3", "-q") == Exit.DONE
    printed = capsys.readouterr()
    assert re.search(r"^seeds +3\nheld +3\nbroken +0\n", printed.out)
    assert printed.err == ""


def test_seeds_are_played_by_several_processes(capsys: pytest.CaptureFixture[str]) -> None:
    """Other processes do not know the scenarios of this test; those that all know give the same everywhere."""
    name = scenario_for(0).name
    told: list[dict[str, Any]] = []
    for jobs in ("1", "2"):
        assert run("--scenario", name, "--seeds", "6", "--jobs", jobs, "--json") == Exit.DONE
        told.append(json.loads(capsys.readouterr().out) | {"seconds": 0})
    assert told[0] == told[1]


def test_each_seed_that_breaks_is_told_at_once_and_again_in_the_object(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--scenario", "deaf", "--seeds", "2:4", "--jobs", "1", "--json") == Exit.FAILED
    printed = capsys.readouterr()
    told = json.loads(printed.out)
    assert (told["seeds"], told["held"]) == (2, 0)
    assert [(each["scenario"], each["seed"]) for each in told["broken"]] == [("deaf", 2), ("deaf", 3)]
    for each in told["broken"]:
        assert f"error: {each['error']}\nsee it: {each['replay']}\n" in printed.err


def test_when_too_many_break_the_rest_is_not_played(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(simulate, "MAX_BROKEN", 3)
    assert run("--scenario", "deaf", "--seeds", "10:90", "--jobs", "1", "--json") == Exit.FAILED
    printed = capsys.readouterr()
    assert json.loads(printed.out)["seeds"] == 3
    assert "3 seeds broke: the rest, from 13 on, was not played\n" in printed.err


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_says_how_to_go_on(sign: signal.Signals) -> None:
    command = [str(HEADWAY), "simulate", "--seeds", "50:1000000", "--jobs", "2"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + 30.0
        while len(children(process.pid)) < 2:
            assert time.monotonic() < deadline, "it starts no processes"
        process.send_signal(sign)
        out, err = process.communicate(timeout=60)
    assert process.returncode == Exit.INTERRUPTED
    assert out == ""
    played = re.search(r"^([\d,]+) of 999,950 seeds were played, 0 broke$", err, re.MULTILINE)
    assert played, err
    after = 50 + int(played[1].replace(",", ""))
    assert err.endswith(f"go on: headway simulate --seeds {after}:1000000\n")
    assert "Traceback" not in err


# --------------------------------------------------------------------------------------------- the table, and wrong use


def test_the_table_names_every_scenario_with_its_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--list") == Exit.DONE
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(SCENARIOS)
    assert re.fullmatch(r"deaf +regtest  All are deaf\.", next(line for line in lines if line.startswith("deaf")))
    assert run("--list", "--json") == Exit.DONE
    listed = json.loads(capsys.readouterr().out)["scenarios"]
    assert {"name": "deaf", "network": "regtest", "about": "All are deaf."} in listed
    assert [each["name"] for each in listed] == list(SCENARIOS)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--seed", "1", "--seeds", "5"], "--seed is one, --seeds are many"),
        (["--trace"], "--trace shows one seed"),
        (["--trace", "--seeds", "5"], "--trace shows one seed"),
        (["--trace", "--seed", "5", "--json"], "cannot both go to stdout"),
        (["--seed", "-1"], "-1"),
        (["--seeds", "5:5"], "'5:5' is no range of seeds"),
        (["--seeds", "7:5"], "'7:5' is no range of seeds"),
        (["--seeds", "-3:5"], "'-3:5' is no range of seeds"),
        (["--seeds", "a:b"], "'a:b' is no range of seeds"),
        (["--seeds", "0"], "'0' is no range of seeds"),
        (["--scenario", "shorter"], "there is no scenario 'shorter'. Near to it: short, "),
        (["--scenario", "xyz"], "there is no scenario 'xyz'. `headway simulate --list` names all"),
        (["--jobs", "0"], "0"),
    ],
)
def test_wrong_use_is_named(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*words) == Exit.USAGE
    assert said in capsys.readouterr().err


def test_a_reader_that_has_enough_ends_the_trace_without_a_word() -> None:
    command = f"'{HEADWAY}' simulate --seed 1 --trace | head -1"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    assert len(done.stdout.splitlines()) == 1


def test_a_closed_stdout_is_no_reason_to_fail() -> None:
    command = f"'{HEADWAY}' simulate --seed 1 --trace >&-"
    done = subprocess.run(["sh", "-c", command], check=True, capture_output=True, text=True)
    assert done.stderr.endswith(", seed 1: everything held\n")
