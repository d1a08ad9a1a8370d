"""neo-mamba 2.7.0 at work, in a process and an environment of its own: a client of Neo N3, and a codec to compare with.

Run by `mamba.Mamba` only, with the Python of `.cache/nodes/mamba`: nothing of headway can be imported here. Orders are
lines of JSON on stdin, each answered by a line `@ JSON` on stdout. neo-mamba has no header synchronisation of its own
and checks no signature: this asks for headers and blocks by height, in batches, and hands on what it makes of them.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import logging
import sys
import traceback
from collections.abc import Awaitable, Callable
from typing import Any

from neo3.core import msgrouter
from neo3.network.message import Message, MessageType
from neo3.network.node import NeoNode
from neo3.network.payloads.block import Block, Header
from neo3.settings import settings

HEADERS = 2_000
"""Headers of one getheaders: what neo-go and the C# node give at most."""
BLOCKS = 500
"""Blocks of one getblockbyindex: what neo-go and the C# node give at most."""
PATIENCE = 20.0
"""Seconds without a single new header or block before it gives up."""

Fields = dict[str, Any]

payloads: Any = importlib.import_module("mamba_payloads")  # the file beside this one: there is no package here


def header_fields(header: Header) -> Fields:
    return {
        "hash": str(header.hash()),
        "prev": str(header.prev_hash),
        "merkle": str(header.merkle_root),
        "timestamp": header.timestamp,
        "nonce": header.nonce,
        "height": header.index,
        "primary": header.primary_index,
        "next_consensus": header.next_consensus.to_array().hex(),
        "invocation": header.witness.invocation_script.hex(),
        "verification": header.witness.verification_script.hex(),
        "again": header.to_array().hex(),
    }


def block_fields(block: Block) -> Fields:
    transactions = [str(transaction.hash()) for transaction in block.transactions]
    return header_fields(block.header) | {"transactions": transactions, "again": block.to_array().hex()}


class Client:
    """One connection of neo-mamba, and the orders that need it."""

    def __init__(self) -> None:
        self._arrived: asyncio.Queue[list[Any]] = asyncio.Queue()
        msgrouter.on_headers += lambda _, headers: self._arrived.put_nowait(list(headers))
        msgrouter.on_block += lambda _, block: self._arrived.put_nowait([block])
        msgrouter.on_node_disconnected += lambda _, reason: self._reasons.append(reason.name)
        self._reasons: list[str] = []

    async def connect(self, *, port: int, magic: int) -> Fields:
        """Shake hands, and tell what the peer's version said; or why neo-mamba closed the connection."""
        settings.network.magic = magic
        node, failure = await NeoNode.connect_to("127.0.0.1", port)
        if node is None:
            return {"refused": self._reasons or failure[1]}
        self._node = node
        node.start_message_handler()
        return {"peer": node.version.user_agent, "height": node.best_height}

    async def ping(self) -> Fields:
        """The height that a ping brings."""
        pong: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        # it has no event for a pong
        self._node.dispatch_table[MessageType.PONG] = lambda message: pong.set_result(message.payload.current_height)
        await self._node.send_ping()
        return {"height": await asyncio.wait_for(pong, PATIENCE)}

    async def headers(self, *, first: int, last: int) -> Fields:
        """Bring the headers from `first` to `last`."""
        headers = await self._bring(self._node.request_headers, HEADERS, first, last)
        return {"hashes": [str(header.hash()) for header in headers]}

    async def blocks(self, *, first: int, last: int) -> Fields:
        """Bring the blocks from `first` to `last`."""
        blocks = await self._bring(self._node.request_block_data, BLOCKS, first, last)
        return {
            "hashes": [str(block.hash()) for block in blocks],
            "transactions": sum(len(block.transactions) for block in blocks),
        }

    async def _bring(self, ask: Callable[[int, int], Awaitable[None]], most: int, first: int, last: int) -> list[Any]:
        brought: list[Any] = []
        while len(brought) <= last - first:
            wanted = min(most, last - first + 1 - len(brought))
            await ask(first + len(brought), wanted)
            while wanted > 0:
                items = await asyncio.wait_for(self._arrived.get(), PATIENCE)
                brought += items
                wanted -= len(items)
        heights = [item.index for item in brought]
        assert heights == list(range(first, last + 1)), heights
        return brought

    async def decode(self, *, kind: str, data: str) -> Fields:
        """How neo-mamba reads a header, a block or a message, and what it writes for what it read."""
        raw = bytes.fromhex(data)
        if kind == "header":
            return header_fields(Header.deserialize_from_bytes(raw))
        if kind == "block":
            return block_fields(Block.deserialize_from_bytes(raw))
        message = Message.deserialize_from_bytes(raw)
        return {"type": int(message.type), "payload": message.payload.to_array().hex()}

    async def read(self, *, command: str, data: str) -> Fields:
        """How it reads a payload, field by field, and what it writes for what it read; or why it refuses it."""
        return dict(payloads.read(command, bytes.fromhex(data)))

    async def make(self, *, command: str, seed: int) -> Fields:
        """A payload of its own making, field by field, and its frame."""
        return dict(payloads.make(command, seed))


def answer(value: Fields) -> None:
    print("@", json.dumps(value), flush=True)  # noqa: T201  stdout is how it answers


async def main() -> None:
    logging.basicConfig(level=logging.DEBUG)  # to stderr: neo-mamba tells there alone why it refused something
    client = Client()
    answer({})
    while line := await asyncio.to_thread(sys.stdin.readline):
        order = json.loads(line)
        try:
            answer(await getattr(client, order.pop("order"))(**order))
        except Exception:  # noqa: BLE001  whatever it is, the test shows it
            answer({"error": traceback.format_exc()})


if __name__ == "__main__":
    asyncio.run(main())
