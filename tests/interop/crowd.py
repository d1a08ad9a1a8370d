"""A crowd of serving headway nodes on loopback, each a process of its own that can be killed: `python -m
tests.interop.crowd DIRECTORY WAIT`.

This process imports headway once and forks, so that a peer costs milliseconds and not a second. Orders come and are
answered as `programs.Servant` says. All serve one directory, read-only, and wait WAIT seconds before each block until
they are told to hurry. Every peer ends with this process, and this process with its stdin. Used by `test_churn`.
"""

from __future__ import annotations

import asyncio
import json
import mmap
import os
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from headway.aio.node import Node
from headway.network import Network
from headway.networks.bitcoin import REGTEST
from headway.store import Store
from headway.types import Address
from tests.data import REPOSITORY
from tests.interop.programs import Servant


class Crowd(Servant):
    """The forking process, and its peers by their addresses."""

    def __init__(self, directory: Path, wait: float) -> None:
        argv = [sys.executable, "-m", "tests.interop.crowd", str(directory), str(wait)]
        super().__init__("crowd", argv, cwd=REPOSITORY)

    def handle_started(self) -> None:
        self.answer()

    def start(self, number: int) -> Address:
        """The peer of this number, 1 to 254. Returns where, once it listens."""
        # A host of its own: the port of one that is down at 127.0.0.1 may be given to somebody's outgoing connection.
        host = f"127.{64 + self.pid // 250 % 64}.{self.pid % 250}.{number}"
        return Address.parse(self.order("start", host=host, port=0)["address"])

    def restart(self, address: Address) -> None:
        """One that was killed, where it was."""
        self.order("start", host=address.host, port=address.port)

    def kill_peer(self, address: Address) -> None:
        """It is gone when this returns: SIGKILL."""
        self.order("kill", address=str(address))

    def hurry(self) -> None:
        """Nobody waits any more before a block."""
        self.order("hurry")


class SlowStore(Store):
    """A store that waits before each block, as long as the byte that all peers share is 0."""

    wait = 0.0
    hurry: mmap.mmap

    def get_block(self, block: int | bytes) -> bytes | None:
        if not self.hurry[0]:
            threading.Event().wait(self.wait)  # only this thread, the one that reads blocks
        return super().get_block(block)


async def serve(directory: Path, wait: float, hurry: mmap.mmap, at: Address, alive: int) -> None:
    """Be one peer, until killed or until nobody holds the other end of `alive`."""

    def open_store(path: Path, network: Network) -> Store:
        store = SlowStore.open(path, network, readonly=True)
        store.wait, store.hurry = wait, hurry
        return store

    async with Node(network=REGTEST, peers=0, datadir=directory, bind=at, open_store=open_store) as node:
        answer(address=str(node.listening))
        orphaned = asyncio.Event()
        asyncio.get_running_loop().add_reader(alive, orphaned.set)
        await orphaned.wait()
        os._exit(0)


def answer(**what: object) -> None:
    sys.stdout.write(f"@ {json.dumps(what)}\n")
    sys.stdout.flush()


def main(arguments: Sequence[str]) -> None:
    directory, wait = Path(arguments[0]), float(arguments[1])
    hurry = mmap.mmap(-1, 1)
    alive, held = os.pipe()
    peers: dict[str, int] = {}  # process by address
    answer()
    for line in sys.stdin:
        match json.loads(line):
            case {"order": "start", "host": host, "port": port}:
                heard, said = os.pipe()
                pid = os.fork()
                if not pid:
                    os.close(held)
                    os.close(heard)
                    os.dup2(said, sys.stdout.fileno())
                    asyncio.run(serve(directory, wait, hurry, Address(host, port), alive))
                os.close(said)
                with os.fdopen(heard, encoding="ascii") as words:
                    first = json.loads(words.readline().removeprefix("@ ") or '{"error": "the peer did not start"}')
                if "address" in first:
                    peers[first["address"]] = pid
                answer(**first)
            case {"order": "kill", "address": address}:
                pid = peers.pop(address)
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
                answer()
            case {"order": "hurry"}:
                hurry[0] = 1
                answer()
            case order:
                answer(error=f"there is no order {order}")


if __name__ == "__main__":
    main(sys.argv[1:])
