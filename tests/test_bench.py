"""Each benchmark runs, in a tiny configuration, and prints what it says. How fast anything was is no test."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bench import measure, report
from bench.measure import Absent, Measure, Target
from bench.report import BENCHES, table
from tests.data import REPOSITORY, data_path

LATENCY = Measure("latency", "ms", more_is_better=False)
RATE = Measure("rate", "MB/s")


def run(name: str, *options: str, quick: bool = True) -> dict[str, Any]:
    """The JSON object of one benchmark, the only line of its stdout."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("COV")}
    argv = [sys.executable, "-m", f"bench.{name}", *(["--quick"] if quick else []), *options]
    done = subprocess.run(argv, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    [line] = done.stdout.splitlines()
    result: dict[str, Any] = json.loads(line)
    return result


@pytest.mark.parametrize("name", BENCHES)
def test_a_quick_benchmark_prints_one_object_with_a_figure_or_a_reason_for_everybody(name: str) -> None:
    if name == "verify":
        data_path("bitcoin")
    result = run(name)
    assert (result["bench"], result["quick"]) == (name, True)
    assert {"cores", "processor", "sha_extensions", "python", "kernel"} <= set(result["machine"])
    for figure in result["figures"].values():
        contenders = {who: found for who, found in figure.items() if isinstance(found, dict) and who != "ratios"}
        assert {"native", "pure"} <= set(contenders)
        assert contenders["pure"]["runs"] == 1
        for found in contenders.values():
            assert (found["median"] is None) == bool(found.get("why"))
    for target in result["targets"]:
        assert target["measure"] in result["figures"]
        assert (target["met"] is None) == (target["found"] is None or target["wanted"] is None)
    assert next(iter(table(result))).startswith(f"\n{name}: ")


def test_a_report_holds_every_benchmark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "BENCHES", ("peer",))
    monkeypatch.setattr(sys, "argv", ["report", "--quick", "--output", str(tmp_path / "report.json")])
    report.main()
    written = json.loads((tmp_path / "report.json").read_text())
    assert [bench["bench"] for bench in written["benches"]] == ["peer"]


def test_contenders_take_turns() -> None:
    order: list[str] = []

    def contender(name: str) -> measure.Contender:
        def work() -> measure.Sample:
            order.append(name)
            return {"rate": float(len(order))}

        return work

    found = measure.contest({"native": contender("native"), "limit": contender("limit")}, 3)
    assert order == ["native", "limit"] * 3
    figure = measure.figures([RATE], found)["rate"]
    assert figure["native"] == {"median": 3.0, "min": 1.0, "max": 5.0, "runs": 3}
    assert figure["ratios"] == {"native to limit": 0.75}


def test_one_who_is_absent_has_null_and_the_reason_and_is_asked_once() -> None:
    asked: list[int] = []

    def work() -> measure.Sample:
        asked.append(1)
        raise Absent("it is not installed")

    found = measure.contest({"pure": lambda: {"rate": 1.0}, "bcoin": work}, 3)
    figure = measure.figures([RATE], found)["rate"]
    assert figure["bcoin"] == {"median": None, "why": "it is not installed"}
    assert (figure["ratios"], len(asked)) == ({}, 1)


def test_less_is_better_where_the_measure_says_so() -> None:
    found: dict[str, list[measure.Sample] | str] = {"native": [{"latency": 2.0}], "limit": [{"latency": 1.0}]}
    figures = measure.figures([LATENCY], found)
    assert figures["latency"]["ratios"] == {"native to limit": 0.5}
    fixed, relative, unknown = measure.judge(
        [Target("latency", "native", 1.9), Target("latency", "native", 2, "limit"), Target("latency", "limit", 3)],
        figures,
    )
    assert (fixed["met"], relative["met"], unknown["met"]) == (False, True, True)
    assert (fixed["target"], relative["target"], relative["wanted"]) == ("1.9 ms", "2 x limit", 2.0)


def test_a_target_of_one_who_is_absent_is_neither_met_nor_missed() -> None:
    found: dict[str, list[measure.Sample] | str] = {"native": "no kernel", "limit": [{"rate": 1.0}]}
    [target] = measure.judge([Target("rate", "native", 0.5, "limit")], measure.figures([RATE], found))
    assert (target["found"], target["wanted"], target["met"]) == (None, 0.5, None)


def test_the_machine_is_described_and_not_named() -> None:
    described = json.dumps(measure.machine())
    assert os.uname().nodename not in described
