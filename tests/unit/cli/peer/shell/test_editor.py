"""A line that is being typed: keys in, lines and a view out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway.cli.peer.shell.editor import MAX_HISTORY, Editor, View

LEFT, RIGHT, UP, DOWN = "\x1b[D", "\x1b[C", "\x1b[A", "\x1b[B"
HOME, END, DELETE, BACKSPACE = "\x1b[H", "\x1b[F", "\x1b[3~", "\x7f"


@pytest.mark.parametrize(
    ("keys", "line"),
    [
        ("ping", "ping"),
        (f"pig{LEFT}n", "ping"),
        (f"pingg{BACKSPACE}", "ping"),
        (f"ing{HOME}p", "ping"),
        (f"in{HOME}p{END}g", "ping"),
        (f"xping{HOME}{DELETE}", "ping"),
        (f"xping{HOME}\x04", "ping"),
        (f"ping{HOME}{LEFT}{BACKSPACE}", "ping"),
        (f"ping{RIGHT}{DELETE}", "ping"),
        ("junk\x15ping", "ping"),
        (f"ping junk{LEFT * 5}\x0b", "ping"),
        ("getdata block\x17", "getdata "),
        ("getdata  \x17", ""),
        ("\x1bOHping\x1bOF!", "ping!"),
        ("ping\x1b[15~\x1b[1;5C\x07", "ping"),
        ("ж\x01é", "éж"),
    ],
)
def test_keys_do_what_they_do_in_every_shell(keys: str, line: str) -> None:
    assert Editor().feed(f"{keys}\n") == [line]


def test_several_lines_at_once_are_several_lines() -> None:
    editor = Editor()
    assert editor.feed("one\ntwo\rthr") == ["one", "two"]
    assert editor.view(80) == View("thr", 3)
    assert editor.feed("ee\n") == ["three"]


def test_key_that_comes_in_pieces_is_one_key() -> None:
    editor = Editor()
    for piece in ("ab\x1b", "[", "D", "c"):
        assert editor.feed(piece) == []
    assert editor.feed("\n") == ["acb"]


def test_arrows_travel_through_history_and_back_to_what_was_being_typed() -> None:
    editor = Editor()
    editor.feed("one\ntwo\ntwo\n  \nnow")
    seen = []
    for key in (UP, UP, UP, DOWN, DOWN, DOWN):
        editor.feed(key)
        seen.append(editor.view(80).text)
    assert seen == ["two", "one", "one", "two", "now", "now"]
    assert editor.feed(f"{UP}{UP}!\n") == ["one!"]
    editor.feed(UP)
    assert editor.view(80).text == "one!"


def test_history_is_bounded() -> None:
    editor = Editor()
    editor.feed("".join(f"{number}\n" for number in range(MAX_HISTORY + 5)))
    editor.feed(UP * (2 * MAX_HISTORY))
    assert editor.view(80).text == "5"


def test_tab_completes_a_first_word_that_only_one_fits() -> None:
    editor = Editor(["getaddr", "getdata", "ping"])
    assert editor.feed("p\t7\nget\t\ngeta\t\nx\t\nping \t\n") == ["ping 7", "get", "getaddr ", "x", "ping "]


def test_end_is_ctrl_d_on_an_empty_line_and_nothing_after_it_counts() -> None:
    editor = Editor()
    assert editor.feed("ping\n\x04more\n") == ["ping"]
    assert editor.is_ended


def test_view_of_a_long_line_shows_where_the_cursor_is() -> None:
    editor = Editor()
    editor.feed("0123456789")
    assert editor.view(5) == View("6789", 4)
    editor.feed(LEFT * 8)
    assert editor.view(5) == View("0123", 2)
    assert editor.view(0) == View("1", 1)


@given(
    keys=st.lists(
        st.sampled_from([LEFT, RIGHT, UP, DOWN, HOME, END, DELETE, BACKSPACE, "\x17", "\x15", "\x0b", "a", "b c", "\n"])
    ),
    width=st.integers(-3, 30),
)
def test_any_keys_leave_a_view_that_fits(keys: list[str], width: int) -> None:
    editor = Editor(["abc"])
    for key in keys:
        editor.feed(key)
        view = editor.view(width)
        assert 0 <= view.cursor <= len(view.text) <= max(width - 1, 1)


@given(typed=st.text(alphabet="ab \x1b[ADO~3\x7f\n\t", max_size=40), cuts=st.lists(st.integers(1, 5)))
def test_any_chunking_gives_the_same_lines(typed: str, cuts: list[int]) -> None:
    whole, pieces = Editor(["abab"]), Editor(["abab"])
    expected = whole.feed(typed)
    lines, sizes, rest = [], iter(cuts), typed
    while rest:
        size = next(sizes, len(rest))
        lines += pieces.feed(rest[:size])
        rest = rest[size:]
    assert (lines, pieces.view(80)) == (expected, whole.view(80))
