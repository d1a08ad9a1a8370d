"""How users name a block, and how it is told to them. Called by the actions that take or print blocks."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import Any

import click

from headway.types import UNKNOWN_HEIGHT, BlockId, hash_from_hex, hash_hex


def parse_block(text: str) -> BlockId:
    """`HASH` or `HEIGHT:HASH` (for networks that ask by height). Raises ValueError that says what is wrong."""
    height, colon, digits = text.rpartition(":")
    if colon and not (height.isascii() and height.isdigit() and len(height) <= 10):
        raise ValueError(f"{height[:80]!r} is no height (write HASH or HEIGHT:HASH)")
    return BlockId(int(height) if colon else UNKNOWN_HEIGHT, hash_from_hex(digits))


class BlockName(click.ParamType[Any]):
    name = "block"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> BlockId:
        try:
            return parse_block(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


def block_data(block: BlockId) -> dict[str, Any]:
    """For JSON."""
    return {"height": None if block.height == UNKNOWN_HEIGHT else block.height, "hash": hash_hex(block.hash)}


def block_words(block: BlockId) -> str:
    """For people: the height, `-` where nobody said it, and the hash."""
    data = block_data(block)
    return f"{'-' if data['height'] is None else data['height']:>8}  {data['hash']}"


def block_heading(more: str) -> str:
    """The names of the columns of `block_words`, and of what stands behind them."""
    return f"{'height':>8}  {'hash':<64}  {more}"


def utc(time: int) -> str:
    """Unix seconds, as people read them; as they are where they are no date (a remote may say anything)."""
    try:
        return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError, OSError):
        return str(time)


def counted(count: int, what: str) -> str:
    """`1 header`, `2,100 headers`."""
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"


def unchecked_words(unchecked: Counter[str]) -> str:
    """Which rules could not be applied, and to how many."""
    return ", ".join(f"{rule} {number}" for rule, number in sorted(unchecked.items())) or "nothing"
