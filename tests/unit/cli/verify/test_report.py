"""What is printed: six keys, always; and who is to blame."""

from __future__ import annotations

import json

import pytest

from headway.cli.verify.report import Fault, Report, Unreadable
from headway.errors import FutureHeader, InvalidHeader
from headway.network import BlockStatus, BlockVerdict, HeaderVerdict
from headway.types import UNKNOWN_HEIGHT, BlockId

BLOCK = BlockId(7, bytes(31) + b"\x12")


def test_an_empty_report_is_valid() -> None:
    assert Report().data() == {
        "valid": True,
        "headers": 0,
        "blocks": 0,
        "tip": None,
        "unchecked": {},
        "error": None,
    }


def test_verdicts_are_counted() -> None:
    report = Report()
    report.count_headers(HeaderVerdict(3, bytes(96), (1, 1, 1), None, unchecked={"link": 1}))
    report.count_headers(HeaderVerdict(2, bytes(64), (1, 1), None, unchecked={"link": 1, "bits": 2}))
    report.count_block(BlockVerdict(BlockStatus.VALID, unchecked=("lock-time-median",)), ("scripts", "coins"))
    report.count_block(BlockVerdict(BlockStatus.VALID), ("scripts", "coins"))
    assert (report.headers, report.blocks) == (5, 2)
    assert report.data()["unchecked"] == {"bits": 2, "coins": 2, "link": 2, "lock-time-median": 1, "scripts": 2}


def test_the_tip_is_a_height_and_a_hash_as_people_write_it() -> None:
    assert Report(tip=BLOCK).data()["tip"] == {"height": 7, "hash": "12" + "00" * 31}
    assert Report(tip=BlockId(UNKNOWN_HEIGHT, bytes(32))).data()["tip"] == {"height": None, "hash": "00" * 32}


@pytest.mark.parametrize(
    ("error", "refused", "expected"),
    [
        (
            Fault.of_header(InvalidHeader("bad-diffbits", BLOCK, "why")),
            True,
            {"rule": "bad-diffbits", "block": "12" + "00" * 31, "height": 7, "detail": "why"},
        ),
        (
            Fault.of_header(FutureHeader("time-too-new", BLOCK)),
            False,
            {"rule": "time-too-new", "block": "12" + "00" * 31, "height": 7, "detail": ""},
        ),
        (
            Fault.of_block(BlockVerdict(BlockStatus.MUTATED, "bad-txnmrklroot", "why"), BLOCK),
            True,
            {"rule": "bad-txnmrklroot", "block": "12" + "00" * 31, "height": 7, "detail": "why"},
        ),
        (
            Fault("truncated", "why"),
            True,
            {"rule": "truncated", "block": None, "height": None, "detail": "why"},
        ),
        (
            Unreadable("cannot read it"),
            False,
            {"rule": "unreadable", "block": None, "height": None, "detail": "cannot read it"},
        ),
    ],
    ids=lambda value: value.__class__.__name__,
)
def test_an_error_says_which_rule_which_block_and_why(
    error: Fault | Unreadable, refused: bool, expected: dict[str, object]
) -> None:
    report = Report(error=error)
    assert report.data()["error"] == expected
    assert report.data()["valid"] is False
    assert report.refused is refused
    assert json.loads(json.dumps(report.data())) == report.data()


def test_people_read_one_line_a_value_and_no_control_characters() -> None:
    report = Report(headers=1_234, tip=BLOCK, error=Fault("truncated", "\x1b[31mred", BLOCK))
    report.unchecked["link"] = 2
    assert report.text().splitlines() == [
        "valid      no",
        "headers    1,234",
        "blocks     0",
        "tip        7:12" + "00" * 31,
        "unchecked  link 2",
        "error      block 7:12" + "00" * 31 + ": truncated (?[31mred)",
    ]
    assert Report().text().splitlines()[0] == "valid      yes"
    assert Report(error=Unreadable("?")).text().splitlines()[0] == "valid      unknown"
