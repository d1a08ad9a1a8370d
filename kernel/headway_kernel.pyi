"""The native twin of `headway.kernel`; `headway/kernel/face.py` says what each value is.

`Buffer` is `bytes` or a read-only memoryview over memory that nobody writes any more: it is read where it lies, and
other threads run meanwhile. A buffer that may be written is copied first.
"""

from collections.abc import Buffer, Sequence
from typing import Final, TypeAlias, final

_Params: TypeAlias = tuple[int, bool, bool, bool, int, int, int]
_Context: TypeAlias = tuple[int, bytes | None, tuple[int, ...], int | None, int | None, int | None]
_Rules: TypeAlias = tuple[int, bool, bool, bool]

INTERFACE: Final[int]
__version__: Final[str]

def sha256d(data: Buffer) -> bytes: ...
def checksum(data: Buffer) -> bytes: ...
def short_ids(key0: int, key1: int, hashes: Buffer) -> list[int]: ...
def header_hashes(raw: Buffer, stride: int) -> bytes: ...
def restore_headers(raw: Buffer) -> tuple[bytes, list[int]]: ...
def check_headers(
    raw: Buffer, stride: int, params: _Params, context: _Context, wall_time: int
) -> tuple[int, bytes, list[int], str, str, _Context, dict[str, int]]:
    """The fields of a `HeaderCheck`. Raises ValueError for a context with gaps."""

def merkle_root(hashes: Buffer) -> tuple[bytes, bool]: ...
def scan_block(raw: Buffer) -> list[tuple[int, int, bytes]]: ...
def check_block(
    raw: Buffer, block_hash: bytes, rules: _Rules, median_time: int | None
) -> tuple[int, str, str, int, int, tuple[str, ...]]:
    """The fields of a `BlockCheck`."""

@final
class HeaderIndex:
    """About 115 bytes a header. Raises IndexError for a position that does not exist, negative ones among them, and
    OverflowError for chainwork of more than 128 bits."""

    def __init__(self, record_size: int) -> None: ...
    def __len__(self) -> int: ...
    def find(self, block_hash: bytes) -> int: ...
    def extend(self, raw: Buffer, hashes: Buffer, parent: int, works: Sequence[int]) -> int: ...
    def hash(self, position: int) -> bytes: ...
    def raw(self, position: int) -> bytes: ...
    def parent(self, position: int) -> int: ...
    def height(self, position: int) -> int: ...
    def chainwork(self, position: int) -> int: ...

# For benchmarks: the same work without the rules, measured in the same run.

def limit_headers(raw: Buffer, stride: int) -> int:
    """The hashing of `check_headers` and nothing else; returns the number of headers."""

def limit_block(raw: Buffer, witness: bool) -> bytes:
    """The walk and the hashing of `check_block`, nothing else. `witness`: those of the witness too, if there is one."""
