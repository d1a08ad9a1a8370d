"""What a node's threads do with its data directory, an order of the machine in one call. Nothing waits for the loop.

Not here: which thread does it, and when. Called by `driver`.
"""

from __future__ import annotations

import functools
import logging
from typing import TYPE_CHECKING, assert_never

from headway.chain.records import Prover
from headway.errors import ConfigError, StoreError
from headway.network import Headers
from headway.node import orders as do
from headway.store import DamagedFile, Durability, Store
from headway.sync.output import WriteBlock, WriteHeaders, WriteInvalid

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from headway.network import Network
    from headway.store.peers import PeerStore
    from headway.types import BookChanges

logger = logging.getLogger(__name__)


def opener(durability: Durability | str, prune: int | None) -> Callable[[Path, Network], Store]:
    """How the data directory is opened, as the user says. Raises ConfigError for what cannot be."""
    try:
        policy = Durability(durability)
    except ValueError:
        known = ", ".join(each.value for each in Durability)
        raise ConfigError(f"durability is one of {known}, not {durability!r}") from None
    if prune is not None and prune < 1:
        raise ConfigError(f"prune is a number of bytes to keep, not {prune}")
    return functools.partial(Store.open, durability=policy, prune=prune)


class Storage:
    """A store, and where the address book is kept. What writes is for one thread, the one that opened both."""

    def __init__(self, network: Network, store: Store, peers: PeerStore | None) -> None:
        self._network = network
        self._store = store
        self._peers = peers
        self._prover = Prover(network.rules)

    def write(self, order: do.Store) -> do.Written | StoreError:
        found: list[int] = []
        try:
            for write in order.writes:
                match write:
                    case WriteHeaders():
                        found += self._store.append_headers(write.raw)
                    case WriteInvalid():
                        self._store.mark_invalid(write.hash)
                    case WriteBlock():
                        self._store.put_block(write.position, write.raw)
                    case _:
                        assert_never(write)
            if order.flush:
                self._store.sync()
            self._store.prune(order.keep_from)
        except StoreError as error:
            return error
        return do.Written(tuple(found), self._store.pruned_below)

    def drop(self, position: int) -> None:
        """Let go of a damaged block, unless it was dropped and put again since it was read. Writes."""
        try:
            self._store.get_block(position)
        except DamagedFile:
            self._store.drop_block(position)

    def save(self, changes: BookChanges) -> StoreError | None:
        """Writes, too."""
        assert self._peers is not None, "only a book that came from there is kept"
        try:
            self._peers.save(changes)
        except StoreError as error:
            logger.warning("the address book is not kept any more in this run: %s", error)
            return error
        return None

    def read(self, position: int) -> bytes | None:
        """A block, None when it is not stored. Raises StoreError."""
        return self._store.get_block(position) if position else self._network.rules.genesis_block

    def read_headers(self, order: do.LoadHeaders) -> Headers:
        """As many as are there, and proved once more."""
        try:
            headers = self._store.get_headers(order.positions)
        except StoreError as error:
            logger.warning("stored headers cannot be read: %s", error)
            headers = Headers(b"", (), (), self._network.codec.parser)
        return self._prover.proven(headers, order.positions, order.context)
