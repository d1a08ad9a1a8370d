"""The data directory of one network: headers, blocks and a lock, as one object.

    D/headers.bin          the header log (`headers`)
    D/blocks/blk00000.dat  the blocks, in Core's framing (`blocks`)
    D/blocks/index.bin     where each block lies (`index`)
    D/headway.lock         held by the one writer (`lock`)

What a call has written survives a kill of the process at any instant (it is in the page cache). What survives a loss of
power is a matter of `Durability`. One thread at a time may write; `get_block` and `has_block` may be called from
others. Not here: which headers and blocks are right, and when to store them. Called by `aio` and `cli`.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Final

from headway.chain import records
from headway.chain.headers import HeaderTree
from headway.errors import StoreError
from headway.network import Headers
from headway.store.blocks import MAX_FILE_SIZE, BlockFiles
from headway.store.disk import DamagedFile, Disk, Durability, failure, sync_directory
from headway.store.headers import HeaderLog, Kind
from headway.store.lock import Lock

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path
    from types import TracebackType
    from typing import Self

    from headway.network import Network
    from headway.types import Hash, Height, Raw

HEADERS_NAME = "headers.bin"
BLOCKS_NAME = "blocks"
PRUNED_FILES: Final = 8
"""Files into which a pruned directory is divided at least: pruning removes whole ones."""


class Store:
    """An open data directory, made by `open`. Every method may raise StoreError, whose message says what to do."""

    tree: HeaderTree
    """The headers as the log has them, invalid ones marked. From here on it is the owner's; appends do not touch it."""
    repairs: tuple[str, ...]
    """What a kill or damage had left behind and was put right at open, one sentence each."""

    def __init__(
        self, path: Path, network: Network, disk: Disk, *, readonly: bool, durability: Durability, prune: int | None
    ) -> None:
        self.path = path
        self.prune_size = prune
        """Bytes of blocks that are kept, about; None: all."""
        self._network = network
        self._parser = network.codec.parser
        self._disk = disk
        self._durability = durability
        self._has_new_names = True  # of files, and of the directory itself
        self._lost = 0  # bytes of headers behind damage, cut off
        with ExitStack() as stack:  # what was opened is closed again when a later step fails
            if readonly:
                _require(path)
            else:
                _make(path, disk)
                self._lock = Lock(path, disk)
                stack.callback(self._lock.close)
            self._headers = HeaderLog(path / HEADERS_NAME, network, disk, readonly=readonly)
            stack.callback(self._headers.close)
            self._blocks = BlockFiles(
                path / BLOCKS_NAME,
                network,
                disk,
                readonly=readonly,
                durability=durability,
                file_size=max(prune // PRUNED_FILES, 1) if prune else MAX_FILE_SIZE,
            )
            stack.callback(self._blocks.close)
            self.tree = self._restored(HeaderTree(network), readonly=readonly)
            self._blocks.load(self.tree.find, self.tree.height)
            self.repairs = tuple(self._repairs())
            if not readonly:
                self._headers.cut_torn()
                stack.callback(self.sync)
            self._open = stack.pop_all()

    @classmethod
    def open(
        cls,
        path: Path,
        network: Network,
        *,
        readonly: bool = False,
        durability: Durability = Durability.BATCH,
        prune: int | None = None,
        disk: Disk | None = None,
    ) -> Self:
        """Open the directory of `network` at `path`.

        For writing: it is made when absent, locked, and what a kill left torn is cut off. `readonly`: it must be there,
        no lock is taken and nothing is changed, so that it may be read while another process writes. `prune`: bytes of
        blocks to keep, about, when `prune` is called. Raises StoreError: locked by another process, of another network,
        of another format, damaged beyond what can be fetched again, unreadable.
        """
        return cls(path, network, disk or Disk(), readonly=readonly, durability=durability, prune=prune)

    @property
    def pruned_below(self) -> Height:
        """No block below this height need be there: it was pruned. 0 when none was."""
        return self._blocks.pruned_below

    def append_headers(self, raw: Raw) -> tuple[int, ...]:
        """Keep headers that have just joined the tree, as records in that order (`Added.raw`): a linked run.

        Returns the positions of those whose blocks are stored already: their headers had been lost.
        """
        if not len(raw):
            return ()
        self._headers.append_headers(raw)
        if self._durability is Durability.BLOCK:
            self._flush_headers()
        return tuple(self._recognised(raw)) if self._blocks.has_unknown else ()

    def get_headers(self, positions: Iterable[int]) -> Headers:
        """Stored headers, whole, by their positions in the tree: for chains whose tree keeps only a part of each."""
        raws = [self._headers.read_header(position - 1) for position in positions]  # the root is not in the log
        return Headers.joined(raws, self._parser)

    def mark_invalid(self, block_hash: Hash) -> None:
        """Keep it that this block, and what follows it, is invalid. Its header must have been appended before."""
        self._headers.append_invalid(block_hash)
        if self._durability is Durability.BLOCK:
            self._flush_headers()

    def put_block(self, block: int | Hash, raw: Raw) -> None:
        """Keep a verified block, by its header's position in the tree or its hash. It is stored when this returns."""
        position = self._position(block)
        if position is None:
            raise StoreError("a block whose header is not in the tree cannot be stored")
        self._blocks.put(position, self.tree.hash(position), raw)

    def get_block(self, block: int | Hash) -> bytes | None:
        """The raw block, None when it is not stored. Raises DamagedFile when it is not what was stored any more."""
        position = self._position(block)
        return None if position is None else self._blocks.get(position)

    def has_block(self, block: int | Hash) -> bool:
        position = self._position(block)
        return position is not None and position in self._blocks

    def drop_block(self, block: int | Hash) -> None:
        """Let a block that is damaged count as not stored, so that it can be put again."""
        if (position := self._position(block)) is not None:
            self._blocks.drop(position)

    def drop_gone(self) -> int:
        """The same for all blocks whose files are gone; returns how many. Until then they come back with their file."""
        return self._blocks.drop_gone()

    def stored_positions(self) -> Iterator[int]:
        """Positions in the tree of the stored blocks, rising."""
        return self._blocks.positions()

    def prune(self, keep_from: Height) -> None:
        """Remove the oldest blk files while there are more bytes than wanted, none with a block from this height up."""
        if self.prune_size is not None:
            self._blocks.prune(self.prune_size, keep_from)

    def sync(self) -> None:
        """Wait until everything is on the medium: it then survives a loss of power. Not where nobody waits for that."""
        if self._durability is not Durability.NONE:
            self._flush_headers()
        self._blocks.sync()

    def close(self) -> None:
        """`sync`, and give the directory free. The store cannot be used any more; a second call does nothing."""
        self._open.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _flush_headers(self) -> None:
        self._headers.sync()
        if self._has_new_names:
            for directory in (self.path, self.path.parent):
                sync_directory(directory, self._disk)
            self._has_new_names = False

    def _position(self, block: int | Hash) -> int | None:
        return block if isinstance(block, int) else self.tree.find(block)

    def _restored(self, tree: HeaderTree, *, readonly: bool) -> HeaderTree:
        try:
            self._replay(tree)
        except DamagedFile:
            if readonly:
                raise
            self._lost = self._headers.cut_damaged()
        return tree

    def _replay(self, tree: HeaderTree) -> None:
        for batch in self._headers.replay():
            if batch.kind is Kind.HEADERS:
                try:
                    tree.restore(batch.payload)
                except ValueError as error:
                    raise self._senseless(batch.offset, str(error)) from error
            elif position := tree.find(batch.payload):
                tree.invalidate(position)
            else:
                raise self._senseless(batch.offset, "an invalid block whose header is not there")

    def _recognised(self, raw: Raw) -> Iterator[int]:
        for header in records.unpack(raw, self._network):
            position = self.tree.find(header.hash)
            if position is not None and self._blocks.recognise(header.hash, position):
                yield position

    def _senseless(self, offset: int, reason: str) -> StoreError:
        return StoreError(
            f"{self._headers.path} does not make sense at byte {offset}: {reason}. "
            "Move it away and run `headway sync` again: headers are fetched anew"
        )

    def _repairs(self) -> Iterator[str]:
        if self._headers.was_damaged or self._blocks.was_damaged:
            yield "wrote the damaged beginning of a file anew"
        if self._lost:
            yield f"{self._headers.path} was damaged: its last {self._lost} bytes of headers will be fetched again"
        if self._headers.torn:
            yield f"cut {self._headers.torn} bytes of an unfinished write off {self._headers.path}"
        if self._blocks.torn:
            yield f"cut {self._blocks.torn} bytes of an unfinished write off the files in {self.path / BLOCKS_NAME}"
        if self._blocks.passed_over:
            yield f"{self._blocks.passed_over} stored blocks are missing or damaged on disk and will be fetched again"


def _make(path: Path, disk: Disk) -> None:
    try:
        disk.make_directory(path / BLOCKS_NAME)
    except OSError as error:
        raise failure("open", path, error) from error


def _require(path: Path) -> None:
    try:
        found = (path / HEADERS_NAME).is_file()
    except OSError as error:
        raise failure("read", path, error) from error
    if not found:
        raise StoreError(f"{path} is no data directory of headway: there is no {HEADERS_NAME} in it")
