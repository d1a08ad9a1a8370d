"""How every benchmark measures: contenders take turns, round after round, and medians are compared.

The machine is shared and never quiet, so nothing is said about a contender alone: all of them do the same work in the
same minutes, and what counts is the ratio of their medians. Who cannot take part has null for a figure, and a reason.
Not here: what is measured (the commands), other processes (`processes`).
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeAlias

from headway import kernel

NATIVE: Final = "native"
"""headway with the native kernel."""
PURE: Final = "pure"
"""headway without it."""
LIMIT: Final = "limit"
"""The same work stripped to what must be done: hashing, walking through bytes, receiving. No rules, no objects."""
OURS: Final = (NATIVE, PURE)

Sample: TypeAlias = Mapping[str, float]
"""What one contender measured in one round: measure -> value."""
Contender: TypeAlias = Callable[[], Sample]

_CHUNK: Final = 1_000_000
_ROUNDS: Final = 5


class Absent(Exception):
    """A contender cannot take part; the message says why."""


class Measure(NamedTuple):
    name: str
    unit: str
    more_is_better: bool = True
    """False for seconds and bytes."""


class Target(NamedTuple):
    """A promise of docs/design/performance.md about one measure of one contender."""

    measure: str
    who: str
    value: float
    of: str = ""
    """`value` is a multiple of this contender's figure; empty: it stands in the measure's unit."""


def options(description: str) -> argparse.ArgumentParser:
    """The options of every command."""
    parser = argparse.ArgumentParser(description=description.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="one round of next to nothing: only to see that it runs")
    parser.add_argument("--rounds", type=int, default=_ROUNDS, help="how often each contender has its turn")
    return parser


def contest(contenders: Mapping[str, Contender], rounds: int) -> dict[str, list[Sample] | str]:
    """Each contender's samples, or why it is absent. They take turns; progress goes to stderr."""
    found: dict[str, list[Sample] | str] = {name: [] for name in contenders}
    for number in range(rounds):
        for name, contender in contenders.items():
            samples = found[name]
            if isinstance(samples, str):
                continue
            print(f"round {number + 1} of {rounds}: {name}", file=sys.stderr)
            try:
                samples.append(contender())
            except Absent as absence:
                found[name] = str(absence)
    return found


def figures(measures: Sequence[Measure], found: Mapping[str, list[Sample] | str]) -> dict[str, Any]:
    """Measure -> its unit, each contender's figure, and how many times as good ours are as each other's."""
    return {measure.name: _figures(measure, found) for measure in measures}


def judge(targets: Sequence[Target], measured: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What became of each target: `met` is null where there is no figure."""
    return [_judge(target, measured[target.measure]) for target in targets]


def report(name: str, arguments: argparse.Namespace, settings: Mapping[str, Any], **parts: Any) -> None:
    """Print the JSON object of a command: the one line on stdout."""
    head = {"bench": name, "quick": arguments.quick, "machine": machine(), "settings": dict(settings)}
    print(json.dumps({**head, **parts}))


def seconds(work: Callable[[], object], *, least: float = 0.2) -> float:
    """Seconds that one call of `work` takes: the median of as many calls as fit into `least` seconds, five at least."""
    taken: list[float] = []
    while len(taken) < 5 or sum(taken) < least:
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)


def disk_rate(directory: Path, size: int) -> Sample:
    """MB/s at which `size` bytes are written there one after another: into the page cache, and onto the medium."""
    path, chunk = directory / f"disk-{os.getpid()}", os.urandom(_CHUNK)
    start = time.perf_counter()
    with path.open("wb", buffering=0) as file:
        for _ in range(size // _CHUNK):
            file.write(chunk)
        cached = time.perf_counter() - start
        os.fdatasync(file.fileno())
    flushed = time.perf_counter() - start
    path.unlink()
    return {"page cache": size / 1e6 / cached, "medium": size / 1e6 / flushed}


def machine() -> dict[str, Any]:
    """What kind of machine this is. Nothing that names it."""
    facts = _processor()
    return {
        "cores": os.cpu_count(),
        "processor": facts.get("model name", platform.machine()),
        "sha_extensions": bool({"sha_ni", "sha2"} & set(facts.get("flags", facts.get("Features", "")).split())),
        "python": platform.python_version(),
        "system": platform.system(),
        "kernel": kernel.describe(),
    }


def _processor() -> dict[str, str]:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").partition("\n\n")[0].splitlines()
    except OSError:
        return {}
    return {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in lines)}


def _figures(measure: Measure, found: Mapping[str, list[Sample] | str]) -> dict[str, Any]:
    by_contender = {name: figure for name, samples in found.items() if (figure := _figure(measure, samples))}
    ratios = {
        f"{mine} to {other}": _ratio(measure, by_contender[mine]["median"], by_contender[other]["median"])
        for mine in OURS
        for other in by_contender
        if mine in by_contender and other not in {mine, PURE}
    }
    known = {name: ratio for name, ratio in ratios.items() if ratio is not None}
    return {"unit": measure.unit, "more_is_better": measure.more_is_better, **by_contender, "ratios": known}


def _figure(measure: Measure, samples: list[Sample] | str) -> dict[str, Any] | None:
    """None for a contender who takes part, but not in this."""
    if isinstance(samples, str):
        return {"median": None, "why": samples}
    values = [sample[measure.name] for sample in samples if measure.name in sample]
    if not values:
        return None
    rounded = [_round(value) for value in (statistics.median(values), min(values), max(values))]
    return {**dict(zip(("median", "min", "max"), rounded, strict=True)), "runs": len(values)}


def _ratio(measure: Measure, ours: float | None, other: float | None) -> float | None:
    """How many times as good ours is."""
    if not ours or not other:
        return None
    return _round(ours / other if measure.more_is_better else other / ours)


def _judge(target: Target, measured: Mapping[str, Any]) -> dict[str, Any]:
    value = measured[target.who]["median"]
    base = measured[target.of]["median"] if target.of else 1
    wanted = None if base is None else _round(target.value * base)
    met = None
    if value is not None and wanted is not None:
        met = value >= wanted if measured["more_is_better"] else value <= wanted
    words = f"{target.value:g} x {target.of}" if target.of else f"{target.value:,} {measured['unit']}"
    return {"measure": target.measure, "who": target.who, "target": words, "wanted": wanted, "found": value, "met": met}


def _round(value: float) -> float:
    """Four digits are more than the machine's noise leaves."""
    return float(f"{value:.4g}")
