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

BENCHES: Final = ("headers", "blocks", "verify", "peer", "serve", "idle", "neo", "resume", "growth")
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
    """One benchmark's result in lines: for each measure the medians (and the least and most), then the targets."""
    yield f"\n{result['bench']}: {_words(result['machine'])}; {_words(result['settings'])}"
    absent: dict[str, str] = {}
    for name, figure in result["figures"].items():
        contenders = {who: found for who, found in figure.items() if isinstance(found, dict) and "median" in found}
        absent |= {who: found["why"] for who, found in contenders.items() if found["median"] is None}
        yield f"  {name}, {figure['unit']}"
        yield "    " + "   ".join(_figure(who, found) for who, found in contenders.items() if who not in absent)
    yield from (f"  without {who}: {why}" for who, why in absent.items())
    if "disk_mb_per_second" in result:
        yield f"  disk, MB/s: {_words(result['disk_mb_per_second'])}"
    for target in result["targets"]:
        met = {True: "met", False: "MISSED", None: "unknown"}[target["met"]]
        found = _number(target["found"])
        yield f"  target {target['target']:<18} {met:<8} {found:>10}  {target['measure']}, {target['who']}"


def _run(name: str, options: list[str]) -> dict[str, Any]:
    print(f"bench.{name}", file=sys.stderr)
    argv = [sys.executable, "-m", f"bench.{name}", *options]
    done = subprocess.run(argv, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True, check=True)
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def _figure(who: str, found: Mapping[str, Any]) -> str:
    return f"{who} {_number(found['median'])} ({_number(found['min'])} to {_number(found['max'])})"


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f}" if value >= 1_000 else f"{value:.3g}"


def _words(facts: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {_number(value) if isinstance(value, float) else value}" for name, value in facts.items())


if __name__ == "__main__":
    main()
