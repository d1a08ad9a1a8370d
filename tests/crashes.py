"""How the tests of the store end it at any instant: a disk that stops, and a sync that can go on after it.

`CutDisk` counts the steps that change the disk and lets nothing pass from one of them on, the write of that step cut at
any byte: what a kill leaves. `FailingDisk` reports errors instead: full, broken. `PowerDisk` knows what is on the
medium, and forgets the rest. `Script` is a sync against a store which, like a real one, asks the store what it has and
does the rest; `reported` is what it was told is kept, `check` whether an opened store holds to that.
"""

from __future__ import annotations

import errno
import os
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeAlias

from headway.network import Network
from headway.store import Store
from headway.store.disk import Disk
from headway.types import Hash, Raw

Snapshot: TypeAlias = dict[Path, bytes]
"""Content of the files of a directory, by their names in it."""


class Killed(BaseException):
    """The process ends here: no handler of ours may do anything more to the disk."""


class CutDisk(Disk):
    """A disk that dies in step number `stop_at` (from 0), of which, if it is a write, the first `keep` bytes arrive."""

    def __init__(self, stop_at: int | None = None, keep: int = 0) -> None:
        self.steps: list[int] = []
        """Bytes of each step so far; 0 for those that write none, which happen or do not."""
        self.allocated = 0
        self.removed = 0
        """How often that was done."""
        self._stop_at = stop_at
        self._keep = keep

    def make_directory(self, path: Path) -> None:
        self._step(0)
        super().make_directory(path)

    def open(self, path: Path) -> int:
        if not path.exists():
            self._step(0)
        return super().open(path)

    def write(self, fd: int, parts: Sequence[Raw], offset: int) -> int:
        data = b"".join(parts)
        try:
            self._step(len(data))
        except Killed:
            if len(self.steps) - 1 == self._stop_at and self._keep:
                super().write(fd, (data[: self._keep],), offset)
                self._keep = 0
            raise
        return super().write(fd, (data,), offset)

    def allocate(self, fd: int, offset: int, length: int) -> None:
        self._step(0)
        self.allocated += 1
        super().allocate(fd, offset, length)

    def truncate(self, fd: int, size: int) -> None:
        self._step(0)
        super().truncate(fd, size)

    def remove(self, path: Path) -> None:
        self._step(0)
        self.removed += 1
        super().remove(path)

    def sync(self, fd: int) -> None:
        """A kill loses nothing that was written, so there is nothing to simulate."""

    def sync_directory(self, path: Path) -> None:
        pass

    def _step(self, size: int) -> None:
        if self._stop_at is not None and len(self.steps) > self._stop_at:
            raise Killed
        self.steps.append(size)
        if len(self.steps) - 1 == self._stop_at:
            raise Killed


class FailingDisk(Disk):
    """A disk that takes `room` more bytes and then reports `error`; a write that is too long arrives in part.

    Nothing is allocated beforehand.
    """

    def __init__(self, error: int = errno.ENOSPC, room: int = 1 << 40) -> None:
        self.room = room
        self.error = error
        self.cannot_truncate = False
        self.cannot_sync = False
        self.cannot_sync_directory = False

    def write(self, fd: int, parts: Sequence[Raw], offset: int) -> int:
        data = b"".join(parts)[: self.room]
        if not data:
            raise OSError(self.error, os.strerror(self.error))
        self.room -= len(data)
        return super().write(fd, (data,), offset)

    def allocate(self, fd: int, offset: int, length: int) -> None:
        del fd, offset, length
        raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))

    def truncate(self, fd: int, size: int) -> None:
        if self.cannot_truncate:
            raise OSError(self.error, os.strerror(self.error))
        super().truncate(fd, size)

    def sync(self, fd: int) -> None:
        if self.cannot_sync:
            raise OSError(self.error, os.strerror(self.error))
        super().sync(fd)

    def sync_directory(self, path: Path) -> None:
        if self.cannot_sync_directory:
            raise OSError(self.error, os.strerror(self.error))
        super().sync_directory(path)


class FullDisk(CutDisk):
    """A disk that is full from step number `stop_at` on, of which the first `keep` bytes arrive, until there is room.

    Only what needs room fails: a file that is made, a write, an allocation.
    """

    def __init__(self, stop_at: int, keep: int = 0) -> None:
        super().__init__()
        self._full_at = stop_at
        self._keeps = keep
        self.has_room = False
        self.refused = 0
        """How often it had no room."""

    def open(self, path: Path) -> int:
        if not path.exists():
            self._ask_room()
        return super().open(path)

    def make_directory(self, path: Path) -> None:
        if not path.exists():
            self._ask_room()
        super().make_directory(path)

    def write(self, fd: int, parts: Sequence[Raw], offset: int) -> int:
        data = b"".join(parts)
        if offset + len(data) > os.fstat(fd).st_size:  # else it has its room already
            try:
                self._ask_room()
            except OSError:
                if not self._keeps:
                    raise
                kept, self._keeps = data[: self._keeps], 0
                return super().write(fd, (kept,), offset)
        return super().write(fd, (data,), offset)

    def allocate(self, fd: int, offset: int, length: int) -> None:
        self._ask_room()
        super().allocate(fd, offset, length)

    def _ask_room(self) -> None:
        if not self.has_room and len(self.steps) >= self._full_at:
            self.refused += 1
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


PAGE: Final = 128
"""Bytes that reach the medium together, in `PowerDisk`: fewer than any system's, so that small files have many."""


class PowerDisk(Disk):
    """A disk that knows what is on the medium: what was flushed, and of the rest what happens to have been written.

    `after_power_loss` is what a directory holds when the power comes back. Nothing that was not flushed can be relied
    on: each page is as it was at any moment since, whatever became of its neighbours, and files that were made or
    removed may be there or not.
    """

    def __init__(self) -> None:
        self._paths: dict[int, Path] = {}
        self._flushed: dict[Path, bytes] = {}
        """Content on the medium of every file whose name may be there."""
        self._since: dict[Path, list[tuple[int, bytes]]] = {}
        """What was written after that: offset and data. Nothing is cut off before it is flushed."""
        self._named: set[Path] = set()
        """Files whose names are on the medium."""

    def open(self, path: Path) -> int:
        fd = super().open(path)
        self._paths[fd] = path
        self._flushed.setdefault(path, b"")
        self._since.setdefault(path, [])
        return fd

    def write(self, fd: int, parts: Sequence[Raw], offset: int) -> int:
        data = b"".join(parts)
        self._since[self._paths[fd]].append((offset, data))
        return super().write(fd, (data,), offset)

    def allocate(self, fd: int, offset: int, length: int) -> None:
        self._since[self._paths[fd]].append((offset, bytes(length)))
        super().allocate(fd, offset, length)

    def sync(self, fd: int) -> None:
        path = self._paths[fd]
        self._flushed[path], self._since[path] = path.read_bytes(), []

    def sync_directory(self, path: Path) -> None:
        for file in self._flushed:
            if file.parent == path:
                (self._named.add if file.exists() else self._named.discard)(file)

    def after_power_loss(self, root: Path, rng: random.Random) -> Snapshot:
        luck = rng.choice((0.0, 0.3, 0.7, 1.0))
        files = {}
        for path, flushed in self._flushed.items():
            was_there, is_there = path in self._named, path.exists()
            if was_there if was_there == is_there else is_there == (rng.random() < luck):
                files[path.relative_to(root)] = self._content(flushed, self._since[path], luck, rng)
        return files

    def _content(self, flushed: bytes, since: Sequence[tuple[int, bytes]], luck: float, rng: random.Random) -> bytes:
        end = max([len(flushed), *(offset + len(data) for offset, data in since)])
        moments = [flushed.ljust(end, b"\0")]
        for offset, data in since:
            before = moments[-1]
            moments.append(before[:offset] + data + before[offset + len(data) :])
        pages = []
        for at in range(0, end, PAGE):
            moment = moments[-1] if luck == 1 else rng.choice(moments) if rng.random() < luck else moments[0]
            pages.append(moment[at : at + PAGE])
        content = b"".join(pages)
        return content[: rng.choice((end, max(len(flushed), len(content.rstrip(b"\0")))))]


def cuts(steps: Sequence[int], every: int = 32) -> Iterator[tuple[int, int]]:
    """Every (step, bytes of it that arrive) worth a test: none, each `every`th byte, all."""
    for step, size in enumerate(steps):
        for keep in sorted({*range(0, size, every), size}):
            yield step, keep


def abandon(store: Store) -> None:
    """What the system does to the files of a killed process: closes them."""
    for callback in (store._headers._file, store._blocks._current, store._blocks._index._file, store._lock):
        if callback is not None:
            callback.close()
    store._open.pop_all()


@dataclass(frozen=True)
class AddHeaders:
    raw: bytes
    """A linked run."""


@dataclass(frozen=True)
class PutBlock:
    hash: Hash
    raw: bytes


@dataclass(frozen=True)
class MarkInvalid:
    hash: Hash


@dataclass(frozen=True)
class Prune:
    keep_from: int
    """Height of the lowest block that may not go."""


@dataclass(frozen=True)
class Flush:
    """Wait for the medium."""


Action: TypeAlias = AddHeaders | PutBlock | MarkInvalid | Prune | Flush


@dataclass
class Script:
    """Actions of a sync, each of which does nothing when the store shows that it was done."""

    network: Network
    actions: Sequence[Action]
    prune: int | None = None
    """Bytes of blocks that the store keeps."""
    reported: list[Action] = field(default_factory=list)
    """Those whose call has returned."""

    def open(self, path: Path, disk: Disk | None = None) -> Store:
        """By default on a disk that never dies, and does not wait for the medium either."""
        return Store.open(path, self.network, disk=disk or CutDisk(), prune=self.prune)

    def run(self, store: Store) -> None:
        for action in self.actions:
            match action:
                case AddHeaders(raw):
                    self._add_headers(store, raw)
                case PutBlock(block_hash, raw):
                    if not _is_pruned(store, block_hash):
                        store.put_block(block_hash, raw)
                case MarkInvalid(block_hash):
                    self._mark_invalid(store, block_hash)
                case Prune(keep_from):
                    store.prune(keep_from)
                case Flush():
                    store.sync()
            self.reported.append(action)

    def _add_headers(self, store: Store, raw: bytes) -> None:
        size = self.network.rules.header_size
        records = [raw[at : at + size] for at in range(0, len(raw), size)]
        new = b"".join(record for record in records if store.tree.find(self._hash(record)) is None)
        if new:
            store.tree.restore(new)
            store.append_headers(new)

    def _mark_invalid(self, store: Store, block_hash: Hash) -> None:
        position = store.tree.find(block_hash)
        assert position is not None, "a script marks what it added"
        if store.tree.is_valid(position):
            store.tree.invalidate(position)
            store.mark_invalid(block_hash)

    def _hash(self, header: bytes) -> Hash:
        return self.network.rules.parse_header(header).hash

    def check(self, store: Store) -> None:
        """Assert that `store` has all that was reported, and nothing that was never given to it."""
        size = self.network.rules.header_size
        for action in self.reported:
            match action:
                case AddHeaders(raw):
                    assert store.tree.find(self._hash(raw[-size:])) is not None
                case PutBlock(block_hash, raw):
                    assert store.get_block(block_hash) == raw or _is_pruned(store, block_hash)
                case MarkInvalid(block_hash):
                    position = store.tree.find(block_hash)
                    assert position is not None
                    assert not store.tree.is_valid(position)
        assert store.pruned_below <= max(
            (action.keep_from for action in self.actions if isinstance(action, Prune)), default=0
        )
        given = {action.hash: action.raw for action in self.actions if isinstance(action, PutBlock)}
        for position in store.stored_positions():
            assert store.get_block(position) == given[store.tree.hash(position)]


def _is_pruned(store: Store, block_hash: Hash) -> bool:
    """Whether a sync would do without this block."""
    position = store.tree.find(block_hash)
    return position is not None and store.tree.height(position) < store.pruned_below


def final_state(store: Store, keep_from: int = 0) -> tuple[object, ...]:
    """All that matters of a store, in a form that compares; positions are left out, they are order of arrival.

    Of blocks those from a height on: which of the others were pruned is a matter of how they came to lie.
    """
    tree = store.tree
    kept = [position for position in store.stored_positions() if tree.height(position) >= keep_from]
    blocks = frozenset((tree.hash(position), store.get_block(position)) for position in kept)
    condemned = frozenset(tree.hash(position) for position in range(len(tree)) if not tree.is_valid(position))
    headers = frozenset(map(tree.header, range(len(tree))))
    return tree.tip, headers, condemned, blocks


def live(path: Path, script: Script, disk: Disk) -> bool:
    """One life of a process: open the store, run the script, close. False when the disk died under it."""
    try:
        store = script.open(path, disk)
    except Killed:
        return False
    try:
        script.run(store)
    except Killed:
        abandon(store)
        return False
    try:
        store.close()
    except Killed:
        return False
    return True


def snapshot(path: Path) -> Snapshot:
    """The files below `path`, by their names in it."""
    return {file.relative_to(path): file.read_bytes() for file in path.rglob("*") if file.is_file()}


def restore(path: Path, files: Snapshot) -> Path:
    """Put the files of a snapshot below `path`, which must not exist; returns it."""
    for name, content in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(content)
    return path
