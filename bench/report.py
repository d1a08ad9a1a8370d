"""Every benchmark, one report: bench/report.json, and a table for people on stdout. `make bench` calls it.

python -m bench.report [--quick] [--rounds N] [--output FILE]
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from bench import measure
from bench.chains import REPOSITORY

BENCHES: Final = ("headers", "blocks", "verify", "peer")
OUTPUT: Final = REPOSITORY / "bench" / "report.json"


def main() -> None:
    parser = measure.options(__doc__ or "")
    parser.add_argument("--output", type=Path, default=OUTPUT)
    arguments = parser.parse_args()
    options = ["--rounds", str(arguments.rounds), *(["--quick"] if arguments.quick else [])]
    results = [_run(name, options) for name in BENCHES]
    arguments.output.write_text(json.dumps({"date": time.strftime("%Y-%m-%d"), "benches": results}, indent=1) + "\n")
    print("\n".join(line for result in results for line in table(result)))
    print(f"\nwritten to {arguments.output}", file=sys.stderr)


def table(result: Mapping[str, Any]) -> Iterator[str]:
    """One benchmark's result in lines: a median for each contender (least to most), then the targets."""
    yield f"\n{result['bench']}: {_words(result['machine'])}; {_words(result['settings'])}"
    for name, figure in result["figures"].items():
        yield f"  {name} ({figure['unit']})"
        for who, found in figure.items():
            if isinstance(found, dict) and "median" in found:
                yield f"    {who:<18} {_figure(found)}"
        if figure["more_is_better"] and figure["ratios"]:
            yield f"    {'ratios':<18} {_words(figure['ratios'])}"
    if "disk_mb_per_second" in result:
        yield f"  disk (MB/s)  {_words(result['disk_mb_per_second'])}"
    for target in result["targets"]:
        met = {True: "met", False: "MISSED", None: "unknown"}[target["met"]]
        found = _number(target["found"])
        yield f"  target  {target['measure']}, {target['who']}: {target['target']}; found {found}: {met}"


def _run(name: str, options: list[str]) -> dict[str, Any]:
    print(f"bench.{name}", file=sys.stderr)
    argv = [sys.executable, "-m", f"bench.{name}", *options]
    done = subprocess.run(argv, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True, check=True)
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def _figure(found: Mapping[str, Any]) -> str:
    if found["median"] is None:
        return f"-  {found['why']}"
    return f"{_number(found['median']):>12}  ({_number(found['min'])} to {_number(found['max'])}, {found['runs']} runs)"


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f}" if value >= 1_000 else f"{value:.4g}"


def _words(facts: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {_number(value) if isinstance(value, float) else value}" for name, value in facts.items())


if __name__ == "__main__":
    main()
