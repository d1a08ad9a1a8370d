"""All targets by name: `TARGETS[name]()` gives the function that takes one input. It raises when something is wrong.

They need nothing but headway and the tests' own helpers, so the corpus runs through them in plain pytest.
Called by `tests.fuzz` (the fuzzer) and `tests/fuzz/test_corpus.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final, TypeAlias

from tests.fuzz import frames, machine, messages, node, objects
from tests.fuzz.subjects import CODECS, MACHINES

OneInput: TypeAlias = Callable[[bytes], None]

TARGETS: Final[dict[str, Callable[[], OneInput]]] = {
    **{f"frames-{name}": partial(frames.target, subject) for name, subject in CODECS.items()},
    **{f"messages-{name}": partial(messages.target, subject) for name, subject in CODECS.items()},
    **{f"machine-{name}": partial(machine.target, subject) for name, subject in MACHINES.items()},
    "node-toynet": lambda: node.one_input,
    "transactions": lambda: objects.transactions,
    "blocks": lambda: objects.blocks,
    "addresses": lambda: objects.addresses,
}
