"""Where the shell reads and shows: a pipe, a file, a terminal."""

from __future__ import annotations

import asyncio
import json
import os
import termios
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import click
import pytest

from headway.cli.output import Output
from headway.cli.peer.shell import console as module
from headway.cli.peer.shell.console import PROMPT, Console
from tests.loopback import on_loop

CLEAR = "\r\x1b[K"


async def lines_of(console: Console) -> list[str]:
    async with console:
        return [line async for line in console.lines()]


# A pipe or a file.


@pytest.fixture
def pipe(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """The writing end of stdin; whoever closes it, or the test, ends it."""
    reading, writing = os.pipe()
    with os.fdopen(reading) as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        yield writing


def test_lines_of_a_pipe_come_as_they_come(pipe: int) -> None:
    os.write(pipe, "one\ntwo\nж".encode() + b"\xff half")
    os.close(pipe)
    assert asyncio.run(lines_of(Console(Output()))) == ["one", "two", "ж\ufffd half"]


def test_line_in_pieces_is_one_line(pipe: int) -> None:
    @on_loop
    async def test() -> None:
        console = Console(Output())
        lines = console.lines()
        for piece in (b"o", b"n", b"e\nt"):
            os.write(pipe, piece)
        assert await anext(lines) == "one"
        reading = asyncio.ensure_future(anext(lines))
        await asyncio.sleep(0)
        assert not reading.done()
        os.write(pipe, b"wo\n")
        assert await reading == "two"
        await lines.aclose()

    test()
    os.close(pipe)


def test_line_without_end_is_cut_and_ends_the_input(pipe: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_LINE", 10)
    os.write(pipe, b"a" * 100)
    assert asyncio.run(lines_of(Console(Output()))) == ["a" * 100]
    os.close(pipe)


def test_file_is_read_to_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "script"
    path.write_text("one\n\nlast")
    with path.open() as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        assert asyncio.run(lines_of(Console(Output()))) == ["one", "", "last"]


def test_closed_stdin_is_wrong_usage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", None)
    with pytest.raises(click.UsageError, match="stdin"):
        Console(Output())


def test_what_is_shown_goes_where_the_output_says(pipe: int, capsys: pytest.CaptureFixture[str]) -> None:
    Console(Output()).show("< evil\x1b[2J")
    assert capsys.readouterr() == ("< evil?[2J\n", "")
    Console(Output(jsonl=True)).show("< ping")
    assert json.loads(capsys.readouterr().out) == {"line": "< ping"}
    Console(Output(json=True)).show("< ping")
    assert capsys.readouterr() == ("", "< ping\n")
    Console(Output()).complain("no such word")
    assert capsys.readouterr() == ("", "error: no such word\n")
    os.close(pipe)


# A terminal.


class Terminal:
    """The user's end of a terminal."""

    def __init__(self, fd: int, stdin: TextIO, stdout: TextIO, monkeypatch: pytest.MonkeyPatch) -> None:
        self.fd = fd
        self._shown = ""
        self._streams = {"sys.stdin": stdin, "sys.stdout": stdout}
        self._monkeypatch = monkeypatch

    def attach(self) -> None:
        """Within the test: pytest takes stdout back between a fixture and its test."""
        for name, stream in self._streams.items():
            self._monkeypatch.setattr(name, stream)

    def types(self, text: str) -> None:
        os.write(self.fd, text.encode())

    async def shows(self, ending: str) -> str:
        """Wait until what is on the screen ends so; what came since the last time."""
        loop, came = asyncio.get_running_loop(), asyncio.Event()
        loop.add_reader(self.fd, came.set)
        try:
            while not self._shown.endswith(ending):
                await came.wait()
                came.clear()
                self._shown += os.read(self.fd, 65_536).decode()
        finally:
            loop.remove_reader(self.fd)
        shown, self._shown = self._shown, ""
        return shown

    def is_cooked(self) -> bool:
        return bool(termios.tcgetattr(self.fd)[3] & termios.ICANON)


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    ours, theirs = os.openpty()
    with os.fdopen(ours, "rb", buffering=0), os.fdopen(theirs, "r") as stdin, os.fdopen(os.dup(theirs), "w") as stdout:
        monkeypatch.setenv("TERM", "xterm")
        monkeypatch.setenv("COLUMNS", "40")
        yield Terminal(ours, stdin, stdout, monkeypatch)


PROMPTED = f"{CLEAR}{PROMPT}"


def test_terminal_shows_a_prompt_and_what_is_typed_and_is_put_back(terminal: Terminal) -> None:
    @on_loop
    async def test() -> None:
        terminal.attach()
        async with Console(Output(), ["ping"]) as console:
            assert not terminal.is_cooked()
            lines = console.lines()
            reading = asyncio.ensure_future(anext(lines))
            assert await terminal.shows(PROMPT) == PROMPTED
            terminal.types("p\t7\n")
            assert await reading == "ping 7"
            assert await terminal.shows("\n") == f"{CLEAR}{PROMPT}ping 7\r\n"
            await lines.aclose()
        assert terminal.is_cooked()

    test()


def test_line_that_is_shown_goes_above_the_one_that_is_typed(terminal: Terminal) -> None:
    @on_loop
    async def test() -> None:
        terminal.attach()
        async with Console(Output()) as console:
            lines = console.lines()
            reading = asyncio.ensure_future(anext(lines))
            await terminal.shows(PROMPT)
            terminal.types("ab\x1b[D")
            await terminal.shows("ab\x1b[1D")
            console.show("< ping")
            assert await terminal.shows("ab\x1b[1D") == f"{CLEAR}< ping\r\n{PROMPTED}ab\x1b[1D"
            reading.cancel()
            await asyncio.wait([reading])

    test()


def test_nothing_is_drawn_while_a_line_is_done(terminal: Terminal) -> None:
    @on_loop
    async def test() -> None:
        terminal.attach()
        async with Console(Output()) as console:
            lines = console.lines()
            reading = asyncio.ensure_future(anext(lines))
            await terminal.shows(PROMPT)
            terminal.types("one\n")
            await reading
            await terminal.shows("one\r\n")
            console.show("< pong")
            assert await terminal.shows("\n") == "< pong\r\n"
            await lines.aclose()

    test()


def test_lines_typed_at_once_all_stay_to_be_read(terminal: Terminal) -> None:
    @on_loop
    async def test() -> None:
        terminal.attach()
        async with Console(Output()) as console:
            lines = console.lines()
            reading = asyncio.ensure_future(anext(lines))
            await terminal.shows(PROMPT)
            terminal.types("one\ntwo\n")
            assert [await reading, await anext(lines)] == ["one", "two"]
            assert await terminal.shows("two\r\n") == f"{CLEAR}{PROMPT}one\r\n{PROMPT}two\r\n"
            await lines.aclose()

    test()


def test_ctrl_d_on_an_empty_line_ends_the_input(terminal: Terminal) -> None:
    @on_loop
    async def test() -> None:
        terminal.attach()
        async with Console(Output()) as console:
            lines = console.lines()
            reading = asyncio.ensure_future(anext(lines, None))
            await terminal.shows(PROMPT)
            terminal.types("half\x15\x04two\n")
            assert await reading is None
            assert (await terminal.shows(CLEAR)).endswith(CLEAR)

    test()


def test_dumb_terminal_has_no_prompt(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal.attach()
    assert Console(Output()).is_terminal
    monkeypatch.setenv("TERM", "dumb")
    assert not Console(Output()).is_terminal
    assert terminal.is_cooked()
