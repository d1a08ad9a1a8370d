"""Lines of a transcript: bounded, with their times for people, without them for assertions."""

from __future__ import annotations

from headway.testing.transcript import MAX_LINES, SHOWN, Transcript


def spoken(count: int) -> Transcript:
    transcript = Transcript(10.0)
    for number in range(count):
        transcript.note(f"> {number}", 10.0 + number)
    return transcript


def test_lines_are_as_they_were_noted_and_people_see_when() -> None:
    transcript = spoken(2)
    assert transcript.lines == ["> 0", "> 1"]
    assert str(transcript) == "     0.000 > 0\n     1.000 > 1"
    assert len(transcript) == 2


def test_a_tail_says_how_much_stands_before_it() -> None:
    assert spoken(5).tail(2) == "  ... 3 lines before\n     3.000 > 3\n     4.000 > 4"
    assert len(spoken(SHOWN + 1).tail().splitlines()) == SHOWN + 1


def test_lines_since_a_count_are_those_after_it() -> None:
    transcript = spoken(5)
    assert transcript.since(3) == ["> 3", "> 4"]
    assert transcript.since(5) == []
    assert transcript.since(0) == transcript.lines


def test_of_too_many_lines_the_oldest_are_dropped() -> None:
    transcript = spoken(MAX_LINES + 5)
    assert len(transcript) == MAX_LINES
    assert transcript.count == MAX_LINES + 5
    assert transcript.lines[0] == "> 5"
    assert transcript.since(2) == transcript.lines
    assert str(transcript).startswith("  ... 5 lines before\n")
