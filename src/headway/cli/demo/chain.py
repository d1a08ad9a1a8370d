"""The chain that the demo serves: made once, kept, and made anew when what is found is not all of it.

It is a data directory like any other, made beside its place and moved there when it is whole. Called by `demo`.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from headway.errors import StoreError
from headway.store import Store
from headway.store.blocks import FRAME
from headway.store.directory import BLOCKS_NAME, HEADERS_NAME
from headway.store.disk import failure
from headway.testing.chain import store_chain

if TYPE_CHECKING:
    from collections.abc import Generator

    from headway.cli.demo.family import Family
    from headway.types import BlockId, Height

BATCH: Final = 20
"""Blocks made at a time, which takes some hundredths of a second: nobody waits longer for Ctrl-C."""
DIGEST_NAME: Final = "sha256"
"""The file with the digest of the others; written last."""


@dataclass(frozen=True, slots=True)
class KeptChain:
    path: Path
    tip: BlockId
    block_bytes: int


def place_of(directory: Path, family: Family, length: int) -> Path:
    """Where in `directory` the chain of that many blocks is kept."""
    return directory / f"{family.network.name}-{length}"


def find_chain(directory: Path, family: Family, length: int) -> KeptChain | None:
    """The chain as it was made; None when it is not there, or not as it was."""
    path = place_of(directory, family, length)
    try:
        if (path / DIGEST_NAME).read_text("ascii") != _digest(path):
            return None
        with Store.open(path, family.network, readonly=True) as store:
            tip = store.tree.tip
        sizes = sum(file.stat().st_size for file in (path / BLOCKS_NAME).glob("blk*.dat"))
    except (OSError, ValueError, StoreError):
        return None
    return KeptChain(path, tip, sizes - length * FRAME.size) if tip.height == length else None


def make_chain(directory: Path, family: Family, length: int) -> Generator[Height, None, None]:
    """Make it, in the place of what is there; yields how far it is. Closed early, it leaves nothing behind.

    Raises StoreError.
    """
    network, place = family.network, place_of(directory, family, length)
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="making-", dir=directory) as temporary:
            path = Path(temporary) / "chain"
            with Store.open(path, network) as store:
                for last in store_chain(store, family.make(length), network=network, batch=BATCH):
                    yield last.height
            (path / DIGEST_NAME).write_text(_digest(path), "ascii")
            shutil.rmtree(place, ignore_errors=True)
            path.rename(place)
    except OSError as error:
        raise failure("write", directory, error) from error


def _digest(path: Path) -> str:
    """One digest of every file that holds something of the chain."""
    whole = hashlib.sha256()
    for each in (path / HEADERS_NAME, *sorted((path / BLOCKS_NAME).iterdir())):
        with each.open("rb") as file:
            whole.update(hashlib.file_digest(file, "sha256").digest())
    return whole.hexdigest()
