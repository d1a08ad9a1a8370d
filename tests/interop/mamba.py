"""neo-mamba 2.7.0, a real Neo N3 client and an independent codec, driven through `mamba_client`.

`make setup` puts it under `.cache/nodes/mamba`; where it is not, a test skips with the reason, and fails in CI. It
cannot shake hands with a peer that tells of a capability it does not know: 0x03 and 0x11 must not be offered to it. It
always has the nonce 123 and the height 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from tests.data import absent
from tests.interop.nodes import NODES
from tests.interop.programs import Servant

_PYTHON: Final = NODES / "mamba" / "bin" / "python"


class Mamba(Servant):
    """neo-mamba, waiting for orders."""

    def __init__(self) -> None:
        if not _PYTHON.is_file():
            absent("neo-mamba is not installed: run `make setup` where Python's packages can be had")
        super().__init__("neo-mamba", [_PYTHON, Path(__file__).with_name("mamba_client.py")])

    def handle_started(self) -> None:
        self.answer()

    def connect(self, port: int, magic: int) -> Mapping[str, Any]:
        """Dial a peer on loopback and shake hands: {"peer": its user agent, "height": what its version said}.

        {"refused": reasons} where neo-mamba closed the connection.
        """
        return self.order("connect", port=port, magic=magic)

    def ping(self) -> int:
        """The height that the peer's pong told."""
        return int(self.order("ping")["height"])

    def headers(self, first: int, last: int) -> list[str]:
        """Bring headers by height; their hashes as neo-mamba computes them."""
        return list(self.order("headers", first=first, last=last)["hashes"])

    def blocks(self, first: int, last: int) -> list[str]:
        """Bring blocks by height; their hashes as neo-mamba computes them. It checks each merkle root itself."""
        return list(self.order("blocks", first=first, last=last)["hashes"])

    def decode(self, kind: str, data: bytes) -> Mapping[str, Any]:
        """How it reads a "header", a "block" or a "message" (with its frame); "again" is what it writes for it."""
        return self.order("decode", kind=kind, data=data.hex())

    def read(self, command: str, payload: bytes) -> Mapping[str, Any]:
        """{"fields": what it reads, "again": what it writes for that}, or {"refused": why}."""
        return self.order("read", command=command, data=payload.hex())

    def make(self, command: str, seed: int) -> Mapping[str, Any]:
        """A payload that it makes at random: {"fields": what is in it, "frame": how it is sent}."""
        return self.order("make", command=command, seed=seed)
