"""The prepared source: a process that serves a chain from memory, its messages framed before anybody connects.

    python -m bench.source --headers FILE | --blocks FILE | --flood KIND --count N      prints `listening PORT`

Then each line on stdin is answered by one: CPU seconds that it has used since. It ends when stdin does. One thread a
connection; the frames are the same bytes for all of them. It knows the handshake, ping, getheaders, getdata and mempool
(whose answer is the flood: N small messages of one kind), and nothing of faults: it is no node.
"""

from __future__ import annotations

import argparse
import random
import socket
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from bench.chains import read_blocks
from headway.kernel import header_hashes
from headway.networks.bitcoin import REGTEST
from headway.testing.payment import choose_shapes
from headway.types import Address, Hash, Raw, Services
from headway.wire.messages import (
    Block,
    GetData,
    GetHeaders,
    Headers,
    Inv,
    InvEntry,
    InvType,
    MemPool,
    Message,
    Ping,
    Pong,
    Tx,
    Unknown,
    Verack,
    Version,
)

MAX_HEADERS: Final = REGTEST.limits.max_headers
READ_SIZE: Final = 65_536
JOINED: Final = 200_000
"""Bytes of a block below which its frame is one piece. A larger one stays in its file, and only what goes before it is
here: for so many bytes one more call is nothing."""
KINDS: Final = ("ping", "inv", "tx")
"""What a flood may be of: what is answered, what is announced, what is relayed."""
END: Final = Unknown("end", b"")
"""The last message of a flood."""


class Chain:
    """A chain as the frames that carry it."""

    def __init__(self, headers: bytes = b"", blocks: Sequence[Raw] = (), flood: Raw = b"") -> None:
        genesis = header_hashes(REGTEST.rules.genesis, 80)
        hashes = genesis + header_hashes(headers, 80)
        self._height = {hashes[at : at + 32]: at // 32 for at in range(0, len(hashes), 32)}
        self._headers = headers
        self._prepared = {at: self._frame_after(at) for at in range(0, len(self._height), MAX_HEADERS)}
        self._blocks = {
            hashes[at : at + 32]: _block_frame(raw) for at, raw in zip(range(32, len(hashes), 32), blocks, strict=False)
        }
        self.height = len(self._height) - 1
        self.flood = flood

    def headers_after(self, hashes: list[Hash]) -> Raw:
        """The frame that answers a locator."""
        start = next((self._height[each] for each in hashes if each in self._height), 0)
        return self._prepared.get(start) or self._frame_after(start)

    def block(self, block_hash: Hash) -> Sequence[Raw]:
        """The frame of a block, in one piece or two."""
        return self._blocks[block_hash]

    def _frame_after(self, height: int) -> Raw:
        raw = self._headers[height * 80 : (height + MAX_HEADERS) * 80]
        return frame(Headers.fixed(raw, REGTEST.codec.parser, size=80))


def frame(message: Message) -> bytes:
    return b"".join(REGTEST.codec.open(inbound=True).encode(message))


def _block_frame(raw: Raw) -> Sequence[Raw]:
    chunks = REGTEST.codec.open(inbound=True).encode(Block(raw, REGTEST.codec.parser))
    return [b"".join(chunks)] if len(raw) < JOINED else chunks


def serve(connection: socket.socket, chain: Chain) -> None:
    """Answer one remote until it goes."""
    wire = REGTEST.codec.open(inbound=True)
    with connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            while data := connection.recv(READ_SIZE):
                wire.receive_data(data)
                for frame in wire.frames():
                    _answer(wire.decode(frame), connection, chain)
        except OSError:
            return  # it has gone, and wants no more


def _answer(message: Message, connection: socket.socket, chain: Chain) -> None:
    match message:
        case Version():
            ours = Version(
                70016,
                Services.NETWORK | Services.WITNESS,
                int(time.time()),
                1,
                "/source/",
                chain.height,
                remote=Address("127.0.0.1", 1),
                local=Address("127.0.0.1", 1),
            )
            connection.sendall(frame(ours) + frame(Verack()))
        case GetHeaders():
            connection.sendall(chain.headers_after([block.hash for block in message.locator]))
        case GetData():
            for entry in message.entries:
                for piece in chain.block(entry.hash):
                    connection.sendall(piece)
        case MemPool():
            connection.sendall(chain.flood)
        case Ping():
            connection.sendall(frame(Pong(message.nonce)))
        case _:
            pass


def flood(kind: str, count: int) -> bytes:
    """`count` messages of a kind, no two of them alike, and END; framed."""
    rng = random.Random(kind)
    return b"".join(frame(_small(kind, rng)) for _ in range(count)) + frame(END)


def _small(kind: str, rng: random.Random) -> Message:
    match kind:
        case "ping":
            return Ping(rng.getrandbits(64))
        case "inv":
            return Inv((InvEntry(InvType.WTX, rng.randbytes(32)),))
        case "tx":
            return Tx(choose_shapes(1, rng)[0].make(rng), REGTEST.codec.parser)
        case _:
            raise ValueError(f"no flood of {kind}")


def _chain(arguments: argparse.Namespace) -> Chain:
    if arguments.flood:
        return Chain(flood=flood(arguments.flood, arguments.count))
    if arguments.headers:
        return Chain(arguments.headers.read_bytes())
    blocks = list(read_blocks(arguments.blocks))
    return Chain(b"".join(raw[:80] for raw in blocks), blocks)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--headers", type=Path)
    parser.add_argument("--blocks", type=Path)
    parser.add_argument("--flood", choices=KINDS)
    parser.add_argument("--count", type=int, default=1)
    chain = _chain(parser.parse_args())
    listener = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=_accept, args=(listener, chain), daemon=True).start()
    print("listening", listener.getsockname()[1], flush=True)
    before = time.process_time()
    for _ in sys.stdin:
        print(time.process_time() - before, flush=True)


def _accept(listener: socket.socket, chain: Chain) -> None:
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=serve, args=(connection, chain), daemon=True).start()


if __name__ == "__main__":
    main()
