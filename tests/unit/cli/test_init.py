"""The group: its commands, and what errors and signals mean to the shell."""

from __future__ import annotations

import json
import signal
import socket
import subprocess

import click
import pytest

from headway import __version__, cli, errors
from headway.cli import COMMANDS, exit_code, main
from headway.cli.output import Exit
from headway.types import BlockId
from tests.interop.cli import HEADWAY, Headway

BLOCK = BlockId(1, bytes(32))


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == Exit.DONE
    text = capsys.readouterr().out
    assert all(f"  {name} " in text for name in COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_there_and_explains_itself(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([name, "--help"]) == Exit.DONE
    text = capsys.readouterr().out
    assert f"Usage: headway {name}" in text
    assert "--json" in text


def test_version_is_that_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == Exit.DONE
    assert capsys.readouterr().out == f"headway {__version__}\n"


@pytest.mark.parametrize(
    "words", [["nosuch"], ["sync", "--nosuch"], ["peer"], ["sync", "--network", "regtset"], []], ids=" ".join
)
def test_wrong_usage_is_exit_2_and_says_what_is_wrong(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == Exit.USAGE
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "Usage: headway" in printed.err


@pytest.mark.parametrize("words", [["nosuch"], ["sync", "--nosuch"], ["sync", "--network", "regtset"]], ids=" ".join)
def test_wrong_usage_with_json_is_an_object_too(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*words, "--json"]) == Exit.USAGE
    printed = capsys.readouterr()
    assert json.loads(printed.out)["error"] in printed.err


def test_closed_stdout_is_no_bug_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout", None)
    assert main(["--version"]) == Exit.DONE


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.ConfigError("x"), Exit.USAGE),
        (errors.StoreError("x"), Exit.FAILED),
        (errors.LocalProtocolError("x"), Exit.FAILED),
        (errors.PeerGone("x"), Exit.NO_PEERS),
        (errors.RequestTimeout("x"), Exit.NO_PEERS),
        (errors.HandshakeRejected("x"), Exit.NO_PEERS),
        (errors.CodecError("x"), Exit.INVALID_DATA),
        (errors.InvalidBlock("bad-txnmrklroot", BLOCK), Exit.INVALID_DATA),
        (ZeroDivisionError(), None),
    ],
    ids=lambda value: type(value).__name__,
)
def test_each_error_has_its_exit_code(error: Exception, code: Exit | None) -> None:
    assert exit_code(error) == code


@click.command()
@click.option("--json", "wants_json", is_flag=True)
@click.option("--raise", "what", required=True)
@click.pass_context
def failing(ctx: click.Context, wants_json: bool, what: str) -> None:
    ctx.meta[cli.JSON_WANTED] = wants_json
    raise {"store": errors.StoreError("the disk\x1b[2J is full"), "bug": ZeroDivisionError()}[what]


@pytest.fixture
def failing_command(monkeypatch: pytest.MonkeyPatch) -> None:
    """`headway failing`: raises what it is told to."""
    monkeypatch.setattr(cli._Commands, "get_command", lambda _self, _ctx, _name: failing)


@pytest.mark.usefixtures("failing_command")
def test_error_is_one_harmless_line_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["failing", "--raise", "store"]) == Exit.FAILED
    assert capsys.readouterr() == ("", "error: the disk?[2J is full\n")


@pytest.mark.usefixtures("failing_command")
def test_error_of_a_command_with_json_is_an_object_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["failing", "--raise", "store", "--json"]) == Exit.FAILED
    assert json.loads(capsys.readouterr().out) == {"error": "the disk\x1b[2J is full"}


@pytest.mark.usefixtures("failing_command")
def test_bug_is_not_dressed_up() -> None:
    with pytest.raises(ZeroDivisionError):
        main(["failing", "--raise", "bug"])


def test_reader_that_hangs_up_is_no_error_to_talk_about() -> None:
    with subprocess.Popen([HEADWAY, "--help"], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait() == Exit.FAILED


def test_interrupt_is_exit_130() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = "{}:{}".format(*silent.getsockname())
        with Headway("peer", address, "--network", "regtest", "-v") as command:
            command.wait_for_line("> version")
            command.signal(signal.SIGINT)
            assert command.wait() == Exit.INTERRUPTED
            assert not any("Traceback" in line for line in command.lines)
