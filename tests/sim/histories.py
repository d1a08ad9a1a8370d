"""Prints the whole history of runs, everything that a seed decides: `python -m tests.sim.histories SEED SCENARIO...`.

The trace, how the run ended, and a digest of every byte that the node stored, in the order in which it came. Run in
processes of their own by `test_determinism`.
"""
# ruff: noqa: T201  (a command prints)

from __future__ import annotations

import sys
from hashlib import sha256

from headway.sim.invariants import Broken
from headway.sim.scenario import Run
from headway.testing.simulated import run_of


def main(seed: int, names: list[str]) -> None:
    for name in names:
        print("==", name, seed)
        run = run_of(name, seed, trace=print)
        try:
            print("==", run.play())
        except Broken as broken:
            print("==", broken)
        print("==", stored(run))


def stored(run: Run) -> str:
    store = run.node.store
    digest = sha256(repr(list(store.blocks)).encode())
    for part in (*store.headers, *store.blocks.values(), *store.invalid):
        digest.update(part)
    return digest.hexdigest()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
