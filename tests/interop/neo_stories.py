"""What the tests against real Neo nodes share: our commands on a private network, and what their results must say."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from tests.interop.cli import Headway, run
from tests.interop.neo_networks import PrivateNetwork
from tests.interop.nodes import Tip


class Ours(NamedTuple):
    """Our side of a test: the file that describes its network, and a data directory."""

    network: Path
    datadir: Path

    @classmethod
    def at(cls, directory: Path, network: PrivateNetwork) -> Ours:
        return cls(network.write_file(directory / "network.toml"), directory / "ours")

    def words(self, *addresses: str) -> list[str | Path]:
        """The words of a `headway sync` that follows these nodes."""
        connect: Sequence[str] = [word for address in addresses for word in ("--connect", address)]
        return ["sync", "--network", self.network, "--datadir", self.datadir, *connect]

    def sync(self, *addresses: str, stop_at: str = "tip", code: int = 0) -> dict[str, Any]:
        """Run `headway sync` to its end."""
        return run(*self.words(*addresses), "--stop-at", stop_at, code=code)

    def assert_clean(self, tip: Tip) -> None:
        """`headway verify` finds nothing wrong with the whole chain up to `tip`, every witness included."""
        result = run("verify", self.datadir, "--network", self.network)
        assert (result["valid"], result["error"]) == (True, None)
        assert result["tip"] == {"height": tip.height, "hash": tip.hash}
        assert min(result["headers"], result["blocks"]) >= tip.height

    @contextmanager
    def serving(self) -> Iterator[int]:
        """`headway serve` on what we have: the port."""
        where: list[str | Path] = ["--network", self.network, "--datadir", self.datadir]
        with Headway("serve", *where, "--bind", "127.0.0.1:0") as server:
            yield int(server.wait_for_line(r"^listening 127\.0\.0\.1:(\d+)$")[1])


def tip_of(result: dict[str, Any]) -> Tip:
    """Where a sync ended."""
    return Tip(result["height"], result["hash"])
