"""Which processes there are, to see that none was left behind."""

from __future__ import annotations

from pathlib import Path


def processes_naming(path: Path) -> list[int]:
    """Ids of the running processes that have `path` in an argument."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                arguments = (entry / "cmdline").read_bytes()
            except OSError:  # it has ended meanwhile
                continue
            if str(path).encode() in arguments:
                found.append(int(entry.name))
    return found
