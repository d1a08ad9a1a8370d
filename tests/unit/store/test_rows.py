"""Rows of the address book's database: written and read back, and nothing else believed."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway.store import rows
from headway.types import Address, Ban, PeerMerit, PeerRecord

TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), max_size=60)
HOSTS = st.one_of(st.ip_addresses().map(str), TEXT.filter(bool), st.just("a" * 56 + ".onion"))
TIMES = st.integers(0, 2**32 - 1)
MEASURES = st.none() | st.floats(0, 1e9)
MERITS = st.builds(
    PeerMerit,
    user_agent=TEXT,
    protocol=st.integers(0, 2**32 - 1),
    height=st.integers(-1, 2**32),
    latency=MEASURES,
    blocks_per_second=MEASURES,
    ends=st.dictionaries(st.sampled_from(["IDLE", "STALLED", "REMOTE_CLOSED"]), st.integers(1, 10**6)).map(
        lambda found: tuple(found.items())
    ),
)
RECORDS = st.builds(
    PeerRecord,
    address=st.builds(
        Address, host=HOSTS, port=st.integers(0, 65_535), services=st.integers(0, 2**64 - 1), last_seen=TIMES
    ),
    source=st.just("") | HOSTS,
    tried=st.booleans(),
    buckets=st.lists(st.integers(0, 1_023), max_size=8).map(tuple),
    last_tried=TIMES,
    last_success=TIMES,
    missed=st.integers(0, 10**6),
    other_chain=st.booleans(),
    merit=MERITS,
)
BANS = st.builds(Ban, subnet=HOSTS, until=TIMES, created=TIMES, by_operator=st.booleans(), reason=TEXT)
ANYTHING = st.one_of(
    st.none(), st.integers(-(2**63), 2**63 - 1), st.floats(), st.text(max_size=300), st.binary(max_size=20)
)


@given(RECORDS)
def test_a_record_comes_back_as_it_was(record: PeerRecord) -> None:
    row = rows.write_peer(record)
    assert all(not isinstance(value, int) or -(2**63) <= value < 2**63 for value in row)
    found = rows.read_peer(row)
    assert found == record
    assert found is not None
    assert (found.address.services, found.address.last_seen) == (record.address.services, record.address.last_seen)


@given(BANS)
def test_a_ban_comes_back_as_it_was(ban: Ban) -> None:
    assert rows.read_ban(rows.write_ban(ban)) == ban


@given(HOSTS, st.integers(0, 65_535))
def test_an_anchor_comes_back_as_it_was(host: str, port: int) -> None:
    assert rows.read_anchor(rows.write_anchor(Address(host, port))) == Address(host, port)


@given(RECORDS, st.integers(0, 16), ANYTHING)
def test_a_row_with_anything_in_one_place_is_a_record_or_nothing(record: PeerRecord, column: int, value: Any) -> None:
    row = list(rows.write_peer(record))
    row[column] = value
    found = rows.read_peer(row)
    assert found is None or rows.read_peer(rows.write_peer(found)) == found


@given(st.tuples(*[ANYTHING] * 5), st.tuples(*[ANYTHING] * 2))
def test_bans_and_anchors_of_anything_are_bans_and_anchors_or_nothing(
    ban: tuple[Any, ...], anchor: tuple[Any, ...]
) -> None:
    for found in (rows.read_ban(ban), rows.read_anchor(anchor)):
        assert found is None or isinstance(found, Ban | Address)


GOOD = PeerRecord(Address("8.8.8.8", 8333), "9.9.9.9", buckets=(5,), merit=PeerMerit("/x/", ends=(("IDLE", 1),)))


@pytest.mark.parametrize(
    ("column", "value"),
    [
        *[(0, host) for host in ("", "a b", "x\x1b", "x" * 256, b"8.8.8.8", None)],
        *[(1, port) for port in (-1, 65_536, "8333", 1.0)],
        *[(2, 1.5), (3, -1), (3, 1 << 40), (4, "x\n"), (5, 2), (5, None), (6, b"x"), (6, bytes(18)), (6, "")],
        *[(9, -1), (9, 1 << 31), (11, None), (12, -1), (13, -2)],
        *[(14, float("nan")), (14, -0.1), (15, float("inf")), (15, "fast")],
        *[
            (16, ends)
            for ends in ("IDLE", "IDLE=", "IDLE=x", "=1", "IDLE=-1", "a-b=1", "A=1 " * 33, "A=" + "1" * 3_000)
        ],
    ],
)
def test_what_we_would_not_write_is_no_record(column: int, value: Any) -> None:
    row = list(rows.write_peer(GOOD))
    assert rows.read_peer(row) == GOOD
    row[column] = value
    assert rows.read_peer(row) is None


def test_text_of_a_remote_is_harmless_when_it_is_read() -> None:
    row = list(rows.write_peer(GOOD))
    row[11] = "\x1b[31m" + "x" * 300
    found = rows.read_peer(row)
    assert found is not None
    assert found.merit.user_agent == "?[31m" + "x" * 248 + "..."
