"""Whole files that people bring from elsewhere, or take there: read within a bound, replaced at once.

Not here: what is in them, and the files of the data directory, which grow (`disk`). Called by those who import and
export.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

from headway.errors import ConfigError
from headway.store.disk import failure

if TYPE_CHECKING:
    from pathlib import Path


def read_file(path: Path, most: int, what: str = "") -> bytes:
    """The content of a file of at most `most` bytes. Raises ConfigError, which calls it `what` (`the peers file `)."""
    try:
        with path.open("rb") as file:
            content = file.read(most + 1)
    except OSError as error:
        raise ConfigError(f"cannot read {what}{path}: {error.strerror}") from error
    if len(content) > most:
        raise ConfigError(f"{what}{path} is longer than {most} bytes")
    return content


def replace_file(path: Path, content: bytes) -> None:
    """Make this the content of a file: whoever reads it, and whatever happens, it is the old or the new one.

    Raises StoreError.
    """
    beside = path.with_name(f"{path.name}.new-{os.getpid()}")
    try:
        with beside.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as error:
        with suppress(OSError):
            beside.unlink(missing_ok=True)
        raise failure("write", path, error) from error
