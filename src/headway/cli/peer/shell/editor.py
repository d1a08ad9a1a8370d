"""A line that is being typed: keys go in, finished lines come out. No terminal, no clock: what to draw is asked for.

The keys are those of every shell: arrows, Home, End, Ctrl-A/E/B/F/P/N, Backspace, Delete, Ctrl-U/K/W, Tab for the
first word. The line is drawn in one row, however long it is. Called by `console` only.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

MAX_HISTORY: Final = 1_000
"""Lines that are remembered."""

_SEQUENCE: Final = re.compile(r"\x1b(?:\[[0-9;]*[A-Za-z~]|O[A-Za-z])")
"""A key that the terminal sends as several characters."""
_UNFINISHED: Final = re.compile(r"\x1b(?:\[[0-9;]*|O)?$")
_KEYS: Final = {
    "\x1b[A": "\x10",
    "\x1b[B": "\x0e",
    "\x1b[C": "\x06",
    "\x1b[D": "\x02",
    "\x1b[H": "\x01",
    "\x1b[F": "\x05",
    "\x1b[1~": "\x01",
    "\x1b[4~": "\x05",
    "\x1b[3~": "\x1b[3~",
    "\x1bOA": "\x10",
    "\x1bOB": "\x0e",
    "\x1bOC": "\x06",
    "\x1bOD": "\x02",
    "\x1bOH": "\x01",
    "\x1bOF": "\x05",
}
"""Such a key -> the control character that does the same. Others do nothing."""

_MOVES: Final[Mapping[str, Callable[[str, int], int]]] = {
    "\x01": lambda _text, _at: 0,
    "\x05": lambda text, _at: len(text),
    "\x02": lambda _text, at: at - 1,
    "\x06": lambda _text, at: at + 1,
}
"""Ctrl-A, E, B and F: where the cursor goes from a place in a text."""
_DELETIONS: Final[Mapping[str, Callable[[str, int], int]]] = {
    "\x7f": lambda _text, at: at - 1,
    "\x08": lambda _text, at: at - 1,
    "\x1b[3~": lambda _text, at: at + 1,
    "\x15": lambda _text, _at: 0,
    "\x0b": lambda text, _at: len(text),
    "\x17": lambda text, at: text[:at].rstrip().rfind(" ") + 1,
}
"""Backspace, Delete, Ctrl-U, K and W: up to where the text between it and the cursor goes."""
_TRAVELS: Final[Mapping[str, int]] = {"\x10": 1, "\x0e": -1}
"""Ctrl-P and N: how many lines back in the history."""


class View(NamedTuple):
    """What to draw: the part of the line that fits, and how many characters of it are left of the cursor."""

    text: str
    cursor: int


class Editor:
    def __init__(self, words: Sequence[str] = ()) -> None:
        """`words`: what Tab completes the first word to."""
        self._words = words
        self._text = ""
        self._cursor = 0
        self._rest = ""  # the beginning of a key that has not come whole
        self._history: deque[str] = deque(maxlen=MAX_HISTORY)
        self._back = 0  # how many lines back in the history we are
        self._draft = ""
        self.is_ended = False
        """Ctrl-D was typed on an empty line."""

    def feed(self, typed: str) -> list[str]:
        """Take what was typed; the lines that it finished."""
        lines: list[str] = []
        text, self._rest = self._rest + typed, ""
        at = 0
        while at < len(text) and not self.is_ended:
            if found := _SEQUENCE.match(text, at):
                self._press(_KEYS.get(found[0], ""))
                at = found.end()
            elif _UNFINISHED.match(text, at):
                self._rest = text[at:]
                break
            elif text[at] in "\r\n":
                lines.append(self._finish())
                at += 1
            else:
                self._press(text[at])
                at += 1
        return lines

    def view(self, width: int) -> View:
        """What to draw in `width` columns: the line, scrolled so that the cursor is seen."""
        room = max(width - 1, 1)
        first = max(0, self._cursor - room)
        return View(self._text[first : first + room], self._cursor - first)

    def _finish(self) -> str:
        line = self._text
        if line.strip() and (not self._history or self._history[-1] != line):
            self._history.append(line)
        self._set("")
        self._back = 0
        return line

    def _press(self, key: str) -> None:
        if move := _MOVES.get(key):
            self._set(self._text, move(self._text, self._cursor))
        elif delete := _DELETIONS.get(key):
            self._delete_to(delete(self._text, self._cursor))
        elif key == "\x04" and not self._text:
            self.is_ended = True
        elif key == "\x04":
            self._delete_to(self._cursor + 1)
        elif key in _TRAVELS:
            self._travel(_TRAVELS[key])
        elif key == "\t":
            self._complete()
        elif key.isprintable():
            self._set(self._text[: self._cursor] + key + self._text[self._cursor :], self._cursor + len(key))

    def _set(self, text: str, cursor: int | None = None) -> None:
        self._text = text
        self._cursor = len(text) if cursor is None else min(max(cursor, 0), len(text))

    def _delete_to(self, other: int) -> None:
        first, last = sorted((self._cursor, min(max(other, 0), len(self._text))))
        self._set(self._text[:first] + self._text[last:], first)

    def _travel(self, by: int) -> None:
        """Through the history; in front of it stands the line that was being typed."""
        if not self._back:
            self._draft = self._text
        self._back = min(max(self._back + by, 0), len(self._history))
        self._set(self._history[-self._back] if self._back else self._draft)

    def _complete(self) -> None:
        fitting = [word for word in self._words if word.startswith(self._text)]
        if len(fitting) == 1 and self._cursor == len(self._text):
            self._set(f"{fitting[0]} ")
