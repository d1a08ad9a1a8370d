"""Chain dumps (`.acc`): the blocks of a chain in one file, as Neo's nodes write and read them; fit for any chain.

    [first height u32] | count u32 | count times: length u32, raw block          (little endian)

The C# node leaves the first height out of a dump that begins at genesis and writes it otherwise (`chain.acc` and
`chain.HEIGHT.acc`); neo-go never writes it, and reads it when told so (`--incremental`). We do as the C# node does.
Not here: files, and whether the blocks are right. Called by `cli`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from headway.types import Height

NUMBER_SIZE: Final = 4
"""Bytes of every number."""


def number(value: int) -> bytes:
    """A count, a length or a height as it stands there."""
    return value.to_bytes(NUMBER_SIZE, "little")


def head(first: Height, count: int) -> bytes:
    """What stands before the first block."""
    return (number(first) if first else b"") + number(count)
