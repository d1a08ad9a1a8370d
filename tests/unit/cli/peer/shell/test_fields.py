"""Messages told field by field."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headway.cli.peer.shell.fields import MAX_BYTES, MAX_SHOWN, lines_of
from headway.types import Address, hash_hex
from headway.wire import messages as m
from tests.messages import MESSAGES
from tests.unit.cli.peer.conftest import CHAIN, HASHES, PARSER, headers_of

HASH = bytes([1]) + bytes(31)
HEX = hash_hex(HASH)


def told(message: m.Message) -> list[str]:
    return list(lines_of(message))


def test_headers_are_a_line_each_up_to_a_bound() -> None:
    lines = told(headers_of(CHAIN))
    assert lines[:2] == ["headers [30]", "  headers  [30]"]
    assert [line.split()[0] for line in lines[2:-1]] == [hash_hex(each) for each in HASHES[:MAX_SHOWN]]
    assert lines[-1] == f"    ... and {30 - MAX_SHOWN} more"


def test_block_and_transaction_are_told_by_what_they_are() -> None:
    block = m.Block(CHAIN[0], PARSER)
    lines = told(block)
    assert lines[0] == f"block [{len(CHAIN[0])} bytes]"
    assert lines[1] == f"  hash  {hash_hex(HASHES[0])}"
    assert lines[4] == f"  transactions  {len(block.transactions)}"
    transaction = m.Tx(block.transactions[0].raw, PARSER)
    assert told(transaction)[1] == f"  txid  {hash_hex(transaction.txid)}"


def test_fields_stand_in_their_order_and_hashes_as_people_write_them() -> None:
    assert told(m.Inv((m.InvEntry(2, HASH), m.InvEntry(99, HASH)))) == [
        "inv [2]",
        "  entries  [2]",
        f"    block {HEX}",
        f"    99 {HEX}",
    ]
    assert told(m.GetCFHeaders(0, 7, HASH))[-1] == f"  stop  {HEX}"
    assert told(m.Ping(None)) == ["ping", "  nonce  -", "  height  0", "  wall_time  0"]


def test_version_names_its_services_and_quotes_its_texts() -> None:
    lines = told(m.Version(70016, 9, 5, 1, "/x\x1b[2J/", 7, remote=Address("192.0.2.1", 3)))
    assert "  services  NETWORK, WITNESS" in lines
    assert "  user_agent  '/x\\x1b[2J/'" in lines
    assert "  remote  192.0.2.1:3" in lines


def test_long_bytes_are_cut_and_their_number_told() -> None:
    assert told(m.Unknown("x", bytes(MAX_BYTES)))[-1] == f"  payload  {'00' * MAX_BYTES}"
    assert told(m.Unknown("x", bytes(1_000)))[-1] == f"  payload  {'00' * MAX_BYTES}... 1,000 bytes"
    assert told(m.Unknown("x", b""))[-1] == "  payload  -"


def test_object_that_cannot_be_read_is_said_to_be_so() -> None:
    assert told(m.Block(b"short", PARSER))[1] == "  unreadable  a header has 80 bytes, not 5"


@pytest.mark.parametrize("command", MESSAGES)
@settings(max_examples=15)
@given(data=st.data())
def test_every_message_can_be_told_in_bounded_lines(command: str, data: st.DataObject) -> None:
    lines = told(data.draw(MESSAGES[command]))
    assert lines[0].split()[0] == command
    assert len(lines) <= 16 * (MAX_SHOWN + 2)
    assert max(map(len, lines)) < 3_000
