"""What stands before the blocks of a dump."""

from __future__ import annotations

from headway.store import dump


def test_a_dump_from_genesis_begins_with_its_count_and_any_other_with_its_height() -> None:
    assert dump.head(0, 258).hex() == "02010000"
    assert dump.head(7, 258).hex() == "0700000002010000"
    assert dump.number(0x01020304).hex() == "04030201"
