"""microsocks, a real SOCKS5 proxy out of Debian, on loopback.

`make setup` puts it under `.cache/nodes/microsocks`; where it is not, a test skips with the reason, and fails in CI.
It looks names up by the system's resolver, at its end of the way.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from headway.types import Address
from tests.data import absent
from tests.interop.nodes import NODES
from tests.interop.programs import Program
from tests.processes import listening

BINARY: Final = NODES / "microsocks" / "usr" / "bin" / "microsocks"


class Microsocks(Program):
    """The proxy, listening at `address`. `user`: an account without whose name and password it serves nobody."""

    def __init__(self, *, user: str = "") -> None:
        if not BINARY.exists():
            absent("microsocks is not installed: `make setup` (it needs Debian's apt-get)")
        account: list[str | Path] = ["-u", user, "-P", "secret"] if user else []
        super().__init__("microsocks", [BINARY, "-i", "127.0.0.1", "-p", "0", *account])

    def handle_started(self) -> None:
        self.wait_while(lambda: not listening(self.pid))
        self.address = Address("127.0.0.1", listening(self.pid)["127.0.0.1"])
