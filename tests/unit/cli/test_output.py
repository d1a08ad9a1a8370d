"""What is printed where: data on stdout, the rest on stderr, nothing that could drive a terminal."""

from __future__ import annotations

import io
import json
import logging
import sys

import pytest

from headway.cli.output import Exit, Output, harmless, table

DATA = {"network": "regtest", "height": 7, "nested": {"a": [1]}, "nothing": None, "agent": "/\x1b[31m/"}


def test_exit_codes_are_those_that_are_promised() -> None:
    assert [code.value for code in Exit] == [0, 1, 2, 3, 4, 5, 130]


def test_result_with_json_is_one_line_and_keeps_every_character(capsys: pytest.CaptureFixture[str]) -> None:
    Output(json=True).result(DATA, text="not this")
    line = capsys.readouterr().out
    assert line.count("\n") == 1
    assert "\x1b" not in line
    assert json.loads(line) == DATA


def test_result_for_people_is_aligned_and_harmless(capsys: pytest.CaptureFixture[str]) -> None:
    Output().result(DATA)
    assert capsys.readouterr().out.splitlines() == [
        "network  regtest",
        "height   7",
        'nested   {"a": [1]}',
        "nothing  -",
        "agent    /?[31m/",
    ]


def test_result_may_bring_its_own_text(capsys: pytest.CaptureFixture[str]) -> None:
    Output().result(DATA, text="seven")
    assert capsys.readouterr().out == "seven\n"


def test_table_of_nothing_is_empty() -> None:
    assert table({}) == ""


def test_lines_of_data_are_left_out_of_json(capsys: pytest.CaptureFixture[str]) -> None:
    Output().data("a line")
    Output(json=True).data("a line")
    assert capsys.readouterr() == ("a line\n", "")


def test_notes_go_to_stderr_unless_quiet_and_what_must_be_seen_always(capsys: pytest.CaptureFixture[str]) -> None:
    for output in (Output(), Output(quiet=True)):
        output.note("note")
        output.say("say\x07")
        output.error("wrong")
    assert capsys.readouterr() == ("", "note\nsay?\nerror: wrong\nsay?\nerror: wrong\n")


def test_harmless_keeps_what_prints_however_long() -> None:
    text = "Grüße, 世界 " * 1_000
    assert harmless(text) == text
    assert harmless("a\x1b]0;x\x07\r\n\u202eb") == "a?]0;x????b"


def test_colours_are_for_terminals_and_as_told(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not Output().wants_color()
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert Output().wants_color()
    assert not Output(color=False).wants_color()
    monkeypatch.setenv("NO_COLOR", "1")
    assert not Output().wants_color()
    assert Output(color=True).wants_color()
    Output(color=True).error("wrong")
    assert "\x1b[" in capsys.readouterr().err


def test_live_line_needs_a_terminal_that_can_and_nobody_who_asked_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not Output().live()
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    assert [Output().live(), Output(quiet=True).live(), Output(verbose=True).live()] == [True, False, False]
    monkeypatch.setenv("TERM", "dumb")
    assert not Output().live()


@pytest.mark.parametrize(
    ("output", "seen"),
    [(Output(), ["warning"]), (Output(quiet=True), []), (Output(verbose=True), ["trace?", "warning"])],
    ids=["plain", "quiet", "verbose"],
)
def test_log_shows_what_was_asked_for(output: Output, seen: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    output.open_log()
    logging.getLogger("headway.trace").debug("trace\x1b")
    logging.getLogger("headway.aio.driver").warning("warning")
    assert [line.rpartition(" ")[2] for line in capsys.readouterr().err.splitlines()] == seen


def test_items_are_lines_for_people_or_json_lines_or_left_to_the_result(capsys: pytest.CaptureFixture[str]) -> None:
    for output in (Output(), Output(jsonl=True), Output(json=True)):
        output.item({"n": 1, "text": "\x1b[2J"}, text="one\x1b[2J")
        output.result({"n": 1}, text="all")
        output.data("more")
        output.result({}, text="")
    assert capsys.readouterr().out == 'one?[2J\nall\nmore\n{"n": 1, "text": "\\u001b[2J"}\n{"n": 1}\n{}\n'


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_columns_are_named_on_a_terminal_only(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Output().heading("height  hash")
    assert capsys.readouterr().out == ""
    monkeypatch.setattr("sys.stdout", screen := Screen())
    Output().heading("height  hash")
    Output(json=True).heading("height  hash")
    assert screen.getvalue() == "height  hash\n"
