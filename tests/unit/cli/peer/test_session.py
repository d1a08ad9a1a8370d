"""What the actions share: their options, how long they wait, and how they end."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from headway.cli.output import Exit, Output
from headway.cli.peer.session import (
    Ending,
    Target,
    dialled,
    ending_of,
    finish,
    genesis_of,
    open_raw,
    patient,
    peer_options,
    raw_option,
)
from headway.errors import InvalidHeader, PeerGone, ProxyFailed, RequestTimeout
from headway.networks.bitcoin import REGTEST
from headway.types import Address, BlockId
from headway.ways import Ways
from tests.loopback import ToyServer, listen, on_loop
from tests.socks import SocksProxy


@click.command()
@peer_options(timeout=5.0, many=True)
@raw_option("somewhere")
def action(target: Target, raw: str | None, output: Output) -> None:
    """Says what it was called with."""
    click.echo(f"{target.address} {target.network.name} {target.network.timing.headers_timeout:g} {raw} {output.jsonl}")
    if (file := open_raw(raw, output)) is not None:
        file.write(b"raw bytes")


def test_action_gets_whom_to_talk_to_and_how_long_to_wait() -> None:
    runner = CliRunner()
    assert runner.invoke(action, ["127.0.0.1"]).output == "127.0.0.1:8333 bitcoin 5 None False\n"
    words = ["[::1]:7", "--network", "regtest", "--timeout", "9", "--jsonl"]
    assert runner.invoke(action, words).output == "[::1]:7 regtest 9 None True\n"


def test_behind_a_proxy_an_answer_may_take_longer_unless_the_user_says_how_long() -> None:
    runner = CliRunner()
    tor = ["--proxy", "127.0.0.1:9050"]
    assert runner.invoke(action, ["127.0.0.1", *tor]).output == "127.0.0.1:8333 bitcoin 5 None False\n"
    assert runner.invoke(action, ["peer.example", *tor]).output == "peer.example:8333 bitcoin 10 None False\n"
    onion = "x" * 56 + ".onion"
    assert runner.invoke(action, [onion, *tor]).output == f"{onion}:8333 bitcoin 15 None False\n"
    assert runner.invoke(action, [onion, *tor, "--timeout", "9"]).output == f"{onion}:8333 bitcoin 9 None False\n"


@pytest.mark.parametrize(
    ("words", "wrong"),
    [
        (["host:port"], "HOST:PORT"),
        (["h", "--timeout", "0"], "--timeout"),
        (["h", "--timeout", "inf"], "no number of seconds"),
        (["h", "--json", "--jsonl"], "exclude each other"),
        (["h", "--json", "--raw", "-"], "both want stdout"),
    ],
)
def test_wrong_options_are_named(words: list[str], wrong: str) -> None:
    result = CliRunner().invoke(action, words)
    assert result.exit_code == 2
    assert wrong in result.output


def test_raw_bytes_go_to_a_file_or_to_stdout(tmp_path: Path) -> None:
    runner = CliRunner()
    assert runner.invoke(action, ["h", "--raw", str(tmp_path / "file"), "--json"]).exit_code == 0
    assert (tmp_path / "file").read_bytes() == b"raw bytes"
    assert runner.invoke(action, ["h", "--raw", "-"]).output.endswith("raw bytes")


def test_every_wait_for_an_answer_is_as_long_as_the_user_says() -> None:
    timing = patient(REGTEST, 7.0).timing
    assert (timing.handshake_timeout, timing.ping_timeout, timing.headers_timeout, timing.batch_timeout) == (7.0,) * 4
    assert patient(REGTEST, 1_000.0).timing.connect_timeout == REGTEST.timing.connect_timeout
    slow = patient(REGTEST, 1_000.0, 3.0).timing
    assert slow.connect_timeout == 3 * REGTEST.timing.connect_timeout
    assert slow.headers_timeout == 1_000.0


def test_genesis_is_the_first_block_of_the_network() -> None:
    assert genesis_of(REGTEST) == BlockId(0, REGTEST.rules.parse_header(REGTEST.rules.genesis).hash)


@on_loop
async def test_connection_that_cannot_be_made_says_what_to_look_at() -> None:
    listener, address = listen()
    listener.close()
    with pytest.raises(PeerGone, match=r"connection refused. Is a node of regtest running there"):
        async with dialled(Target(address, REGTEST)):
            pass


@on_loop
async def test_peer_is_reached_through_a_proxy_and_a_dead_one_says_what_to_look_at() -> None:
    target = Address("x" * 56 + ".onion", 7)
    async with (
        ToyServer([], REGTEST) as server,
        SocksProxy({target.host: server.address}) as proxy,
        dialled(Target(target, REGTEST, Ways.of(onion=proxy.address))) as peer,
    ):
        assert peer.info.addr == str(target)
        assert peer.info.network == "onion"
    with pytest.raises(ProxyFailed, match="Is a SOCKS5 proxy running there"):
        async with dialled(Target(target, REGTEST, Ways.of(onion=proxy.address))):
            pytest.fail("the proxy is no more")


@on_loop
async def test_silent_port_is_given_up_after_the_timeout() -> None:
    listener, address = listen()
    with listener, pytest.raises(RequestTimeout, match="Is a node of regtest running there"):
        async with dialled(Target(address, patient(REGTEST, 0.05))):
            pass


async def done() -> None:
    """Nothing to do."""


async def never() -> None:
    await asyncio.Event().wait()


async def fails(error: Exception) -> None:
    raise error


@on_loop
async def test_action_ends_when_it_is_done_or_interrupted_or_fails() -> None:
    interrupted = asyncio.Event()
    assert await ending_of(done(), interrupted) == Ending(Exit.DONE)
    error = InvalidHeader("high-hash", BlockId(1, bytes(32)))
    assert await ending_of(fails(error), interrupted) == Ending(Exit.INVALID_DATA, str(error))
    assert await ending_of(fails(PeerGone("gone")), interrupted) == Ending(Exit.NO_PEERS, "gone")
    assert await ending_of(fails(OSError(28, "full")), interrupted) == Ending(Exit.FAILED, "cannot write: full")
    for bug in (BrokenPipeError(), ZeroDivisionError()):
        with pytest.raises(type(bug)):
            await ending_of(fails(bug), interrupted)
    interrupted.set()
    assert await ending_of(never(), interrupted) == Ending(Exit.INTERRUPTED)


def test_what_was_got_is_printed_whatever_came_then(capsys: pytest.CaptureFixture[str]) -> None:
    ending = Ending(Exit.NO_PEERS, "gone")
    assert finish(Output(json=True), ending, {"count": 2}) == Exit.NO_PEERS
    printed = capsys.readouterr()
    assert json.loads(printed.out) == {"count": 2, "error": "gone"}
    assert printed.err == "error: gone\n"
    assert finish(Output(), ending, {"count": 2}) == Exit.NO_PEERS
    assert capsys.readouterr().out == "count  2\n"
    assert finish(Output(), ending, {}) == Exit.NO_PEERS
    assert capsys.readouterr().out == ""
