"""The names of the files of blocks, which are Core's: `blk00000.dat` and so on. Called by `blocks`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headway.store.disk import failure

if TYPE_CHECKING:
    from pathlib import Path


def file_name(number: int) -> str:
    return f"blk{number:05}.dat"


def file_sizes(directory: Path) -> dict[int, int]:
    """Size of each file of blocks by its number; other files are not ours to judge. Raises StoreError."""
    sizes = {}
    try:
        for entry in directory.iterdir():
            digits = entry.name.removeprefix("blk").removesuffix(".dat")
            if digits.isascii() and digits.isdigit() and entry.name == file_name(int(digits)):
                sizes[int(digits)] = entry.stat().st_size
    except OSError as error:
        raise failure("read", directory, error) from error
    return sizes
