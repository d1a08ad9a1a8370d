"""What the rules of both generations need of a header, and of how it is read. Each generation has its own classes."""

from __future__ import annotations

from typing import Protocol

from headway.types import Hash, Height, Raw
from headway.wire.messages import Parser


class SignedHeader(Protocol):
    """A header with its witness, or its kept part, which has none."""

    @property
    def raw(self) -> bytes: ...

    @property
    def hash(self) -> Hash: ...

    @property
    def prev_hash(self) -> Hash: ...

    @property
    def merkle_root(self) -> Hash: ...

    @property
    def time(self) -> int:
        """Unix seconds."""

    @property
    def timestamp(self) -> int:
        """The time in the unit of the chain."""

    @property
    def height(self) -> Height: ...

    @property
    def next_consensus(self) -> bytes:
        """Hash of the verification script that must sign the next block: 20 bytes in wire order."""

    @property
    def invocation(self) -> bytes: ...

    @property
    def verification(self) -> bytes: ...

    @property
    def unsigned(self) -> bytes:
        """The kept part: all that the hash covers."""


class SignedParser(Parser, Protocol):
    """The `Parser` of a generation: its headers are signed ones. Every method raises CodecError."""

    def header(self, raw: bytes) -> SignedHeader: ...

    def block_header(self, raw: Raw) -> SignedHeader: ...
