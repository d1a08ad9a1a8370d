from __future__ import annotations

import pytest

from headway.errors import CodecError
from headway.networks.neo2.transaction import Transaction, TxInput, TxOutput
from headway.types import hash_from_hex, hash_hex
from tests.neodata import vectors

EMPTY = bytes(4)  # no attributes, inputs, outputs, witnesses


def of(kind: int, exclusive: bytes = b"", version: int = 0, rest: bytes = EMPTY) -> bytes:
    return bytes([kind, version]) + exclusive + rest


FULL = of(
    0x80,
    rest=b"".join(
        [
            b"\3" + b"\x20" + b"s" * 20 + b"\x81\2hi" + b"\xff\3abc",
            b"\1" + b"i" * 32 + b"\7\1",
            b"\1" + b"a" * 32 + (-5).to_bytes(8, "little", signed=True) + b"o" * 20,
            b"\1" + b"\2in" + b"\3ver",
        ]
    ),
)


def test_fields_of_a_transaction() -> None:
    tx = Transaction.from_raw(FULL)
    assert (tx.raw, tx.type, tx.version, tx.exclusive) == (FULL, 0x80, 0, b"")
    assert tx.attributes == ((0x20, b"s" * 20), (0x81, b"hi"), (0xFF, b"abc"))
    assert tx.inputs == (TxInput(b"i" * 32, 0x0107),)
    assert tx.outputs == (TxOutput(b"a" * 32, -5, b"o" * 20),)
    assert tx.witnesses == ((b"in", b"ver"),)
    assert tx.unsigned + b"\1\2in\3ver" == FULL


def test_no_hash_covers_the_witnesses() -> None:
    assert Transaction.from_raw(FULL).hash == Transaction.from_raw(FULL[:-1] + b"R").txid
    assert Transaction.from_raw(FULL).hash != Transaction.from_raw(FULL[:-9] + b"O" + FULL[-8:]).txid


def test_transactions_of_the_vectors_have_their_hashes() -> None:
    listed = vectors("legacy")["transactions"]
    assert {vector["type"] for vector in listed} >= {
        "claim", "contract", "enrollment", "invocation", "miner", "publish", "register", "state"
    }  # fmt: skip
    for vector in listed:
        tx = Transaction.from_raw(bytes.fromhex(vector["hex"]))
        assert tx.txid == hash_from_hex(vector["hash"])
        assert tx.type == int(vector["type_byte"], 16)
        assert tx.inputs or tx.outputs or tx.attributes or tx.exclusive


KEY, PUBLISHED = b"\2" + b"k" * 32, b"\1c\1p\5"


@pytest.mark.parametrize(
    ("kind", "exclusive", "version"),
    [
        (0x00, b"nonc", 0),
        (0x01, b"", 0),
        (0x02, b"\2" + bytes(68), 0),
        (0x20, KEY, 0),
        (0x20, b"\0", 0),
        (0x40, b"\1\4name" + bytes(8) + b"\x08" + KEY + bytes(20), 0),
        (0x40, b"\1\0" + bytes(8) + b"\x08" + b"\0" + bytes(20), 0),
        (0x80, b"", 0),
        (0x90, b"\2" + b"\x40\1k\1f\1v" + b"\x48\0\0\0", 0),
        (0xD0, PUBLISHED + b"\1n\1v\1a\1e\1d", 0),
        (0xD0, PUBLISHED + b"\1" + b"\1n\1v\1a\1e\1d", 1),
        (0xD1, b"\3abc", 0),
        (0xD1, b"\3abc" + bytes(8), 1),
        (0xD1, b"\xfd\x00\x01" + bytes(256) + bytes(8), 1),
    ],
)
def test_what_only_one_type_has_is_passed_over(kind: int, exclusive: bytes, version: int) -> None:
    raw = of(kind, exclusive, version)
    tx = Transaction.from_raw(raw)
    assert (tx.exclusive, tx.attributes, tx.inputs, tx.outputs, tx.witnesses) == (exclusive, (), (), (), ())
    for size in range(len(raw)):
        with pytest.raises(CodecError):
            Transaction.from_raw(raw[:size])


@pytest.mark.parametrize(
    ("attribute", "data"),
    [
        *[(bytes([usage]) + b"h" * 32, b"h" * 32) for usage in (0x00, 0x02, 0x03, 0x30, 0xA1, 0xAF)],
        (b"\x20" + b"s" * 20, b"s" * 20),
        (b"\x81\xff" + b"u" * 255, b"u" * 255),
        (b"\x90\xfd\x00\x01" + b"d" * 256, b"d" * 256),
        (b"\xf0\1r", b"r"),
    ],
)
def test_every_attribute_has_its_length(attribute: bytes, data: bytes) -> None:
    tx = Transaction.from_raw(b"\x80\0\1" + attribute + bytes(3))
    assert tx.attributes == ((attribute[0], data),)


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"", "truncated"),
        (FULL[:-1], "ends at byte"),
        (FULL + b"\0", "ends at byte"),
        (of(0x03), "type 03"),
        (b"\x80\0\1\x21" + bytes(40), "attribute 21"),
        (of(0x20, b"\4" + bytes(64)), "a key begins with 04"),
        (of(0x20, b"\1" + bytes(32)), "a key begins with 01"),
        (b"\x80\0\0\xfd\1\0" + bytes(40), "non-canonical-size"),
        (b"\x80\0\0\xff" + b"\xff" * 8, "truncated"),
        (b"\x80\0\0\0\0\xfc", "truncated"),
    ],
)
def test_bytes_that_are_no_transaction_are_refused(raw: bytes, why: str) -> None:
    with pytest.raises(CodecError, match=why):
        Transaction.from_raw(raw)


def test_people_see_id_type_and_counts() -> None:
    tx = Transaction.from_raw(FULL)
    assert str(tx) == f"{hash_hex(tx.txid)} (type 80, 1 in, 1 out)"
