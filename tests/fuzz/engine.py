"""The process that fuzzes: headway's modules instrumented by atheris, one target, libFuzzer's own arguments.

    python -m tests.fuzz.engine TARGET {full,fast} LIBFUZZER-ARGUMENT...

Only headway is instrumented, not the targets: what they cover says nothing. `full` traces branches and comparisons,
`fast` branches alone. Started by `python -m tests.fuzz`.
"""

from __future__ import annotations

import gc
import importlib
import shlex
import sys
from typing import Any


def main() -> None:
    atheris: Any = importlib.import_module("atheris")  # it has no types
    hook: Any = importlib.import_module("atheris.import_hook")
    name, how, *arguments = sys.argv[1:]
    # `atheris.instrument_imports` is this with comparisons always traced.
    with hook.HookManager({"headway"}, set(), enable_loader_override=True, trace_dataflow=how == "full"):
        targets: Any = importlib.import_module("tests.fuzz.targets")
        one_input = targets.TARGETS[name]()
    gc.freeze()  # what is there now stays: no collection need look at it
    # A merge starts itself anew, by a shell and by this name.
    itself = " ".join(map(shlex.quote, (sys.executable, "-m", "tests.fuzz.engine", name, how)))
    atheris.Setup([itself, *arguments], one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
