"""neo-one 2.7.4, a real Neo Legacy node on loopback: a server of the 6,000 blocks of the test data, or our client.

`make setup` puts it under `.cache/nodes/neo_one`; where it is not, a test skips with the reason, and fails in CI.

It takes messages that come together in one segment in reverse order: nothing may follow our version before its verack
came, nor our verack before it had the time to read that. It announces blocks to those alone whose version has relay 1.
What it never tells is its tip: `headers` and the `inv` that answers getblocks end one block before it. Its hash comes
only in the `inv` of a block that arrives while we are connected (`add`); getdata with that hash does bring it.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Final

from tests.data import absent, read
from tests.interop.neo_networks import LEGACY
from tests.interop.nodes import NODES, Tip
from tests.interop.programs import Servant

BLOCKS: Final = 6_000
"""Height of the chain of the test data."""
TIP: Final = "29cc43a4572b75f2b24c7b6a42f480af1739b4b4608f942a197121a28be9529f"
"""Hash of block 6,000, as neo-one computes it."""

_MODULES: Final = NODES / "neo_one" / "node_modules"


class NeoOne(Servant):
    """A neo-one node with the blocks up to `height` (0: the genesis alone); loading all 6,000 takes it some 5 s.

    `directory` must exist and is its own: the chain file and the database are written there.
    """

    host = "127.0.0.1"

    def __init__(self, directory: Path, height: int = BLOCKS) -> None:
        node = shutil.which("node")
        if node is None or not _MODULES.is_dir():
            absent("neo-one is not installed: run `make setup` where Node is installed")
        chain = directory / "chain.acc"
        chain.write_bytes(read("neo", "legacy-privnet-1-6000.acc.xz"))
        settings = {
            "database": str(directory / "db"),
            "magic": LEGACY.magic,
            "validators": LEGACY.committee,
            "chain": str(chain),
            "height": height,
        }
        script = Path(__file__).with_name("neo_one_node.js")
        super().__init__("neo-one", [node, script, _MODULES, json.dumps(settings)], cwd=directory)

    def handle_started(self) -> None:
        self.port: int = self.answer()["port"]

    @property
    def address(self) -> str:
        return f"{self.host}:{self.port}"

    def tip(self) -> Tip:
        return Tip(**self.order("tip"))

    def hash_at(self, height: int) -> str:
        return str(self.order("hash", height=height)["hash"])

    def add(self, count: int) -> Tip:
        """Give it the next blocks of the chain, which it checks and announces to peers that claimed a lower height."""
        return Tip(**self.order("add", count=count))

    def connect(self, port: int) -> None:
        """Make it dial a peer on loopback and bring the chain from there.

        It checks each block in JavaScript: on a busy machine 600 blocks take it 5 to 10 s. Below the peer's claimed
        height it asks again by getblocks: a second later if 167 blocks came, else 10 s later; three times, then it
        closes the connection.
        """
        self.order("connect", port=port)

    def follow(self, block_hash: str) -> Tip:
        """Wait until its tip is this block."""
        return Tip(**self.order("follow", hash=block_hash))

    def peers(self) -> list[int]:
        """Remote ports of the peers with which it has shaken hands."""
        return list(self.order("peers")["peers"])
