"""The inputs kept in the repository: a text file a target, `corpus/TARGET.hex`.

One input a line, in hex, shortest first; a line that begins with # is for people. They were made by our own encoders
and by the fuzzer, and chosen by coverage: each reaches something that no shorter one does. An input that found a fault
stays, whatever it covers: `corpus/TARGET.faults.hex` has a line that says what was found, then the input.
Called by the fuzzer and by `tests/fuzz/test_corpus.py`.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

DIRECTORY: Final = Path(__file__).parent / "corpus"
_MAX_LENGTH: Final = 500
"""Bytes of an input: enough for a few messages."""
_MAX_PROGRAM: Final = 300
"""Of a program for a machine, which is slow: about 40 steps."""


def max_length(target: str) -> int:
    """Bytes of the longest input that the fuzzer makes."""
    return _MAX_PROGRAM if target.startswith(("machine-", "node-")) else _MAX_LENGTH


def load(target: str) -> list[bytes]:
    """All inputs of a target, those that found a fault first; none for a target without a corpus."""
    return [
        bytes.fromhex(line)
        for path in (DIRECTORY / f"{target}.faults.hex", DIRECTORY / f"{target}.hex")
        if path.is_file()
        for line in path.read_text("ascii").splitlines()
        if line and not line.startswith("#")
    ]


def save(target: str, inputs: Iterable[bytes]) -> int:
    """Replace the inputs of a target (not those that found a fault); says how many there are now."""
    chosen = sorted({each for each in inputs if each}, key=lambda each: (len(each), each))
    DIRECTORY.mkdir(exist_ok=True)
    text = "".join(f"{each.hex()}\n" for each in chosen)
    (DIRECTORY / f"{target}.hex").write_text(text, "ascii")
    return len(chosen)


def unpack(inputs: Iterable[bytes], directory: Path) -> None:
    """As files of their own, which is what libFuzzer reads."""
    directory.mkdir(parents=True, exist_ok=True)
    for number, each in enumerate(inputs):
        (directory / f"{number:05}").write_bytes(each)


def pack(directory: Path) -> list[bytes]:
    """Inverse of `unpack`."""
    return [path.read_bytes() for path in sorted(directory.iterdir()) if path.is_file()]
