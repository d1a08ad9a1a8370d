"""Other Python libraries at the work of the benchmarks. Called by `bench.processes`, in an environment without headway:

    python library.py btclib|python-bitcoinlib headers PORT COUNT           from the prepared source, COUNT at least
    python library.py btclib|python-bitcoinlib blocks PORT BYTES
    python library.py btclib|python-bitcoinlib parse FILE                   as `bcoin.js`

Prints one JSON object: measure -> value. They have no peer of their own: a bare client receives, and the library reads
the message, hashes, and checks work, link and merkle root with what it offers for that.
"""

# ruff: noqa: PLC0415  (a library is imported only when it is asked for)
# mypy: disable-error-code="import-not-found, import-untyped"

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

from bench.client import FRAME, GENESIS, MAX_HEADERS, Client, count_at


class Library(NamedTuple):
    """What the benchmarks ask of a library. Each raises for what it finds wrong."""

    read_headers: Callable[[bytes, bytes], bytes]
    """From a headers message, whole, and the hash before its first; returns the hash of its last."""
    read_block: Callable[[bytes], None]
    """From a block message, whole."""
    check_block: Callable[[bytes], None]
    """Parse a raw block of mainnet and check what it proves by itself."""


def btclib() -> Library:
    from btclib.block import Block
    from btclib.p2p.data import BlockPayload
    from btclib.p2p.inventory import Headers
    from btclib.p2p.message import Message

    limit = bytes.fromhex("207fffff")

    def read_headers(message: bytes, last: bytes) -> bytes:
        for header in Headers.parse(Message.parse(message).payload).headers:
            assert header.previous_block_hash[::-1] == last, "linked"
            header.assert_valid_pow(limit)
            last = header.hash[::-1]
        return last

    def read_block(message: bytes) -> None:
        BlockPayload.parse(Message.parse(message).payload, check_validity=False).block.assert_valid(limit)

    def check_block(raw: bytes) -> None:
        block = Block.parse(raw, check_validity=False)
        block.assert_valid()
        block.assert_valid_witness_commitment()

    return Library(read_headers, read_block, check_block)


def python_bitcoinlib() -> Library:
    import bitcoin
    from bitcoin.core import CBlock, CheckBlock
    from bitcoin.messages import MsgSerializable

    def read_headers(message: bytes, last: bytes) -> bytes:
        raise NotImplementedError("its headers message lacks the transaction counts")

    def read_block(message: bytes) -> None:
        bitcoin.SelectParams("regtest")
        CheckBlock(MsgSerializable.stream_deserialize(BytesIO(message)).block)

    def check_block(raw: bytes) -> None:
        CheckBlock(CBlock.deserialize(raw))

    return Library(read_headers, read_block, check_block)


def time_headers(library: Library, port: int, count: int) -> dict[str, float]:
    with Client(port) as client:
        start, last, done, found = time.perf_counter(), GENESIS, 0, MAX_HEADERS
        while found == MAX_HEADERS and done < count:
            message = client.headers_after(last)
            found, _ = count_at(message[FRAME.size :])
            last = library.read_headers(bytes(message), last)
            done += found
        return {"header sync": done / (time.perf_counter() - start)}


def time_blocks(library: Library, port: int, size: int) -> dict[str, float]:
    with Client(port) as client:
        hashes = client.hashes()
        start, done = time.perf_counter(), 0
        for message in client.blocks(hashes):
            library.read_block(bytes(message))
            done += len(message)
            if done >= size:
                break
        return {"block sync": done / 1e6 / (time.perf_counter() - start)}


def time_parsing(library: Library, path: Path) -> dict[str, float]:
    result = {}
    for name, raw in entries(path.read_bytes()):
        taken = []
        for _ in range(3):
            start = time.perf_counter()
            library.check_block(raw)
            taken.append(time.perf_counter() - start)
        result[name] = statistics.median(taken) * 1e3
    return result


def entries(data: bytes) -> Iterator[tuple[str, bytes]]:
    """What `bench.verify` wrote: names and blocks, each behind its length."""
    stream = BytesIO(data)
    while head := stream.read(4):
        name = stream.read(int.from_bytes(head, "little")).decode()
        yield name, stream.read(int.from_bytes(stream.read(4), "little"))


LIBRARIES = {"btclib": btclib, "python-bitcoinlib": python_bitcoinlib}


def main() -> None:
    name, what, *words = sys.argv[1:]
    library = LIBRARIES[name]()
    match what:
        case "headers":
            result = time_headers(library, int(words[0]), int(words[1]))
        case "blocks":
            result = time_blocks(library, int(words[0]), int(words[1]))
        case _:
            result = time_parsing(library, Path(words[0]))
    print(json.dumps(result))


if __name__ == "__main__":
    main()
