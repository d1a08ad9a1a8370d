"""Blocks as users name them, and times that a remote may have made up."""

from __future__ import annotations

from collections import Counter

import click
import pytest

from headway.cli.peer.names import (
    BlockName,
    block_data,
    block_heading,
    block_words,
    counted,
    parse_block,
    unchecked_words,
    utc,
)
from headway.types import UNKNOWN_HEIGHT, BlockId

HASH = "00" * 31 + "2a"
RAW = bytes([0x2A]) + bytes(31)


def test_block_is_a_hash_or_a_height_and_a_hash() -> None:
    assert parse_block(HASH) == BlockId(UNKNOWN_HEIGHT, RAW)
    assert parse_block(f"7:{HASH}") == BlockId(7, RAW)


@pytest.mark.parametrize(
    "text", ["", "7", ":" + HASH, "-1:" + HASH, "x:" + HASH, "7:", "7:zz", HASH + "0", "٣:" + HASH]
)
def test_anything_else_is_refused_with_the_reason(text: str) -> None:
    with pytest.raises(ValueError, match=r"height|64 hex digits"):
        parse_block(text)
    with pytest.raises(click.BadParameter):
        BlockName().convert(text, None, None)


def test_block_is_told_with_its_height_where_somebody_said_it() -> None:
    known, unknown = BlockId(7, RAW), BlockId(UNKNOWN_HEIGHT, RAW)
    assert block_data(known) == {"height": 7, "hash": HASH}
    assert block_data(unknown) == {"height": None, "hash": HASH}
    assert block_words(known).split() == ["7", HASH]
    assert block_words(unknown).split() == ["-", HASH]
    assert block_heading("time").index("time") == len(block_words(known)) + 2


@pytest.mark.parametrize(
    ("time", "text"), [(1231006505, "2009-01-03T18:15:05Z"), (0, "1970-01-01T00:00:00Z"), (1 << 64, str(1 << 64))]
)
def test_time_that_is_no_date_is_told_as_a_number(time: int, text: str) -> None:
    assert utc(time) == text


def test_counts_are_words_for_people() -> None:
    assert (counted(1, "header"), counted(2_100, "header")) == ("1 header", "2,100 headers")
    assert unchecked_words(Counter(version=2, link=1)) == "link 1, version 2"
    assert unchecked_words(Counter()) == "nothing"
