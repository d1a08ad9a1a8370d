"""`headway sync`: each way in which it ends, and what it prints then."""

from __future__ import annotations

import asyncio
import json
import os
import re
import resource
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from headway import kernel
from headway.aio.config import LocalConfig
from headway.aio.peer import Peer
from headway.cli import main
from headway.cli.output import Exit
from headway.networks.bitcoin import REGTEST
from headway.store import Store
from headway.testing.chain import regtest_chain, store_chain
from headway.types import Address, hash_hex
from headway.wire import messages as m
from tests.interop.cli import HEADWAY, Headway
from tests.loopback import listen
from tests.socks import SocksProxy, in_a_thread
from tests.unit.cli.conftest import Served

KEYS = (
    "network height hash headers blocks bytes seconds headers_per_second blocks_per_second mb_per_second peers stalls "
    "reorgs kernel"
)


class Sync:
    """Runs the command in this process, with --json."""

    def __init__(self, capsys: pytest.CaptureFixture[str], datadir: Path) -> None:
        self._capsys = capsys
        self.datadir = datadir
        self.stderr = ""

    def __call__(self, address: str, *words: object) -> tuple[int, dict[str, Any]]:
        """The exit code and the object."""
        options = ["--network", "regtest", "--connect", address, "--datadir", str(self.datadir), "--json"]
        code = main(["sync", *options, *map(str, words)])
        printed = self._capsys.readouterr()
        self.stderr = printed.err
        (line,) = printed.out.splitlines()
        return code, json.loads(line)


@pytest.fixture
def sync(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Sync:
    return Sync(capsys, tmp_path / "data")


def test_whole_chain_is_brought_and_then_there_is_nothing_to_bring(sync: Sync, served: Served) -> None:
    code, result = sync(served.address, "--stop-at", "tip")
    assert code == Exit.DONE
    assert " ".join(result) == KEYS
    assert (result["network"], result["height"], result["hash"]) == ("regtest", served.height, served.tip)
    assert (result["headers"], result["blocks"], result["bytes"]) == (
        served.height,
        served.height,
        sum(map(len, served.chain)),
    )
    assert (result["peers"], result["stalls"], result["reorgs"], result["kernel"]) == (1, 0, 0, kernel.NAME)
    assert result["blocks_per_second"] == pytest.approx(served.height / result["seconds"], rel=0.01)
    assert result["mb_per_second"] == pytest.approx(result["bytes"] / 1e6 / result["seconds"], abs=0.001)
    code, result = sync(served.address, "--stop-at", "tip")
    assert (code, result["height"], result["blocks"], result["seconds"]) == (Exit.DONE, served.height, 0, 0.0)
    assert sync.stderr == ""
    with Store.open(sync.datadir, REGTEST, readonly=True) as store:
        assert [store.get_block(height) for height in range(1, served.height + 1)] == served.chain


def test_height_to_stop_at_is_the_last_block(sync: Sync, served: Served) -> None:
    code, result = sync(served.address, "--stop-at", 25)
    block = REGTEST.codec.parser.block_header(served.chain[24])
    assert (code, result["height"], result["blocks"]) == (Exit.DONE, 25, 25)
    assert result["hash"] == hash_hex(block.hash)
    sync(served.address, "--stop-at", "tip")
    code, result = sync(served.address, "--stop-at", 25)
    assert (code, result["height"], result["blocks"]) == (Exit.DONE, 25, 0)  # it is told about, whatever lies above
    assert result["hash"] == hash_hex(block.hash)


def test_a_relay_serves_what_it_brings(sync: Sync, served: Served, tmp_path: Path) -> None:
    """And says in its version that it keeps the newest blocks only, where it prunes."""
    for options, services in (([], ["NETWORK", "WITNESS"]), (["--prune", "1MB"], ["WITNESS", "NETWORK_LIMITED"])):
        datadir = str(tmp_path / str(len(options)))
        words = ["--network", "regtest", "--connect", served.address, "--datadir", datadir, "--bind", "127.0.0.1:0"]
        with Headway("sync", *words, *options) as relay:
            address = relay.wait_for_line(r"^listening (127\.0\.0\.1:\d+)$")[1]
            relay.wait_for_line("at the tip")
            with Headway("peer", address, "--network", "regtest", "--json") as peer:
                assert peer.result()["servicesnames"] == services
            if not options:
                code, result = sync(address, "--stop-at", "tip")
                assert (code, result["hash"], result["blocks"]) == (Exit.DONE, served.tip, served.height)


def test_headers_only_brings_no_block(sync: Sync, served: Served) -> None:
    code, result = sync(served.address, "--stop-at", "tip", "--headers-only")
    assert (code, result["height"], result["headers"], result["blocks"]) == (0, served.height, served.height, 0)


def test_address_named_twice_is_two_peers(sync: Sync, served: Served) -> None:
    code, result = sync(served.address, "--connect", served.address, "--stop-at", "tip")
    assert (code, result["peers"], result["blocks"]) == (Exit.DONE, 2, served.height)


def test_peer_that_is_added_is_dialled_where_none_is_found(
    served: Served, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--network", "regtest", "--addnode", served.address, "--no-dnsseed", "--datadir", str(tmp_path)]
    assert main(["sync", *words, "--stop-at", "tip", "--json"]) == Exit.DONE
    assert json.loads(capsys.readouterr().out)["height"] == served.height


def test_people_get_aligned_lines(served: Served, capsys: pytest.CaptureFixture[str]) -> None:
    """And the data directory is that of the user."""
    assert main(["sync", "--network", "regtest", "--connect", served.address, "--stop-at", "tip"]) == Exit.DONE
    lines = dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines())
    assert " ".join(lines) == KEYS
    assert lines["hash"] == served.tip


def test_deadline_is_exit_4_with_what_there_is_and_how_to_go_on(sync: Sync, served: Served) -> None:
    code, result = sync(served.address, "--deadline", 0.5, "--stop-at", served.height + 1)
    assert (code, result["height"]) == (Exit.INCOMPLETE, served.height)
    assert "the deadline came at height 60. What is here is kept; go on with: headway sync --network" in sync.stderr


def test_without_a_height_it_follows_the_chain_until_the_deadline(sync: Sync, served: Served) -> None:
    code, result = sync(served.address, "--deadline", 0.5)
    assert (code, result["height"]) == (Exit.INCOMPLETE, served.height)
    assert "at the tip, height 60; following the chain, Ctrl-C ends" in sync.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_is_exit_130_with_what_there_is_and_how_to_go_on(
    served: Served, tmp_path: Path, number: signal.Signals
) -> None:
    words = ["sync", "--network", "regtest", "--connect", served.address, "--datadir", str(tmp_path), "--json"]
    with Headway(*words) as command:
        command.wait_for_line("at the tip")
        command.signal(number)
        assert command.result(code=Exit.INTERRUPTED)["height"] == served.height
        assert any(line.endswith("go on with: headway " + " ".join(words)) for line in command.lines)


def test_nobody_to_reach_is_exit_3_with_the_reason(sync: Sync) -> None:
    listener, address = listen()
    listener.close()
    code, result = sync(str(address), "--stop-at", "tip")
    assert (code, result["height"], result["peers"]) == (Exit.NO_PEERS, 0, 0)
    assert result["error"] == f"no peer is reachable: {address}: connection refused"
    assert "Name one that runs with --connect" in sync.stderr


@contextmanager
def liar(chain: list[bytes]) -> Iterator[str]:
    """The address of a peer whose headers are right and whose blocks are not."""
    parser, listener = REGTEST.codec.parser, listen()
    hashes = [parser.block_header(block).hash for block in chain]

    def on_getheaders(peer: Peer, _message: m.GetHeaders) -> None:
        peer.send(m.Headers.fixed(b"".join(block[:80] for block in chain), parser, size=80))

    def on_getdata(peer: Peer, message: m.GetData) -> None:
        for entry in message.entries:
            block = chain[hashes.index(entry.hash)]
            peer.send(m.Block(block[:-1] + bytes([block[-1] ^ 1]), parser))

    async def serve() -> None:
        loop = asyncio.get_running_loop()
        accepted, _ = await loop.sock_accept(listener[0])
        config = LocalConfig(network="regtest", services=9, on_getheaders=on_getheaders, on_getdata=on_getdata)
        peer = Peer(accepted, inbound=True, config=config)
        await peer.run()
        assert peer._life is not None
        await asyncio.wait([peer._life])

    with listener[0]:
        thread = threading.Thread(target=lambda: asyncio.run(serve()))
        thread.start()
        yield str(listener[1])
        thread.join()


def test_peers_that_serve_invalid_data_are_exit_5_with_the_reason(sync: Sync, served: Served) -> None:
    with liar(served.chain[:3]) as address:
        code, result = sync(address, "--stop-at", "tip")
    assert (code, result["height"], result["headers"], result["blocks"]) == (Exit.INVALID_DATA, 0, 3, 0)
    assert result["error"].startswith(f"the peers serve invalid data: {address}: block 1:")


def test_data_directory_that_is_in_use_is_exit_1(sync: Sync, served: Served) -> None:
    with Store.open(sync.datadir, REGTEST):
        code, result = sync(served.address, "--stop-at", "tip")
    assert code == Exit.FAILED
    assert "in use by another headway" in result["error"]


def test_what_was_repaired_is_said(sync: Sync, served: Served) -> None:
    sync(served.address, "--stop-at", "tip")
    with (sync.datadir / "headers.bin").open("ab") as file:
        file.write(b"torn")
    code, _ = sync(served.address, "--stop-at", "tip")
    assert code == Exit.DONE
    assert "repaired: cut 4 bytes" in sync.stderr


def test_quiet_says_nothing_but_data(sync: Sync, served: Served) -> None:
    sync(served.address, "--deadline", 0.2, "-q")
    assert "at the tip" not in sync.stderr


def test_the_deadline_tells_why_peers_failed(sync: Sync) -> None:
    listener, address = listen()
    listener.close()
    code, _ = sync(str(address), "--deadline", 0.5)
    assert code == Exit.INCOMPLETE
    assert f"peers failed: {address}: connection refused)" in sync.stderr


@pytest.mark.parametrize("durability", ["none", "batch", "block"])
def test_the_chain_is_the_same_with_every_durability(sync: Sync, served: Served, durability: str) -> None:
    code, result = sync(served.address, "--stop-at", "tip", "--durability", durability)
    assert (code, result["hash"], result["blocks"]) == (Exit.DONE, served.tip, served.height)


def test_a_pruned_sync_keeps_the_last_blocks_and_verify_says_from_where(
    sync: Sync, capsys: pytest.CaptureFixture[str]
) -> None:
    chain = list(regtest_chain(320))
    with Store.open(sync.datadir / "whole", REGTEST) as store:
        list(store_chain(store, chain))
    with Headway(
        "serve", "--network", "regtest", "--datadir", sync.datadir / "whole", "--bind", "127.0.0.1:0"
    ) as serve:
        address = serve.wait_for_line(r"^listening (.*)$")[1]
        code, result = sync(address, "--stop-at", "tip", "--prune", "1kB", "--durability", "none")
        assert (code, result["height"], result["blocks"]) == (Exit.DONE, 320, 320)
        code, result = sync(address, "--stop-at", "tip")
        assert (code, result["height"], result["blocks"]) == (Exit.DONE, 320, 0)
    assert main(["verify", str(sync.datadir), "--network", "regtest", "--json"]) == Exit.DONE
    verified = json.loads(capsys.readouterr().out)
    assert (verified["valid"], verified["headers"], verified["blocks"]) == (True, 320, 288)
    assert verified["pruneheight"] == 320 - 288 + 1
    assert main(["verify", str(sync.datadir), "--network", "regtest"]) == Exit.DONE
    assert "(pruned: those from height 33 on are kept)" in capsys.readouterr().out


@pytest.mark.parametrize("limit", [100, 4_500, 8_000])
def test_a_full_disk_is_exit_1_with_what_is_missing_and_it_goes_on_when_there_is_room(
    sync: Sync, served: Served, capsys: pytest.CaptureFixture[str], limit: int
) -> None:
    """The limit on the size of files is what a process can meet without filling a disk: in the headers, in the
    blocks."""
    words = [HEADWAY, "sync", "--network", "regtest", "--connect", served.address, "--datadir", sync.datadir]
    full = subprocess.run(
        [*map(str, words), "--stop-at", "tip", "--json"],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
        # The counts of branch coverage would not fit the limit either, and say so with a traceback of their own.
        env={name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert full.returncode == Exit.FAILED
    error = json.loads(full.stdout)["error"]
    assert re.search(
        r"File too large \([\d,]+ bytes were to be written, [\d,]+ are free; raise the limit .*ulimit", error
    )
    assert "what was stored before is intact" in error
    assert "Still to come: " in error
    assert error in full.stderr
    assert "Traceback" not in full.stderr
    assert main(["verify", str(sync.datadir), "--network", "regtest", "--json"]) == Exit.DONE
    stored = json.loads(capsys.readouterr().out)["blocks"]
    assert (stored > 0) == (limit == 8_000)
    code, result = sync(served.address, "--stop-at", "tip")
    assert (code, result["hash"], result["blocks"]) == (Exit.DONE, served.tip, served.height - stored)
    assert sync.stderr == ""  # nothing had to be repaired


@pytest.mark.parametrize(
    ("option", "value", "complaint"),
    [
        ("--stop-at", "tpi", "'tpi' is no height"),
        ("--stop-at", "-1", "'-1' is no height"),
        ("--deadline", "0", "--deadline"),
        ("--deadline", "nan", "--deadline"),
        ("--deadline", "inf", "--deadline"),
        ("--peers", "0", "--peers"),
        ("--durability", "always", "'always' is not one of 'none', 'batch', 'block'"),
        ("--prune", "much", "'much' is no size"),
        ("--prune", "0", "'0' is less than a byte"),
        ("--connect", "host:port", "--connect: not a port"),
        ("--addnode", "host:port", "not a port: 'port' in 'host:port'"),
        ("--seednode", "host:0", "port 0 of 'host:0' is not between"),
        ("--checkpoint", "5:00", "regtest proves itself by its work"),
        ("--peers-file", "/no/such/file", "cannot read the peers file /no/such/file"),
    ],
)
def test_wrong_option_is_exit_2(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, option: str, value: str, complaint: str
) -> None:
    assert main(["sync", "--network", "regtest", "--datadir", str(tmp_path), option, value]) == Exit.USAGE
    assert complaint in capsys.readouterr().err


# How others are reached.


def test_chain_is_brought_through_a_proxy(sync: Sync, served: Served) -> None:
    name = "x" * 56 + ".onion:18444"
    route = {name.partition(":")[0]: Address.parse(served.address)}
    with in_a_thread(SocksProxy(route)) as proxy:
        code, result = sync(name, "--stop-at", "tip", "--proxy", proxy.address)
    assert (code, result["height"]) == (Exit.DONE, served.height)
    assert [asked.kind for asked in proxy.asked] == [3]


def test_dead_proxy_is_named_when_no_peer_is_reachable(sync: Sync) -> None:
    code, result = sync("x.onion:1", "--onion", "127.0.0.1:1", "--deadline", "0.5")
    assert code == Exit.INCOMPLETE
    assert "the proxy 127.0.0.1:1 cannot be reached: connection refused" in sync.stderr
    assert result["peers"] == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--connect", "x.onion:1"], "no way to x.onion:1: onion services are reached through Tor"),
        (["--proxy", "127.0.0.1:tor"], "proxy: not a port: 'tor'"),
        (["--onlynet", "onion"], "onlynet onion: onion services are reached through Tor"),
        (["--onlynet", "i2p"], "onlynet i2p: headway has no way into I2P"),
        (["--onlynet", "tor"], "'ipv4', 'ipv6', 'onion', 'i2p', 'cjdns'"),
        (["--timeout", "5000"], "5000.0 is not in the range 0<x<=600"),
    ],
)
def test_ways_that_cannot_be_are_wrong_use(
    words: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["sync", "--network", "regtest", "--datadir", str(tmp_path), *words]) == Exit.USAGE
    assert said in capsys.readouterr().err.replace("\n", " ")


def test_time_to_dial_is_as_the_user_says(sync: Sync) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full, socket.create_connection(full.getsockname()):
        code, _ = sync("{}:{}".format(*full.getsockname()), "--timeout", "0.05", "--deadline", "1")
    assert code == Exit.INCOMPLETE
    assert "no answer within 0.05 s" in sync.stderr


def test_metrics_can_be_asked_for_while_it_follows_the_chain(served: Served, tmp_path: Path) -> None:
    words = ["--network", "regtest", "--connect", served.address, "--metrics", "127.0.0.1:0"]
    with Headway("sync", *words, "--datadir", tmp_path) as command:
        address = command.wait_for_line(r"^metrics http://(\S+)/metrics$")[1]
        command.wait_for_line("at the tip")
        connection = HTTPConnection(address, timeout=30)
        connection.request("GET", "/metrics")
        text = connection.getresponse().read().decode()
        connection.close()
        command.signal(signal.SIGINT)
        assert command.wait() == Exit.INTERRUPTED
    assert f"\nheadway_block_height {served.height}.0\n" in text
