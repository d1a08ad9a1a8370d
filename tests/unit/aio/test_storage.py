"""Orders of the machine, carried out on a data directory."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from pathlib import Path

import pytest

from headway.aio.storage import Storage, opener
from headway.chain.headers import HeaderTree
from headway.errors import ConfigError, StoreError
from headway.node import orders as do
from headway.store import DamagedFile, DiskFull, Store
from headway.store.peers import PeerStore
from headway.sync.output import WriteBlock, WriteHeaders, WriteInvalid
from headway.testing.chain import store_chain
from headway.types import BookChanges
from tests.crashes import FailingDisk
from tests.sealednet import SEALED, sealed_chain
from tests.toynet import GENESIS_BLOCK, HEADER_SIZE, TOYNET, toy_chain, toy_hash

CHAIN = toy_chain(6)
HEADERS = b"".join(block[:HEADER_SIZE] for block in CHAIN)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "data", TOYNET, prune=1) as store:
        yield store


def headers(store: Store) -> WriteHeaders:
    store.tree.restore(HEADERS)  # as the machine has, before it has them written
    return WriteHeaders(1, HEADERS, len(CHAIN))


def block(height: int) -> WriteBlock:
    return WriteBlock(1, height, toy_hash(CHAIN[height - 1]), CHAIN[height - 1])


def test_writes_are_done_in_their_order_and_what_may_go_is_pruned(store: Store) -> None:
    storage = Storage(TOYNET, store, None)
    order = do.Store(1, (headers(store), *map(block, (1, 2, 3, 4)), WriteInvalid(toy_hash(CHAIN[5]))), keep_from=3)
    assert storage.write(order) == do.Written(pruned_below=3)
    assert [storage.read(height) for height in range(5)] == [GENESIS_BLOCK, None, None, CHAIN[2], CHAIN[3]]
    store.close()
    with Store.open(store.path, TOYNET) as again:
        assert (again.tree.tip.height, again.pruned_below) == (5, 3)


def test_a_flush_is_for_the_store_to_do(store: Store) -> None:
    storage = Storage(TOYNET, store, None)
    storage.write(do.Store(1, (headers(store), block(1))))
    size = (store.path / "blocks/index.bin").stat().st_size
    assert storage.write(do.Store(2, (), flush=True)) == do.Written()
    assert (store.path / "blocks/index.bin").stat().st_size > size  # the mark


def test_blocks_whose_headers_had_been_lost_are_told(store: Store) -> None:
    Storage(TOYNET, store, None).write(do.Store(1, (headers(store), block(2), block(5))))
    store.close()
    (store.path / "headers.bin").unlink()
    with Store.open(store.path, TOYNET) as again:
        assert Storage(TOYNET, again, None).write(do.Store(1, (headers(again),))) == do.Written(found=(2, 5))


def test_what_the_disk_does_not_take_is_the_result_and_ends_the_rest(tmp_path: Path) -> None:
    disk = FailingDisk(errno.ENOSPC)
    with Store.open(tmp_path / "data", TOYNET, disk=disk) as store:
        written = headers(store)
        disk.room = 500
        result = Storage(TOYNET, store, None).write(do.Store(1, (written, block(1), block(2), block(3))))
        assert isinstance(result, DiskFull)
        assert store.has_block(1)
        assert not store.has_block(3)


def test_a_damaged_block_is_dropped_and_a_sound_one_is_not(store: Store) -> None:
    storage = Storage(TOYNET, store, None)
    storage.write(do.Store(1, (headers(store), block(1), block(2))))
    file = store.path / "blocks/blk00000.dat"
    content = bytearray(file.read_bytes())
    content[60] ^= 1
    file.write_bytes(content)
    with pytest.raises(DamagedFile):
        storage.read(1)
    for position in (1, 2, 1):
        storage.drop(position)
    assert (storage.read(1), storage.read(2)) == (None, CHAIN[1])


def test_headers_are_read_up_to_the_first_that_is_not_there(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    chain = sealed_chain(4)
    with Store.open(tmp_path, SEALED) as store:
        list(store_chain(store, chain, network=SEALED))
        storage = Storage(SEALED, store, None)
        context = HeaderTree(SEALED).header_context(0)
        whole = [header.raw for header in storage.read_headers(do.LoadHeaders(1, (1, 2, 3, 4), context))]
        assert whole == [SEALED.codec.parser.block_header(block).raw for block in chain]
        store._headers.close()
        assert len(storage.read_headers(do.LoadHeaders(2, (1, 2), context))) == 0
        assert "stored headers cannot be read" in caplog.text
        store._open.pop_all()


def test_an_address_book_is_kept_or_it_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    changes = BookChanges(bytes(range(16)))
    with Store.open(tmp_path, TOYNET) as store:
        with PeerStore.open(tmp_path, TOYNET) as peers:
            storage = Storage(TOYNET, store, peers)
            assert storage.save(changes) is None
        assert isinstance(storage.save(changes), StoreError)
    assert "the address book is not kept any more in this run" in caplog.text


def test_what_cannot_be_a_policy_of_the_store_is_refused(tmp_path: Path) -> None:
    with opener("block", 1)(tmp_path / "new", TOYNET) as store:
        assert store.tree.tip.height == 0
    with pytest.raises(ConfigError, match="durability is one of none, batch, block, not 'always'"):
        opener("always", None)
    with pytest.raises(ConfigError, match="prune is a number of bytes to keep, not 0"):
        opener("none", 0)
