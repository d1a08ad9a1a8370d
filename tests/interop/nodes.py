"""Real Bitcoin nodes on loopback, on the private network `regtest`: bcoin and btcd, started and ended by the test.

`make setup` puts them under `.cache/nodes`; where they are not, a test skips with the reason, and fails in CI. Both
offer the same few verbs (`Node`). No one of this project wrote these programs: that makes them worth talking to.
"""

from __future__ import annotations

import base64
import json
import re
import shutil
import urllib.error
import urllib.request
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol

from tests.data import REPOSITORY, absent
from tests.interop.programs import Program, Servant

NODES: Final = REPOSITORY / ".cache" / "nodes"
BLOCKS: Final = 2_100
"""Blocks of a chain that the tests sync: more than one `headers` message (2,000) and than four `inv` of 500."""
REORG_DEPTH: Final = 10

_BTCD_ADDRESS: Final = "bcrt1qqyqszqgpqyqszqgpqyqszqgpqyqszqgpvxat9t"


class Tip(NamedTuple):
    """Best block of a node: height, and hash as people write it."""

    height: int
    hash: str


class Link(NamedTuple):
    """One connection as the node sees it."""

    agent: str
    received: int
    """Bytes, the handshake included."""
    sent: int
    ping: float | None
    """Seconds of the last ping of its own that was answered."""
    messages: dict[str, int]
    """How many of each command it received; empty where it does not say."""


class Node(Protocol):
    """What the tests ask of a real node."""

    host: str
    unknown: Collection[str]
    """Commands that it does not know: it counts the bytes of their headers alone."""

    @property
    def address(self) -> str:
        """host:port of its peer-to-peer side."""

    def tip(self) -> Tip: ...

    def mine(self, count: int) -> Tip:
        """Add blocks to its best chain."""

    def fork(self, depth: int) -> Tip:
        """Replace its last `depth` blocks by `depth` + 1 others; returns the new tip."""

    def connect(self, port: int) -> None:
        """Make it connect to a peer on loopback and bring the chain from there."""

    def follow(self, block_hash: str) -> Tip:
        """Wait until its tip is this block."""

    def peers(self) -> list[str]:
        """User agents of its peers."""

    def links(self) -> list[Link]:
        """Its connections whose handshake is done."""

    def ping(self) -> None:
        """Make it ping every peer."""

    def hang_up(self) -> None:
        """Make it close every connection that it has accepted."""

    # What every program of a test has.

    @property
    def pid(self) -> int: ...

    def signal(self, number: int) -> None: ...
    def wait(self) -> int: ...
    def wait_for_line(self, pattern: str) -> re.Match[str]: ...
    def wait_while(self, condition: Callable[[], bool]) -> bool: ...


class Bcoin(Servant):
    """bcoin 1.0.2 through `bcoin_node.js`: orders as lines of JSON, answers likewise."""

    host = "127.0.0.1"
    unknown: Collection[str] = ()

    def __init__(self) -> None:
        library = NODES / "bcoin" / "node_modules" / "bcoin"
        node = shutil.which("node")
        if node is None or not library.is_dir():
            absent("bcoin is not installed: run `make setup` where Node is installed")
        script = Path(__file__).with_name("bcoin_node.js")
        super().__init__("bcoin", [node, script, library], env={"NODE_BACKEND": "js"})

    def handle_started(self) -> None:
        self.port: int = self.answer()["port"]

    @property
    def address(self) -> str:
        return f"{self.host}:{self.port}"

    def tip(self) -> Tip:
        return _tip(self.order("tip"))

    def mine(self, count: int) -> Tip:
        return _tip(self.order("mine", count=count))

    def fork(self, depth: int) -> Tip:
        return _tip(self.order("fork", depth=depth))

    def connect(self, port: int) -> None:
        self.order("connect", port=port)

    def know(self, host: str, port: int) -> None:
        """Put an address into its book."""
        self.order("know", host=host, port=port)

    def slow(self, seconds: float) -> None:
        """Make it wait so long before each block that it serves."""
        self.order("slow", seconds=seconds)

    def follow(self, block_hash: str) -> Tip:
        return _tip(self.order("follow", hash=block_hash))

    def payment(self) -> tuple[str, str]:
        """A valid transaction in hex, which it has told nobody of, and its id. Mines 101 blocks for it."""
        made = self.order("payment")
        return made["hex"], made["txid"]

    def coins(self, count: int) -> Tip:
        """Mine so many coins, and 100 blocks more, so that `pay` can spend them."""
        return _tip(self.order("coins", count=count))

    def pay(self, count: int) -> None:
        """Put so many payments into its mempool, and announce them to its peers."""
        self.order("pay", count=count)

    def mempool(self) -> list[str]:
        """Ids of the transactions that it holds for the next blocks."""
        return list(self.order("mempool")["txids"])

    def peers(self) -> list[str]:
        return list(self.order("peers")["peers"])

    def links(self) -> list[Link]:
        return [Link(**link) for link in self.order("links")["links"]]

    def ping(self) -> None:
        self.order("ping")

    def hang_up(self) -> None:
        self.order("hang_up")


class Btcd(Program):
    """btcd through its own JSON-RPC over HTTP on loopback."""

    host = "127.0.0.1"
    unknown: Collection[str] = ("sendcmpct",)

    def __init__(self, directory: Path) -> None:
        """`directory`: where it may write; empty."""
        binary = NODES / "btcd" / "btcd"
        if not binary.is_file():
            absent("btcd is not installed: run `make setup` where Go is installed")
        config = directory / "btcd.conf"  # without one it writes a sample into the home directory
        config.touch()
        options = [
            "--regtest",
            "--nodnsseed",
            "--notls",
            "--nobanning",  # one address, 127.0.0.1, plays all the peers of a test
            "--listen=127.0.0.1:0",
            "--rpclisten=127.0.0.1:0",
            "--rpcuser=test",
            "--rpcpass=test",
            f"--miningaddr={_BTCD_ADDRESS}",
            f"--configfile={config}",
            f"--datadir={directory / 'data'}",
            f"--logdir={directory / 'logs'}",
            "--utxocachemaxsize=16",
        ]
        super().__init__("btcd", [binary, *options], cwd=directory)

    def handle_started(self) -> None:
        ports = {}
        for _ in range(2):  # in either order
            found = self.wait_for_line(r"(RPCS|CMGR): .*listening on 127\.0\.0\.1:(\d+)")
            ports[found[1]] = int(found[2])
        self.port, self._rpc_port = ports["CMGR"], ports["RPCS"]

    @property
    def address(self) -> str:
        return f"{self.host}:{self.port}"

    def _call(self, method: str, *parameters: object) -> Any:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self._rpc_port}/",
            data=json.dumps({"jsonrpc": "1.0", "id": 1, "method": method, "params": parameters}).encode(),
            headers={"Authorization": "Basic " + base64.b64encode(b"test:test").decode()},
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # loopback, whatever the environment says
        try:
            with opener.open(request, timeout=60) as reply:
                answer = json.load(reply)
        except urllib.error.HTTPError as error:
            with error:
                raise AssertionError(f"btcd refused {method}: {error.read()!r}") from None
        assert answer["error"] is None, answer["error"]
        return answer["result"]

    def tip(self) -> Tip:
        return _tip(self._call("getbestblock"))

    def mine(self, count: int) -> Tip:
        self._call("generate", count)
        return self.tip()

    def fork(self, depth: int) -> Tip:
        self._call("invalidateblock", self._call("getblockhash", self.tip().height - depth + 1))
        return self.mine(depth + 1)

    def connect(self, port: int) -> None:
        self._call("addnode", f"127.0.0.1:{port}", "add")

    def follow(self, block_hash: str) -> Tip:
        assert self.wait_while(lambda: self.tip().hash != block_hash)
        return self.tip()

    def peers(self) -> list[str]:
        return [peer["subver"] for peer in self._call("getpeerinfo")]

    def links(self) -> list[Link]:
        return [
            Link(peer["subver"], peer["bytesrecv"], peer["bytessent"], peer["pingtime"] / 1e6 or None, {})
            for peer in self._call("getpeerinfo")
        ]

    def ping(self) -> None:
        self._call("ping")

    def hang_up(self) -> None:
        for peer in self._call("getpeerinfo"):
            self._call("node", "disconnect", str(peer["id"]))


def _tip(answer: dict[str, Any]) -> Tip:
    return Tip(answer["height"], answer["hash"])
