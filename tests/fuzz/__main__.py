"""Coverage-guided fuzzing of one target, or of all: `python -m tests.fuzz TARGET [--runs N] [--seconds S] [--seed N]`.

It starts from the corpus in the repository and reports executions, coverage and time. `--save` puts what it found,
joined with what was there and minimised by coverage, back into the corpus. What breaks a target is printed and ends it
with exit code 1. It needs atheris; the corpus runs in plain pytest without it.
"""
# ruff: noqa: T201  (a command prints)

from __future__ import annotations

import argparse
import importlib.util
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tests.data import REPOSITORY
from tests.fuzz import corpus
from tests.fuzz.targets import TARGETS

_MEMORY: Final = 600
"""MB of the process, beyond which its growth is a fault (it has 60 to 100)."""
_SLOWEST: Final = 10
"""Seconds for one input, beyond which it is a fault."""
_PULSE: Final = re.compile(r"#(\d+)\s+\w+.* cov: (\d+) ft: (\d+) corp: (\d+)/\S+ .*rss: (\d+)Mb")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("target", choices=["all", *TARGETS])
    parser.add_argument("--runs", type=int, default=-1, help="inputs, of each target (default: no end)")
    parser.add_argument("--seconds", type=int, default=0, help="time, of each target (default: no end)")
    parser.add_argument("--seed", type=int, default=1, help="of the fuzzer's choices (default: 1)")
    parser.add_argument("--fast", action="store_true", help="trace branches alone, not comparisons")
    parser.add_argument("--save", action="store_true", help="put what was found into the corpus, minimised")
    parser.add_argument(
        "--work", type=Path, default=REPOSITORY / ".cache" / "fuzz", help="directory for logs and finds"
    )
    options = parser.parse_args()
    if importlib.util.find_spec("atheris") is None:
        print(
            "atheris is not installed here, and without it nothing is fuzzed: pip install atheris==3.0.0 (it has wheels"
            "\nfor Linux on x86-64 and Python 3.11 to 3.13 only). The corpus needs no atheris: pytest tests/fuzz",
            file=sys.stderr,
        )
        return 2
    if options.target == "all" and options.runs < 0 and not options.seconds:
        parser.error("all targets, one after another, need an end: --runs or --seconds")
    for target in TARGETS if options.target == "all" else [options.target]:
        if not _fuzz(target, options):
            return 1
    return 0


def _fuzz(target: str, options: argparse.Namespace) -> bool:
    """One target, and what is said of it. False when it broke."""
    work: Path = options.work / target
    known, found = work / "known", work / "found"
    shutil.rmtree(work, ignore_errors=True)
    corpus.unpack(corpus.load(target), known)
    found.mkdir()
    log = work / "log"
    arguments = [f"-runs={options.runs}", f"-max_total_time={options.seconds}", f"-seed={options.seed}"]
    limits = [f"-max_len={corpus.max_length(target)}", f"-rss_limit_mb={_MEMORY}", f"-timeout={_SLOWEST}"]
    print(f"{target}: seed {options.seed}, log {log}", flush=True)
    begun = time.monotonic()
    how = "fast" if options.fast else "full"
    code = _engine(log, target, how, *arguments, *limits, f"-artifact_prefix={work}/", str(found), str(known))
    print(f"{target}: {summary(log, time.monotonic() - begun)}", flush=True)
    if code:
        print(f"{target}: BROKEN, exit code {code}\n{last_words(log)}", flush=True)
        for path in [*work.glob("crash-*"), *work.glob("oom-*"), *work.glob("timeout-*")]:
            print(f"{target}: {path.name}\n{path.read_bytes().hex()}", flush=True)
        return False
    if options.save:
        _save(target, work)
    return True


def _engine(log: Path, *arguments: str) -> int:
    """libFuzzer in a process of its own, since it ends its process; its words go to the log."""
    with log.open("wb") as file:
        argv = [sys.executable, "-m", "tests.fuzz.engine", *arguments]
        return subprocess.run(argv, cwd=REPOSITORY, stdout=file, stderr=subprocess.STDOUT, check=False).returncode


def summary(log: Path, seconds: float) -> str:
    """What libFuzzer's log comes to, in one line."""
    pulses = [tuple(map(int, found.groups())) for found in _PULSE.finditer(log.read_text("utf-8", "replace"))]
    if not pulses:
        return "nothing ran"
    runs, coverage, features, size, memory = pulses[-1]
    return (
        f"{runs:,} inputs in {seconds:,.0f} s ({runs / seconds:,.0f} a second), coverage {coverage}, "
        f"features {features}, corpus {size}, memory {pulses[0][4]} to {memory} MB"
    )


def last_words(log: Path) -> str:
    """The end of a log without its lines of figures: what broke it."""
    lines = log.read_text("utf-8", "replace").splitlines()
    told = [line for line in lines if not _PULSE.match(line)]
    return "\n".join(told[-40:])


def _save(target: str, work: Path) -> None:
    chosen = work / "chosen"
    chosen.mkdir()
    directories: Sequence[str] = [str(chosen), str(work / "known"), str(work / "found")]
    code = _engine(work / "merge", target, "full", "-merge=1", f"-max_len={corpus.max_length(target)}", *directories)
    if code or not any(chosen.iterdir()):
        raise SystemExit(f"{target}: could not be minimised, see {work / 'merge'}")
    print(f"{target}: {corpus.save(target, corpus.pack(chosen))} inputs in the corpus", flush=True)


if __name__ == "__main__":
    sys.exit(main())
