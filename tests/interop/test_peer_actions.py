"""Every action of `headway peer` against a real bcoin node: what it prints is what the node has."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from headway.store.peers_file import read_peers_file
from headway.types import Address
from tests.interop.cli import Headway, run
from tests.interop.nodes import BLOCKS, Bcoin, Tip

pytestmark = pytest.mark.interop


@pytest.fixture(scope="module")
def node() -> Iterator[Bcoin]:
    with Bcoin() as node:
        node.mine(BLOCKS)
        yield node


def words(node: Bcoin, action: str, *more: str | Path) -> list[str | Path]:
    return ["peer", action, node.address, "--network", "regtest", *more]


def test_info_is_the_report(node: Bcoin) -> None:
    result = run(*words(node, "info"))
    assert (result["subver"], result["startingheight"], result["headers"]) == ("/bcoin:v1.0.2/", BLOCKS, 2_000)


def test_pings_come_back_until_we_are_interrupted(node: Bcoin) -> None:
    assert run(*words(node, "ping", "-c", "20", "-i", "0"))["received"] == 20
    with Headway(*words(node, "ping", "-i", "0.01")) as command:
        command.wait_for_line("seq=5 ")
        command.signal(signal.SIGINT)
        assert command.wait() == 130
        assert command.stdout[-1].startswith("round trip min/avg/max")


def test_headers_of_two_messages_end_at_the_nodes_tip(node: Bcoin, tmp_path: Path) -> None:
    result = run(*words(node, "headers", "--count", "9999"))
    assert (result["count"], result["unchecked"]) == (BLOCKS, {})
    assert Tip(**result["tip"]) == node.tip()
    below = result["headers"][-11]
    after = run(*words(node, "headers", "--from", f"{below['height']}:{below['hash']}"))
    assert after["headers"] == result["headers"][-10:]
    run(*words(node, "headers", "--count", "9999", "--raw", tmp_path / "headers"))
    verified = run("verify", tmp_path / "headers", "--network", "regtest")
    assert (verified["valid"], Tip(**verified["tip"])) == (True, node.tip())


def test_blocks_are_verified_and_written_and_the_missing_one_is_named(node: Bcoin, tmp_path: Path) -> None:
    listed = run(*words(node, "headers", "--count", "40"))["headers"]
    names = [f"{header['height']}:{header['hash']}" for header in listed]
    result = run(*words(node, "blocks", *names, "--out", tmp_path))
    assert [block["hash"] for block in result["blocks"]] == [header["hash"] for header in listed]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(f"{header['hash']}.blk" for header in listed)
    missing = run(*words(node, "blocks", names[0], "ab" * 32), code=1)
    assert [block["hash"] for block in missing["missing"]] == ["ab" * 32]


def test_node_that_knows_no_address_is_silent_which_is_exit_4(node: Bcoin) -> None:
    result = run(*words(node, "addresses", "--timeout", "1"), code=4)
    assert result["addresses"] == []


def test_addresses_of_the_nodes_book_are_a_peers_file(node: Bcoin, tmp_path: Path) -> None:
    known = {Address("127.0.0.2", 7), Address("127.0.0.3", 8)}
    for address in known:
        node.know(address.host, address.port)
    with Headway(*words(node, "addresses")) as command:
        assert command.wait() == 0
    assert all("# NETWORK, WITNESS; seen 20" in line for line in command.stdout)
    (tmp_path / "peers").write_text("\n".join(command.stdout))
    assert set(read_peers_file(tmp_path / "peers", 18444)) == known


def test_shell_shows_what_goes_both_ways(node: Bcoin) -> None:
    tip = node.tip()
    with Headway(*words(node, "shell")) as command:
        command.wait_for_line("= READY")
        command.write_line("ping")
        command.wait_for_line("round trip")
        command.write_line("getheaders")
        command.wait_for_line(r"^< headers \[2000\]$")
        command.write_line(f"getdata block {tip.hash}")
        command.wait_for_line(r"^< block \[\d+ bytes\]$")
        command.write_line("last block")
        command.wait_for_line(f"hash  {tip.hash}")
        command.write_line("quit")
        assert command.wait() == 0


def test_script_ends_once_the_node_has_answered_everything(node: Bcoin) -> None:
    listed = run(*words(node, "headers", "--count", "30"))["headers"]
    with Headway(*words(node, "shell", "--jsonl")) as command:
        for header in listed:
            command.write_line(f"getdata block {header['hash']}")
        command.end_input()
        assert command.wait() == 0
    lines = [json.loads(line)["line"] for line in command.stdout]
    assert sum(line.startswith("< block [") for line in lines) == 30
