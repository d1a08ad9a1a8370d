"""One peer of the demo, a process of its own: `python -m headway.cli.demo.peer DIRECTORY FAMILY FAULT AFTER`.

It is the node that `headway serve` runs, over a store that has a fault: the store is the only thing that differs. Says
where it listens on stdout, and ends when its stdin does, so that it never outlives the demo. Started by `network`.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Final

from headway.aio.node import Node
from headway.cli.demo.family import FAMILIES
from headway.store import Store
from headway.types import Address

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headway.network import Network
    from headway.types import Hash
    from headway.wire.objects import Parser

ANY_PORT: Final = Address("127.0.0.1", 0)


class Fault(StrEnum):
    """What a peer does wrong once it has served its first blocks."""

    NONE = "none"
    STALL = "stall"
    """It answers everything but questions for blocks."""
    CORRUPT = "corrupt"
    """One block that it sends is not as it was."""
    LEAVE = "leave"
    """It is gone, like a process that was killed."""


class FaultyStore(Store):
    """A store that reads `after` blocks as it should."""

    fault = Fault.NONE
    after = 0
    reads = 0

    def get_block(self, block: int | Hash) -> bytes | None:
        raw = super().get_block(block)
        self.reads += 1
        if self.reads <= self.after:
            return raw
        match self.fault:
            case Fault.STALL:
                threading.Event().wait()  # for ever; only this thread, the one that reads blocks, waits
            case Fault.LEAVE:
                os._exit(0)
            case Fault.CORRUPT if raw is not None and self.reads == self.after + 1:
                return corrupted(raw, self._parser)
            case _:
                pass
        return raw


def corrupted(raw: bytes, parser: Parser) -> bytes:
    """The block with one bit changed, in the third byte of its first transaction: on every chain that we know an id
    covers it (of Bitcoin's it is the version, of Neo's the nonce). What stands last it need not cover."""
    first: bytes = parser.transactions(raw)[0].raw
    at = raw.index(first) + 2
    return raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :]


async def serve(directory: Path, network: Network, fault: Fault, after: int) -> None:
    def open_store(path: Path, network: Network) -> Store:
        store = FaultyStore.open(path, network, readonly=True)  # so that several peers can serve one directory
        store.fault, store.after = fault, after
        return store

    async with Node(network=network, peers=0, datadir=directory, bind=ANY_PORT, open_store=open_store) as node:
        print(node.listening, flush=True)
        await asyncio.to_thread(sys.stdin.buffer.read)
        os._exit(0)  # there is nothing to save, and a reader that stalls would let nobody close its store


def main(arguments: Sequence[str]) -> None:
    directory, family, fault, after = arguments
    asyncio.run(serve(Path(directory), FAMILIES[family]().network, Fault(fault), int(after)))


if __name__ == "__main__":
    main(sys.argv[1:])
