"""`headway peers list`: the pool as a table, once or again and again."""

from __future__ import annotations

import json
import signal

from headway.cli.peers.list_ import HEADING
from tests.interop.cli import Headway
from tests.loopback import listen
from tests.unit.cli.conftest import Served
from tests.unit.cli.peers.conftest import Peers


def test_peers_are_a_table_and_objects_of_getpeerinfo(empty: Peers, served: Served) -> None:
    empty.network = "regtest"
    words = ["--connect", served.address, "--seconds", 1]
    assert empty("list", *words) == 0
    heading, line = empty.out.splitlines()
    assert heading == HEADING
    assert line.split()[:3] == ["out", "manual", "npr"]
    assert line[HEADING.index("address") :].startswith(served.address)
    assert line.endswith("/headway:0.1.0/")
    found = empty.json("list", *words)
    assert (found["network"], found["height"]) == ("regtest", served.height)
    assert [(each["addr"], each["connection_type"]) for each in found["peers"]] == [(served.address, "manual")]


def test_watch_prints_a_block_an_interval_until_it_is_interrupted(empty: Peers, served: Served) -> None:
    words = ["--network", "regtest", "--datadir", str(empty.datadir), "--connect", served.address, "--seconds", "0.3"]
    with Headway("peers", "list", *words, "--watch", "--jsonl") as command:
        lines = [command.wait_for_line(r'^(\{"id".*)$')[1] for _ in range(2)]
        command.signal(signal.SIGINT)
        assert command.wait() == 130
    assert all(json.loads(line)["addr"] == served.address for line in lines)


def test_nobody_is_exit_3_with_the_reason(empty: Peers) -> None:
    """On a network of Neo, too."""
    listener, address = listen()
    listener.close()
    empty.network = "neo3"
    assert empty("list", "--connect", address, "--seconds", 1) == 3
    assert f"no peer is reachable: {address}: connection refused" in empty.err
