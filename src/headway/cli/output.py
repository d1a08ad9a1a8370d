"""What commands print: stdout is data, stderr is everything else; and the exit codes.

Every text of a peer that reaches a terminal goes through `harmless`. In JSON they are escapes.
Loaded with `headway --help`, so it imports click alone at its top; json, logging and rich are loaded when used.
"""

from __future__ import annotations

import os
import sys
from enum import IntEnum
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Mapping


class Exit(IntEnum):
    """Exit codes of every command."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    NO_PEERS = 3
    """No peer reachable."""
    INCOMPLETE = 4
    """The deadline came first; the partial result is kept."""
    INVALID_DATA = 5
    """Peers served invalid data, or a file holds some."""
    INTERRUPTED = 130
    """State saved; the command that goes on from there was printed."""


def harmless(text: str) -> str:
    """`headway.types.printable` for a line of ours, however long, in which words of a remote may stand."""
    from headway.types import printable

    return printable(text, limit=sys.maxsize)


class Output:
    """Where one command's words go, as --json, -q, -v and --color say."""

    def __init__(
        self,
        *,
        json: bool = False,
        jsonl: bool = False,
        quiet: bool = False,
        verbose: bool = False,
        color: bool | None = None,
    ) -> None:
        """`color` None: only on a terminal, and not with NO_COLOR."""
        self.json = json
        self.jsonl = jsonl
        self.quiet = quiet
        self.verbose = verbose
        self.color = color

    def result(self, data: Mapping[str, Any], *, text: str | None = None) -> None:
        """Print the command's result: one JSON line with --json, else `text`, else aligned `name  value` lines.

        Nothing with --jsonl, where the items were the result, nor for an empty text.
        """
        if self.json:
            click.echo(_json(dict(data)))
        elif not self.jsonl and text != "":
            click.echo(table(data) if text is None else text)

    def item(self, data: Mapping[str, Any], *, text: str) -> None:
        """Print one of many: a JSON line with --jsonl, nothing with --json (the result has them all), else `text`."""
        if self.jsonl:
            click.echo(_json(dict(data)))
        else:
            self.data(text)

    def heading(self, text: str) -> None:
        """The names of the columns below, for people: on a terminal only."""
        if sys.stdout.isatty():
            self.data(text)

    def data(self, line: str) -> None:
        """One line of data that is not the result; nothing with --json or --jsonl."""
        if not (self.json or self.jsonl):
            click.echo(harmless(line))

    def note(self, text: str) -> None:
        """A line for people, on stderr; nothing with -q."""
        if not self.quiet:
            self.say(text)

    def say(self, text: str) -> None:
        """A line that must be seen, on stderr, also with -q."""
        click.echo(harmless(text), err=True)

    def error(self, text: str) -> None:
        """What went wrong and what to do next."""
        head = click.style("error:", fg="red", bold=True)
        click.echo(f"{head} {harmless(text)}", err=True, color=self.wants_color())

    def wants_color(self) -> bool:
        if self.color is not None:
            return self.color
        return not os.environ.get("NO_COLOR") and sys.stderr.isatty()

    def live(self) -> bool:
        """Whether a line that redraws itself is of use: a terminal, and no trace between its frames."""
        return not self.quiet and not self.verbose and sys.stderr.isatty() and os.environ.get("TERM") != "dumb"

    def open_log(self) -> None:
        """Send warnings, and with -v the trace of the protocol, to stderr."""
        import logging

        class HarmlessFormatter(logging.Formatter):
            """A remote's words stand in log lines; they must not reach the terminal as commands."""

            def format(self, record: logging.LogRecord) -> str:
                return "\n".join(harmless(line) for line in super().format(record).split("\n"))

        handler = logging.StreamHandler()
        handler.setFormatter(HarmlessFormatter("%(asctime)s %(message)s" if self.verbose else "%(message)s"))
        logger = logging.getLogger("headway")
        logger.handlers[:] = [handler]
        logger.propagate = False
        logger.setLevel(logging.DEBUG if self.verbose else logging.ERROR if self.quiet else logging.WARNING)


def table(data: Mapping[str, Any]) -> str:
    """Aligned `name  value` lines; nested values as JSON."""
    width = max((len(name) for name in data), default=0)
    return "\n".join(f"{name:<{width}}  {_text(value)}" for name, value in data.items())


def _text(value: Any) -> str:
    if value is None:
        return "-"
    return harmless(value) if isinstance(value, str) else _json(value)


def _json(value: Any) -> str:
    import json

    return json.dumps(value)
