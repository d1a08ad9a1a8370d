"""What a file holds, told from its content alone.

It must be told of damaged files too, so that they are refused for what they are: a file need not be whole, nor right
everywhere at its start, as long as most of what is looked at speaks for one kind.
Called by `verify`.
"""

from __future__ import annotations

from enum import Enum, auto
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from headway.errors import FutureHeader
from headway.types import UNKNOWN_HEIGHT
from headway.wire.messages import Headers

if TYPE_CHECKING:
    from headway.network import Network

SPARSE_HEIGHT_SIZE: Final = 4
"""Bytes of the height before each header of a sparse file, u32 little endian."""
HEAD_SIZE: Final = 4096
"""Bytes of a file's start that `kind_of` wants."""


class Kind(Enum):
    BLOCK_FILE = auto()
    """Blocks in the framing of blk*.dat."""
    HEADERS = auto()
    """Headers, each the parent of the next."""
    SPARSE_HEADERS = auto()
    """Headers of rising heights, each with its height."""
    BLOCK = auto()
    """One block; also what is nothing else, so that somebody says what is wrong with it."""


def kind_of(head: bytes, network: Network) -> Kind:
    """The kind of a file that begins with `head`: HEAD_SIZE bytes, or all of a shorter file."""
    size = network.rules.header_size
    if head and head.startswith(network.magic[: len(head)]):
        return Kind.BLOCK_FILE
    if len(head) == size or _links(head, size, network):
        return Kind.HEADERS
    sparse = size + SPARSE_HEIGHT_SIZE
    if len(head) == sparse or _proves_work(head, sparse, network):
        return Kind.SPARSE_HEADERS
    return Kind.BLOCK


def _links(head: bytes, size: int, network: Network) -> bool:
    """Whether any record names the one before as its parent, as no two pieces of a block do."""
    records = [head[at : at + size].ljust(size, b"\0") for at in range(0, len(head), size)]
    headers = [network.rules.parse_header(record) for record in records]
    return any(after.prev_hash == before.hash for before, after in pairwise(headers))


def _proves_work(head: bytes, sparse: int, network: Network) -> bool:
    """Whether at least half of the whole sparse records hold something that passes as a header by itself."""
    records = [head[at + SPARSE_HEIGHT_SIZE : at + sparse] for at in range(0, len(head) - sparse + 1, sparse)]
    return bool(records) and 2 * sum(_is_header(record, network) for record in records) >= len(records)


def _is_header(record: bytes, network: Network) -> bool:
    headers = Headers.fixed(record, network.codec.parser, size=len(record))
    verdict = network.rules.check_headers(headers, network.rules.context_at(UNKNOWN_HEIGHT), 0)
    return verdict.error is None or isinstance(verdict.error, FutureHeader)
