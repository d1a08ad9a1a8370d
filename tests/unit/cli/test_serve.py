"""`headway serve`: where it listens, whom it answers, how it ends."""

from __future__ import annotations

import json
import signal
from http.client import HTTPConnection
from pathlib import Path

import pytest

from headway.cli import main
from headway.cli.output import Exit
from tests.interop.cli import Headway
from tests.loopback import listen


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_says_where_it_listens_and_ends_by_a_signal(tmp_path: Path, number: signal.Signals) -> None:
    words = ["serve", "--network", "regtest", "--datadir", str(tmp_path), "--bind", "127.0.0.1:0", "--json"]
    with Headway(*words) as command:
        address = command.wait_for_line(r"^listening (127\.0\.0\.1:[1-9]\d*)$")[1]
        with Headway("peer", address, "--network", "regtest", "--json") as peer:
            assert peer.result()["headers"] == 0
        command.signal(number)
        result = command.result(code=Exit.INTERRUPTED)
        assert (result["network"], result["listening"], result["height"]) == ("regtest", address, 0)
        assert any(line.endswith("Serve again with: headway " + " ".join(words)) for line in command.lines)


def test_directory_without_a_chain_is_noted(tmp_path: Path) -> None:
    with Headway("serve", "--network", "regtest", "--datadir", tmp_path, "--bind", "127.0.0.1:0") as command:
        command.wait_for_line("nothing here yet to serve but the first block")


def test_a_chain_that_begins_at_a_trusted_block_is_served_as_such(tmp_path: Path) -> None:
    at_five = ["--network", "neo3", "--checkpoint", f"5:{'ab' * 32}:{'cd' * 20}"]
    with Headway("serve", *at_five, "--datadir", tmp_path, "--bind", "127.0.0.1:0") as command:
        command.wait_for_line("nothing here yet to serve but the first block")
        address = command.wait_for_line(r"^listening (.*)$")[1]
        with Headway("peer", address, "--network", "neo3", "--json") as peer:
            result = peer.result()
        assert (result["startingheight"], result["headers"]) == (5, 0)


def test_port_that_is_taken_is_exit_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    listener, address = listen()
    with listener:
        words = ["serve", "--network", "regtest", "--datadir", str(tmp_path), "--bind", str(address), "--json"]
        assert main(words) == Exit.USAGE
    assert json.loads(capsys.readouterr().out)["error"] == f"cannot listen on {address}: address already in use"


def test_a_checkpoint_on_a_chain_that_proves_itself_is_exit_2(tmp_path: Path) -> None:
    words = ["serve", "--network", "regtest", "--datadir", str(tmp_path), "--checkpoint", "5:00:00"]
    assert main(words) == Exit.USAGE


def test_metrics_can_be_asked_for_where_it_says(tmp_path: Path) -> None:
    where = ["--bind", "127.0.0.1:0", "--metrics", "127.0.0.1:0"]
    with Headway("serve", "--network", "regtest", "--datadir", tmp_path, *where) as command:
        address = command.wait_for_line(r"^metrics http://(127\.0\.0\.1:[1-9]\d*)/metrics$")[1]
        command.wait_for_line(r"^listening ")
        connection = HTTPConnection(address, timeout=30)
        connection.request("GET", "/metrics")
        text = connection.getresponse().read().decode()
        connection.close()
    assert '\nheadway_info{chain="regtest",' in text
    assert "\nheadway_store_headers 1.0\n" in text


def test_metrics_need_a_port(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["serve", "--network", "regtest", "--datadir", str(tmp_path), "--metrics", "127.0.0.1", "--json"]
    assert main(words) == Exit.USAGE
    assert "no port in '127.0.0.1'" in json.loads(capsys.readouterr().out)["error"]


def test_it_listens_at_each_place(tmp_path: Path) -> None:
    binds = ["--bind", "127.0.0.1:0", "--bind", "[::1]:0", "--maxuploadtarget", "5MB"]
    with Headway("serve", "--network", "regtest", "--datadir", tmp_path, *binds) as command:
        for pattern in (r"^listening (127\.0\.0\.1:\d+)$", r"^listening (\[::1\]:\d+)$"):
            address = command.wait_for_line(pattern)[1]
            with Headway("peer", address, "--network", "regtest", "--json") as peer:
                assert peer.result()["servicesnames"] == ["NETWORK", "WITNESS"]


@pytest.mark.parametrize(
    ("option", "value", "complaint"),
    [("--externalip", "here:there", "here:there"), ("--maxuploadtarget", "much", "'much' is no size")],
)
def test_what_cannot_be_is_exit_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str, value: str, complaint: str
) -> None:
    assert main(["serve", "--network", "regtest", "--datadir", str(tmp_path), option, value, "--json"]) == Exit.USAGE
    assert complaint in json.loads(capsys.readouterr().out)["error"]
