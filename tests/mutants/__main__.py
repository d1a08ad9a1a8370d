"""Breaks headway on purpose, and sees whether the simulator notices: `python -m tests.mutants [NAME...] [--jobs N]`.

First the code as it is must hold in every scenario and seed that is used below; then each mutant must break an
invariant. Exit code 1 when one is not caught.
"""
# ruff: noqa: T201  (a command prints)

from __future__ import annotations

import argparse
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from tests.data import REPOSITORY
from tests.mutants.mutant import Mutant, NotCaught, catch, mutants, play


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("names", nargs="*", help="which of them (default: all)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="at one time (default: one a processor)")
    arguments = parser.parse_args()
    known = mutants()
    chosen = [each for each in known if not arguments.names or each.name in arguments.names]
    if unknown := set(arguments.names) - {each.name for each in known}:
        parser.error(f"no mutant {', '.join(sorted(unknown))}: there are {', '.join(each.name for each in known)}")
    start = time.monotonic()
    with ThreadPoolExecutor(arguments.jobs) as pool:
        stocks = sorted({each.stock for each in chosen})
        faults = [fault for fault in pool.map(_held, stocks) if fault]
        print(f"{len(stocks)} scenarios hold without a mutant" if not faults else "\n".join(faults), flush=True)
        left = 0
        for mutant, caught, words in pool.map(_try, chosen):
            left += not caught
            print(f"{'caught' if caught else 'LEFT  '}  {mutant.name:<28} {words}", flush=True)
    print(f"{len(chosen) - left} of {len(chosen)} mutants caught in {time.monotonic() - start:.0f} s")
    return 1 if left or faults else 0


def _held(stock: tuple[str, str]) -> str:
    """Why the code as it is does not hold; empty if it does."""
    scenario, seeds = stock
    try:
        told = play(REPOSITORY / "src", scenario, seeds)
    except NotCaught as error:
        return f"{scenario}, seeds {seeds}: {error}"
    return "\n".join(each["error"] for each in told["broken"])


def _try(mutant: Mutant) -> tuple[Mutant, bool, str]:
    try:
        return mutant, True, catch(mutant)
    except NotCaught as error:
        return mutant, False, str(error)


if __name__ == "__main__":
    sys.exit(main())
