"""Where the shell reads lines and shows what happens, at the same time: a terminal, a pipe or a file.

On a terminal a line of the trace goes above the line that is being typed. Elsewhere lines are read as they come, and
nothing is drawn. No thread: the event loop watches stdin. Called by `shell` only.
"""

from __future__ import annotations

import asyncio
import codecs
import os
import shutil
import sys
import termios
import tty
from typing import TYPE_CHECKING, Any, Final, Self

import click

from headway.cli.output import Output, harmless
from headway.cli.peer.shell.editor import Editor

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

PROMPT: Final = "headway> "
CHUNK: Final = 65_536
"""Bytes read from stdin at a time."""
MAX_LINE: Final = 20_000_000
"""Characters of a line: the hex of the largest message, twice over."""


class Console:
    """`async with Console(...) as console: async for line in console.lines(): ...`."""

    def __init__(self, output: Output, words: Sequence[str] = ()) -> None:
        """`words`: what Tab knows. Raises UsageError when there is no stdin."""
        if sys.stdin is None:  # closed by whoever started us
            raise click.UsageError("the shell reads stdin, and that is closed")
        self._output = output
        self._fd = sys.stdin.fileno()
        self.is_terminal = sys.stdin.isatty() and sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
        self._editor = Editor(words)
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._saved: list[Any] | None = None
        self._is_prompting = False
        self._is_ended = False
        self._rest = ""  # of a line that has not come whole

    async def __aenter__(self) -> Self:
        if self.is_terminal:
            self._saved = termios.tcgetattr(self._fd)
            tty.setcbreak(self._fd, termios.TCSADRAIN)  # keys one by one; Ctrl-C is still a signal
        return self

    async def __aexit__(self, *_error: object) -> None:
        if self._saved is not None:
            self._stop_prompting()
            termios.tcsetattr(self._fd, termios.TCSADRAIN, self._saved)

    async def lines(self) -> AsyncGenerator[str, None]:
        """What is typed, to the end of the input; nothing is read while nobody waits for a line."""
        while not self._is_ended:
            self._is_prompting = self.is_terminal
            self._draw()
            await self._readable()
            for line in self._read():
                if self.is_terminal:
                    self._erase()
                    self._write(f"{PROMPT}{line}\n")  # it stays to be read
                    self._is_prompting = False
                yield line
        self._stop_prompting()

    def show(self, text: str) -> None:
        """A line of what happens: on stdout, or, where JSON has that, on stderr."""
        self._erase()
        if self._output.json:
            click.echo(harmless(text), err=True)
        else:
            self._output.item({"line": text}, text=text)
            sys.stdout.flush()
        self._draw()

    def complain(self, text: str) -> None:
        """What was typed cannot be done."""
        self._erase()
        self._output.error(text)
        self._draw()

    # stdin.

    async def _readable(self) -> None:
        """Wait until there is something to read, or the end."""
        loop = asyncio.get_running_loop()
        readable = asyncio.Event()
        try:
            loop.add_reader(self._fd, readable.set)
        except PermissionError:  # a file, which the kernel does not watch: it never has one wait
            await asyncio.sleep(0)
            return
        try:
            await readable.wait()
        finally:
            loop.remove_reader(self._fd)

    def _read(self) -> list[str]:
        """The lines that are complete with what there is now."""
        data = os.read(self._fd, CHUNK)
        text = self._decoder.decode(data, final=not data)
        if self.is_terminal:
            lines = self._editor.feed(text)
        else:
            *lines, self._rest = (self._rest + text).split("\n")
            if self._rest and (not data or len(self._rest) > MAX_LINE):
                lines.append(self._rest)
        self._is_ended = not data or self._editor.is_ended or len(self._rest) > MAX_LINE
        return lines

    # The terminal.

    def _draw(self) -> None:
        if self._is_prompting:
            view = self._editor.view(shutil.get_terminal_size().columns - len(PROMPT))
            back = len(view.text) - view.cursor
            move = f"\x1b[{back}D" if back else ""
            self._write(f"\r\x1b[K{PROMPT}{view.text}{move}")

    def _erase(self) -> None:
        if self._is_prompting:
            self._write("\r\x1b[K")

    def _stop_prompting(self) -> None:
        self._erase()
        self._is_prompting = False

    def _write(self, text: str) -> None:
        sys.stdout.write(text)
        sys.stdout.flush()
