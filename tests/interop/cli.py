"""Our own commands as users run them: the installed `headway`, in a process of its own."""

from __future__ import annotations

import json
import os
import struct
import sys
from pathlib import Path
from typing import Any, Final

from headway.store.format import HEAD_SIZE
from headway.store.index import INDEX_NAME, RECORD_SIZE
from tests.interop.programs import Program

HEADWAY: Final = Path(sys.executable).with_name("headway")
ENDS: Final = struct.Struct("<36x2I8x")
"""Offset and length of the block of an index record."""


class Headway(Program):
    """`headway WORDS`, running."""

    def __init__(self, *words: str | Path) -> None:
        super().__init__(f"headway {words[0]}", [HEADWAY, *words])

    def result(self, *, code: int = 0) -> dict[str, Any]:
        """The object that a command with --json printed: one line, and nothing else on stdout. Waits for the end."""
        assert self.wait() == code, self.tail()
        assert len(self.stdout) == 1, self.tail()
        result = json.loads(self.stdout[0])
        assert isinstance(result, dict)
        return result


def run(*words: str | Path, code: int = 0) -> dict[str, Any]:
    """Run `headway WORDS --json` to its end, which must be `code`, and give the object that it printed."""
    with Headway(*words, "--json") as command:
        return command.result(code=code)


def size_of(directory: Path) -> int:
    """Bytes in all files of a data directory, which another process may be writing at this moment. Room that its last
    file of blocks has beforehand does not count."""
    total = 0
    for path, _, names in os.walk(directory):
        for name in names:
            try:
                total += os.stat(os.path.join(path, name)).st_size  # noqa: PTH116, PTH118 (called in a tight loop)
            except FileNotFoundError:
                continue  # renamed or removed since it was listed
    return total - _unused(directory / "blocks")


def _unused(blocks: Path) -> int:
    """Bytes of the last file of blocks that are behind its last one."""
    try:
        index = (blocks / INDEX_NAME).read_bytes()
        last = max(blocks.glob("blk*.dat")).stat().st_size
    except (FileNotFoundError, ValueError):
        return 0
    records = ((index[at : at + RECORD_SIZE]) for at in range(HEAD_SIZE, len(index) - RECORD_SIZE + 1, RECORD_SIZE))
    ends = [offset + length for offset, length in map(ENDS.unpack, records) if length]
    return max(last - (ends[-1] if ends else 0), 0)


def holds_at_most(directory: Path, limit: int) -> bool:
    """Whether the files below a directory have no more than `limit` bytes together."""
    return size_of(directory) <= limit
