"""Where the real chain data is, and what to do when it is not there.

The data is no part of the repository: it lies under $HEADWAY_TEST_DATA, or beside the repository in `../shared/data`.
A test that needs a file which is absent skips and says why; in CI (the variable CI set to anything but 0 or false) it
fails instead, because a skip there would be a test that nobody runs. Called by tests only.
"""

from __future__ import annotations

import lzma
import os
from pathlib import Path
from typing import Final, NoReturn

import pytest

REPOSITORY: Final = Path(__file__).resolve().parent.parent
_DEFAULT: Final = REPOSITORY.parent / "shared" / "data"


def in_ci() -> bool:
    """Whether something that is missing is a failure rather than a skip."""
    return os.environ.get("CI", "").lower() not in {"", "0", "false"}


def absent(reason: str) -> NoReturn:
    """End the running test: a skip with its reason, a failure in CI."""
    if in_ci():
        pytest.fail(f"{reason} (a skip is a failure in CI)", pytrace=False)
    pytest.skip(reason)


def data_root() -> Path:
    """The directory of the data, whether it exists or not."""
    return Path(os.environ.get("HEADWAY_TEST_DATA") or _DEFAULT)


def data_path(*parts: str) -> Path:
    """Path of a file or directory of the data, such as `data_path("bitcoin", "blocks", "manifest.json")`.

    Skips the test when it is absent (fails in CI). Call it in a test or a fixture, never while a module is imported.
    """
    path = data_root().joinpath(*parts)
    if not path.exists():
        absent(f"no test data at {'/'.join(parts)}: set HEADWAY_TEST_DATA to the directory that holds it")
    return path


def read(*parts: str) -> bytes:
    """Content of a file of the data, unpacked when its name ends in `.xz`. Absent: as `data_path`."""
    path = data_path(*parts)
    return lzma.decompress(path.read_bytes()) if path.suffix == ".xz" else path.read_bytes()
