"""Messages that hold the raw objects of a chain, and how these are parsed on demand: `Headers`, `Block`, `Tx`.

Receiving them costs no more than finding where their parts lie; the `Parser` that the codec gave them reads the rest
when it is asked for. Their public place is `headway.wire.messages`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, overload

from headway import kernel
from headway.types import Hash, Header, Raw

if TYPE_CHECKING:
    from headway.wire.compact import CompactForm
    from headway.wire.messages import InvEntry


class Parser(Protocol):
    """How a chain reads its raw objects. One stateless instance a chain, kept by the heavy messages."""

    def header(self, raw: bytes) -> Header: ...

    def block_header(self, raw: Raw) -> Header:
        """The header at the start of a block. Raises CodecError when the block is too short for one."""

    def transactions(self, raw: Raw) -> Sequence[Any]:
        """The transactions of a block, parsed. Raises CodecError for bytes that are no block."""

    def transaction(self, raw: Raw) -> Any:
        """One transaction, parsed; it has at least `.txid`. Raises CodecError."""

    def transaction_forms(self, raw: Raw) -> Mapping[InvEntry, Raw]:
        """All that a remote may ask for by `getdata` to have this transaction, and the bytes that answer it. Raises
        CodecError for bytes that are not exactly one transaction."""

    def stripped(self, raw: Raw) -> Raw:
        """A block in the form for remotes that ask without witness; unchanged on chains without that distinction."""

    @property
    def compact_form(self) -> CompactForm | None:
        """None on chains without compact blocks."""


@dataclass(frozen=True, slots=True)
class Headers:
    """`headers`: raw headers in the bytes of their message, unchecked.

    Indexing and iterating parse on demand; a slice is a tuple.
    """

    raw: Raw
    """Begins with the first header. Bytes between headers (Bitcoin's transaction counts) stay where they came."""
    starts: Sequence[int]
    """Where each header begins in `raw`; a `range` where headers have one size."""
    ends: Sequence[int]
    """Where each header ends, separators excluded."""
    parser: Parser = field(compare=False, repr=False)
    command: ClassVar[str] = "headers"

    @classmethod
    def fixed(cls, raw: Raw, parser: Parser, *, size: int, stride: int = 0) -> Headers:
        """Headers of `size` bytes, one every `stride` bytes (0: back to back). Raises ValueError for a torn last."""
        stride = stride or size
        if len(raw) % stride:
            raise ValueError(f"{len(raw)} bytes are no whole number of headers, one every {stride} bytes")
        return cls(raw, range(0, len(raw), stride), range(size, len(raw) + 1, stride), parser)

    @classmethod
    def joined(cls, raws: Sequence[bytes], parser: Parser) -> Headers:
        """These raw headers, each as long as it is."""
        ends = tuple(accumulate(map(len, raws)))
        return cls(b"".join(raws), (0, *ends[:-1]) if ends else (), ends, parser)

    def __len__(self) -> int:
        return len(self.starts)

    @overload
    def __getitem__(self, index: int) -> Header: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Header, ...]: ...
    def __getitem__(self, index: int | slice) -> Header | tuple[Header, ...]:
        if isinstance(index, slice):
            return tuple(self[i] for i in range(*index.indices(len(self))))
        return self.parser.header(self.raw_at(index))

    def __iter__(self) -> Iterator[Header]:
        return (self[i] for i in range(len(self)))

    @property
    def stride(self) -> int:
        """Bytes from one header to the next; 0 where headers vary in size."""
        return self.starts.step if isinstance(self.starts, range) else 0

    def raw_at(self, index: int) -> bytes:
        """Raw bytes of one header. Raises IndexError like a list."""
        return bytes(self.raw[self.starts[index] : self.ends[index]])

    def part(self, start: int, stop: int) -> Headers:
        """The same message with headers `start` to `stop` (exclusive) only, bounds as in a slice; nothing is parsed."""
        starts, ends = self.starts[start:stop], self.ends[start:stop]
        if not starts:
            return Headers(b"", (), (), self.parser)
        first, last = starts[0], self.starts[stop] if stop < len(self) else len(self.raw)
        return Headers(self.raw[first:last], _shifted(starts, first), _shifted(ends, first), self.parser)

    def compact(self) -> bytes:
        """The headers back to back, without the bytes between them: as the store keeps them."""
        stride = self.stride
        if not stride or not self:
            return b"".join(self.raw[start:end] for start, end in zip(self.starts, self.ends, strict=True))
        size = self.ends[0]
        if stride == size:
            return bytes(self.raw)
        records = bytearray(self.raw)
        for width in range(stride, size, -1):
            del records[size::width]  # one deletion for each byte between headers: 20 times faster than 2,000 slices
        return bytes(records)


def _shifted(offsets: Sequence[int], by: int) -> Sequence[int]:
    if isinstance(offsets, range):
        return range(offsets.start - by, offsets.stop - by, offsets.step)
    return tuple(offset - by for offset in offsets)


@dataclass(frozen=True, slots=True)
class Block:
    """`block`: raw bytes (bytes or a read-only memoryview; `bytes(block)` gives bytes), parsed on demand."""

    raw: Raw
    parser: Parser = field(compare=False, repr=False)
    unchecked: bytes = field(default=b"", compare=False, repr=False)
    """The checksum of its message, where that was not computed; then nothing but its verification says that these bytes
    are those that were sent. Empty: it was right, or there is none."""
    is_assembled: bool = field(default=False, compare=False, repr=False)
    """Put together by short ids (BIP152), of which two transactions may have the same: these bytes need not be those
    that were meant."""
    command: ClassVar[str] = "block"

    def __bytes__(self) -> bytes:
        return bytes(self.raw)

    def __len__(self) -> int:
        return len(self.raw)

    @property
    def header(self) -> Header:
        return self.parser.block_header(self.raw)

    @property
    def hash(self) -> Hash:
        return self.header.hash

    @property
    def transactions(self) -> Sequence[Any]:
        return self.parser.transactions(self.raw)

    @property
    def is_damaged(self) -> bool:
        """What is wrong with it may be wrong on our side alone: it was assembled; or its checksum was left out, and is
        wrong. Computed when asked: 1 ms for 2 MB."""
        return self.is_assembled or (self.unchecked != b"" and kernel.checksum(self.raw) != self.unchecked)


@dataclass(frozen=True, slots=True)
class Tx:
    """`tx`: raw bytes, parsed on demand."""

    raw: Raw
    parser: Parser = field(compare=False, repr=False)
    command: ClassVar[str] = "tx"

    def __bytes__(self) -> bytes:
        return bytes(self.raw)

    @property
    def txid(self) -> Hash:
        txid: Hash = self.parser.transaction(self.raw).txid
        return txid
