"""The chains that are measured: regtest chains made on the spot and kept under `.cache/bench`, and real chain data.

A made chain has real work and passes every rule. Called by the commands, and by `source`, which serves the made ones.
"""

from __future__ import annotations

import json
import lzma
import mmap
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

from headway.networks.bitcoin import REGTEST
from headway.store.blocks import FRAME
from headway.testing.chain import HEADER_SIZE, regtest_chain, regtest_headers

REPOSITORY: Final = Path(__file__).resolve().parent.parent
CACHE: Final = REPOSITORY / ".cache" / "bench"
_PROGRESS: Final = 0.1
"""Part of the work between two lines of progress."""


class RealBlock(NamedTuple):
    """A block of mainnet, in full."""

    height: int
    hash: bytes
    raw: bytes


def made_headers(count: int) -> Path:
    """A file of `count` regtest headers after genesis, back to back."""
    return _made(f"headers-{count}.bin", regtest_headers(count), count * HEADER_SIZE)


def made_blocks(total: int, size: int) -> Path:
    """A blk file of regtest blocks after genesis, about `size` bytes each and about `total` together."""
    blocks = regtest_chain(max(total // size, 1), sizes=(size, size))
    framed = (FRAME.pack(REGTEST.magic, len(raw)) + raw for raw in blocks)
    return _made(f"blocks-{total}-{size}.dat", framed, total)


def read_blocks(path: Path) -> Iterator[memoryview]:
    """The raw blocks of a blk file, which stay in the page cache: a chain may be larger than the memory."""
    with path.open("rb") as file:
        data = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    at = 0
    while at < len(data):
        _, length = FRAME.unpack_from(data, at)
        at += FRAME.size
        yield data[at : at + length]
        at += length


def real_headers(name: str) -> bytes:
    """Headers of the chain data, back to back. Raises FileNotFoundError where the data is not there."""
    return lzma.decompress((_data() / f"{name}.bin.xz").read_bytes())


def real_blocks(*heights: int) -> list[RealBlock]:
    """Blocks of mainnet at these heights. Raises FileNotFoundError where the data is not there."""
    directory = _data() / "blocks"
    entries: list[dict[str, Any]] = json.loads((directory / "manifest.json").read_text())
    found = {entry["height"]: entry for entry in entries if entry["network"] == "mainnet"}
    return [_real_block(directory / found[height]["file"], found[height]) for height in heights]


def _real_block(path: Path, entry: dict[str, Any]) -> RealBlock:
    raw = path.read_bytes()
    if path.suffix == ".xz":
        raw = lzma.decompress(raw)
    return RealBlock(entry["height"], bytes.fromhex(entry["hash"])[::-1], raw)


def _data() -> Path:
    root = Path(os.environ.get("HEADWAY_TEST_DATA") or REPOSITORY.parent / "shared" / "data") / "bitcoin"
    if not root.is_dir():
        raise FileNotFoundError("no chain data: set HEADWAY_TEST_DATA to the directory that holds it")
    return root


def _made(name: str, parts: Iterator[bytes], total: int) -> Path:
    """The cached file `name`, made of `parts` (about `total` bytes) if it is not there."""
    path = CACHE / name
    if path.exists():
        return path
    CACHE.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(f".{os.getpid()}")
    written, told = 0, _PROGRESS
    with unfinished.open("wb") as file:
        for part in parts:
            written += file.write(part)
            if written >= told * total:
                print(f"making {name}: {100 * written // total} %", file=sys.stderr)
                told += _PROGRESS
    unfinished.rename(path)
    return path
