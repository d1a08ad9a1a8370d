"""What a file holds, told from its content alone.

It must be told of damaged files too, so that they are refused for what they are: a file need not be whole, nor right
everywhere at its start, as long as most of what is looked at speaks for one kind.
Called by `verify`.
"""

from __future__ import annotations

from enum import Enum, auto
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from headway.errors import CodecError, FutureHeader
from headway.store.dump import NUMBER_SIZE
from headway.types import UNKNOWN_HEIGHT
from headway.wire.messages import Headers

if TYPE_CHECKING:
    from headway.network import Network
    from headway.types import Header

SPARSE_HEIGHT_SIZE: Final = 4
"""Bytes of the height before each header of a sparse file, u32 little endian."""
HEAD_SIZE: Final = 4096
"""Bytes of a file's start that tell its kind."""
LONG_HEAD_SIZE: Final = 1 << 18
"""The same where headers carry a proof: more than the longest one has (131 kB in Neo Legacy)."""
_EMPTY_LIST: Final = b"\0"
"""May stand behind a header with its proof: the transactions that are not there, as in some messages of headers."""


class Kind(Enum):
    BLOCK_FILE = auto()
    """Blocks in the framing of blk*.dat."""
    HEADERS = auto()
    """Headers, each the parent of the next."""
    SPARSE_HEADERS = auto()
    """Headers of rising heights, each with its height."""
    HEADER = auto()
    """One header, of a chain whose headers vary in size."""
    DUMP = auto()
    """A chain dump (`headway.store.dump`) that does not say where it starts."""
    DUMP_FROM_HEIGHT = auto()
    """One that does."""
    BLOCK = auto()
    """One block; also what is nothing else, so that somebody says what is wrong with it."""


def head_size(network: Network) -> int:
    """Bytes of a file's start that `kind_of` wants."""
    return HEAD_SIZE if network.rules.header_size else LONG_HEAD_SIZE


def kind_of(head: bytes, network: Network) -> Kind:
    """The kind of a file that begins with `head`: `head_size` bytes, or all of a shorter file."""
    if head and head.startswith(network.magic[: len(head)]):
        # A magic may be a small number, and a dump of as many blocks begin with it.
        return _dump_kind(head, network, by_links=True) or Kind.BLOCK_FILE
    size = network.rules.header_size
    if size:
        return _kind_of_records(head, size, network) or _dump_kind(head, network) or Kind.BLOCK
    return _dump_kind(head, network) or (Kind.HEADER if _is_lone_header(head, network) else Kind.BLOCK)


def _kind_of_records(head: bytes, size: int, network: Network) -> Kind | None:
    if len(head) == size or _links(head, size, network):
        return Kind.HEADERS
    sparse = size + SPARSE_HEIGHT_SIZE
    if len(head) == sparse or _proves_work(head, sparse, network):
        return Kind.SPARSE_HEADERS
    return None


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
    return _passes(Headers.fixed(record, network.codec.parser, size=len(record)), network)


def _passes(headers: Headers, network: Network) -> bool:
    """Whether they pass as headers by themselves, proofs aside: those do not tell what a file holds."""
    verdict = network.rules.check_headers(headers, network.rules.context_at(UNKNOWN_HEIGHT), 0)
    return verdict.error is None or isinstance(verdict.error, FutureHeader)


def _dump_kind(head: bytes, network: Network, *, by_links: bool = False) -> Kind | None:
    """None for what is no dump. `by_links`: a block alone does not make it one."""
    for kind, numbers in ((Kind.DUMP, 1), (Kind.DUMP_FROM_HEIGHT, 2)):
        headers = _dumped(head, numbers * NUMBER_SIZE, network)
        linked = any(one and two and two.prev_hash == one.hash for one, two in pairwise(headers))
        if linked or (headers and headers[0] and not by_links and _begins_chain(headers[0], network)):
            return kind
    return None


def _dumped(head: bytes, at: int, network: Network) -> list[Header | None]:
    """Headers of the blocks that begin in `head`, when it is a dump whose first block's length is at `at`. None stands
    for bytes that are no header."""
    headers: list[Header | None] = []
    longest = network.limits.max_block_size
    while 0 < (length := int.from_bytes(head[at : at + NUMBER_SIZE], "little")) <= longest:
        start = at + NUMBER_SIZE
        at = start + length
        headers.append(_header_at(head[start:at], network))
    return headers


def _header_at(raw: bytes, network: Network) -> Header | None:
    try:
        return network.codec.parser.block_header(raw)
    except CodecError:
        return None


def _begins_chain(header: Header, network: Network) -> bool:
    root = network.rules.root.hash
    return root in {header.hash, header.prev_hash} or _passes(
        Headers.joined([header.raw], network.codec.parser), network
    )


def _is_lone_header(head: bytes, network: Network) -> bool:
    header = _header_at(head, network)
    if header is None:
        return False
    rest = head[len(header.raw) :]
    return not rest or (rest == _EMPTY_LIST and not _is_block(head, network))


def _is_block(raw: bytes, network: Network) -> bool:
    try:
        network.codec.parser.transactions(raw)
    except CodecError:
        return False
    return True
