"""A conversation line by line, as a script on stdin: what each line does, and how it ends."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from headway.aio.peer import Peer
from headway.cli import main
from headway.cli.output import Exit
from headway.cli.peer.shell import conversation
from headway.cli.peer.shell.conversation import HELP, MAX_REMEMBERED, NAMES, showing_trace
from headway.cli.peer.shell.words import MESSAGES
from headway.peer.log import trace, tracer
from headway.types import hash_hex
from headway.wire import messages as m
from tests.unit.cli.peer.conftest import CHAIN, HASHES, KNOWN, PARSER, answering, headers_of, remote

Said = tuple[list[str], list[str]]
"""Lines of stdout after the handshake, and of stderr."""


@contextmanager
def stdin(text: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    reading, writing = os.pipe()
    os.write(writing, text.encode())
    os.close(writing)
    with os.fdopen(reading) as stream:
        monkeypatch.setattr("sys.stdin", stream)
        yield


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Said]:
    """Runs lines at a remote; what was shown after the handshake, without the end."""

    def run(address: str, *lines: str, code: Exit = Exit.DONE, timeout: str = "30") -> Said:
        with stdin("\n".join(lines), monkeypatch):
            words = ["peer", "shell", address, "--network", "regtest", "--timeout", timeout]
            assert main(words) == code
        printed = capsys.readouterr()
        shown = printed.out.splitlines()
        assert shown[-1] == "= CLOSED"
        begin = shown.index("> sendcmpct") + 1
        said = [line for line in shown[begin:-2] if line not in {"< sendheaders", "< sendcmpct"}]
        return said, printed.err.splitlines()

    return run


def test_message_is_sent_and_its_answer_seen(script: Callable[..., Said]) -> None:
    with remote(on_getheaders=answering(headers_of(CHAIN))) as address:
        shown, said = script(address, "getheaders", "", "# a comment")
    assert [line for line in shown if line[0] == ">"] == ["> getheaders [1 hashes]", "> ping"]
    assert [line for line in shown if line[0] == "<"] == ["< headers [30]", "< pong"]
    assert said == []


def test_end_of_the_input_waits_for_answers_that_come_aside(
    script: Callable[..., Said], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A remote that answers after its pong: silence is the end, not the pong."""
    monkeypatch.setattr(conversation, "QUIET", 3.0)  # longer than the remote is late, on the busiest machine

    async def later(peer: Peer, _message: m.GetData) -> None:
        peer._loop.call_later(0.2, peer.send, m.Block(CHAIN[0], PARSER))

    with remote(on_getdata=later) as address:
        shown, _ = script(address, f"getdata block {hash_hex(HASHES[0])}")
    assert shown.index("< pong") < shown.index(f"< block [{len(CHAIN[0])} bytes]")


def test_quit_ends_at_once(script: Callable[..., Said]) -> None:
    with remote() as address:
        shown, _ = script(address, "getaddr", "quit", "mempool")
    assert shown == ["> getaddr"]


def test_ping_without_a_nonce_measures(script: Callable[..., Said]) -> None:
    with remote() as address:
        shown, _ = script(address, "ping", "ping 5", "quit")
    assert shown[:2] == ["> ping", "< pong"]
    assert shown[2].startswith("  round trip ")
    assert shown[2].endswith(" ms")
    assert shown[3] == "> ping"


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("nonsense", "'nonsense' is no message and no command; try: help"),
        ("getdata", "usage: getdata KIND HASH..."),
        ("raw", "usage: raw COMMAND [HEX]"),
        ("decode 00", "1 bytes at the end are no whole frame"),
        ("decode headers 05", "headers"),
        ("last", "no message has come yet"),
        ("last block", "no block has come yet"),
        ("wait", "usage: wait COMMAND"),
        ("'unbalanced", "No closing quotation"),
        ("raw waytoolongcommand", "waytoolongcommand"),
    ],
)
def test_line_that_cannot_be_done_is_said_and_the_rest_goes_on(
    line: str, wrong: str, script: Callable[..., Said]
) -> None:
    with remote() as address:
        shown, said = script(address, line, "getaddr", "quit", code=Exit.FAILED)
    assert shown == ["> getaddr"]
    assert len(said) == 1
    assert said[0].startswith("error: ")
    assert wrong in said[0]


def test_last_message_is_told_field_by_field(script: Callable[..., Said]) -> None:
    with remote(on_getaddr=answering(m.Addr(KNOWN), m.FeeFilter(7))) as address:
        shown, _ = script(address, "getaddr", "wait feefilter", "last", "last addr", "quit")
    told = shown[shown.index("< feefilter") + 1 :]
    assert told == ["feefilter", "  fee_rate  7", "addr [2]", "  addresses  [2]", *(f"    {each}" for each in KNOWN)]


def test_wait_is_for_what_comes_after_the_last_message_sent(script: Callable[..., Said]) -> None:
    with remote(on_getaddr=answering(m.Addr(KNOWN))) as address:
        lines = ("getaddr", "wait addr", "wait addr", "mempool", "wait addr", "quit")
        shown, said = script(address, *lines, code=Exit.FAILED, timeout="2")
    assert shown[:3] == ["> getaddr", "< addr [2]", "> mempool"]
    assert said == ["error: no addr came within 2 s"]


def test_wait_for_a_time(script: Callable[..., Said]) -> None:
    with remote() as address:
        assert script(address, "wait 0.01", "quit") == ([], [])


def test_raw_message_goes_out_as_it_is(script: Callable[..., Said]) -> None:
    with remote(on_getaddr=answering(m.Addr(KNOWN))) as address:
        shown, _ = script(address, "raw getaddr", "wait addr", "quit")
    assert shown == ["> getaddr [0 bytes]", "< addr [2]"]


def test_decode_needs_no_peer_but_the_network(script: Callable[..., Said]) -> None:
    with remote() as address:
        assert script(address, "decode ping 0700000000000000", "quit")[0][:2] == ["ping", "  nonce  7"]


def test_help_lists_everything_and_info_reports(script: Callable[..., Said]) -> None:
    with remote() as address:
        shown, _ = script(address, "help", "help ping", "info", "quit")
    assert all(any(line.startswith(words) for line in shown) for words in HELP)
    assert all(any(line.startswith(f"  {command}") for line in shown) for command in MESSAGES)
    assert "ping nonce:N [height=N] [wall_time=N]" in shown
    assert any(line.startswith("subver ") for line in shown)
    assert set(NAMES) > set(MESSAGES)


def test_peer_that_ends_it_is_exit_3(script: Callable[..., Said]) -> None:
    """Negotiation after the handshake ends a connection with a node of ours, as with Core."""
    with remote() as address:
        shown, said = script(address, "wtxidrelay", "wait 30", code=Exit.NO_PEERS)
    assert shown == ["> wtxidrelay"]
    assert "the remote closed the connection" in said[-1]


def test_peer_cannot_make_us_remember_more_than_the_cap(script: Callable[..., Said]) -> None:
    many = [m.Unknown(f"c{number}", b"") for number in range(MAX_REMEMBERED + 5)]
    with remote(on_getaddr=answering(*many)) as address:
        _, said = script(
            address, "getaddr", f"wait c{MAX_REMEMBERED + 4}", "last c5", "last c4", "quit", code=Exit.FAILED
        )
    assert said == ["error: no c4 has come yet"]


def test_trace_is_shown_without_the_number_of_the_peer_and_the_log_is_put_back() -> None:
    lines: list[str] = []
    before = trace.handlers[:], trace.level, trace.propagate
    with showing_trace(lines.append):
        log = tracer(7)
        assert log is not None
        log("> ping")
        trace.debug("%s", "not of a peer")
    assert lines == ["> ping", "not of a peer"]
    assert (trace.handlers, trace.level, trace.propagate) == before
    assert not trace.isEnabledFor(logging.DEBUG)
