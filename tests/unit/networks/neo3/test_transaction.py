from __future__ import annotations

from hashlib import sha256

import pytest

from headway.errors import CodecError
from headway.networks.neo3.transaction import MAX_NESTING, MAX_TRANSACTION, Signer, Transaction
from headway.types import hash_hex
from headway.wire.buffer import compact_size

FIXED = b"".join(
    [
        b"\0",
        (7).to_bytes(4, "little"),
        (8).to_bytes(8, "little"),
        (9).to_bytes(8, "little"),
        (10).to_bytes(4, "little"),
    ]
)
ACCOUNT = b"a" * 20


def signed(details: bytes = b"\1") -> bytes:
    """A list of one signer: its scopes and what they have."""
    return b"\1" + ACCOUNT + details


def transaction(
    signers: bytes = signed(), attributes: bytes = b"\0", script: bytes = b"s", witnesses: bytes = b"\1\2in\3ver"
) -> bytes:
    return FIXED + signers + attributes + compact_size(len(script)) + script + witnesses


RAW = transaction()


def test_fields_of_a_transaction() -> None:
    tx = Transaction.from_raw(RAW)
    assert (tx.raw, tx.version, tx.nonce, tx.system_fee, tx.network_fee, tx.valid_until) == (RAW, 0, 7, 8, 9, 10)
    assert tx.signers == (Signer(ACCOUNT, 1, b""),)
    assert (tx.attributes, tx.script, tx.witnesses) == ((), b"s", ((b"in", b"ver"),))
    assert tx.unsigned + b"\1\2in\3ver" == RAW
    assert tx.hash == tx.txid == sha256(tx.unsigned).digest()


def test_no_hash_covers_the_witnesses() -> None:
    assert Transaction.from_raw(RAW).txid == Transaction.from_raw(RAW[:-1] + b"R").txid


DEEP = b"\1" * (MAX_NESTING - 1) + b"\x20"
CONDITIONS = [
    b"\x00\1",
    b"\x18" + bytes(20),
    b"\x19" + bytes(33),
    b"\x20",
    b"\x28" + bytes(20),
    b"\x29" + bytes(33),
    b"\x01\x20",
    b"\x02\2\x20\x00\0",
    b"\x03\2\x01\x20\x02\1\x20",
    DEEP,
]


@pytest.mark.parametrize(
    ("scopes", "details"),
    [
        (0x00, b""),
        (0x80, b""),
        (0x11, b"\2" + bytes(40)),
        (0x20, b"\2" + bytes(66)),
        (0x71, b"\1" + bytes(20) + b"\1" + bytes(33) + b"\1\1\x20"),
        *[(0x40, b"\2\0" + condition + b"\1" + condition) for condition in CONDITIONS],
    ],
)
def test_what_scopes_name_is_passed_over(scopes: int, details: bytes) -> None:
    raw = transaction(signed(bytes([scopes]) + details))
    tx = Transaction.from_raw(raw)
    assert tx.signers == (Signer(ACCOUNT, scopes, details),)
    assert tx.script == b"s"
    for size in range(len(raw)):
        with pytest.raises(CodecError):
            Transaction.from_raw(raw[:size])


@pytest.mark.parametrize(
    ("kind", "data"),
    [(0x01, b""), (0x11, bytes(9) + b"\3abc"), (0x20, b"1234"), (0x21, b"h" * 32), (0x22, b"n")],
)
def test_every_attribute_has_its_length(kind: int, data: bytes) -> None:
    tx = Transaction.from_raw(transaction(attributes=b"\1" + bytes([kind]) + data))
    assert tx.attributes == ((kind, data),)
    assert tx.script == b"s"


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"", "truncated"),
        (RAW[:-1], "ends at byte"),
        (RAW + b"\0", "ends at byte"),
        (b"\1" + RAW[1:], "version 1"),
        (transaction(b"\0", witnesses=b"\0"), "no signers"),
        (transaction(signed(b"\2")), "scopes 02"),
        (transaction(signed(b"\x40\1\1\x05")), "condition 05"),
        (transaction(attributes=b"\1\x02"), "attribute 02"),
        (transaction(witnesses=b"\0"), "0 witnesses of 1 signers"),
        (transaction(witnesses=b"\2" + bytes(4)), "2 witnesses of 1 signers"),
        (transaction(witnesses=b"\1\xfd\x01\x00a\0"), "non-canonical-size"),
    ],
)
def test_bytes_that_are_no_transaction_are_refused(raw: bytes, why: str) -> None:
    with pytest.raises(CodecError, match=why):
        Transaction.from_raw(raw)


def many(count: int, item: bytes) -> bytes:
    return bytes([count]) + item * count


def two_lists(signers: int, attributes: int) -> bytes:
    return transaction(many(signers, ACCOUNT + b"\0"), many(attributes, b"\1"), witnesses=many(signers, b"\0\0"))


@pytest.mark.parametrize(
    ("fits", "too_many", "why"),
    [
        (two_lists(16, 0), two_lists(17, 0), "17 signers, at most 16"),
        (two_lists(2, 14), two_lists(2, 15), "15 attributes, at most 14"),
        (
            transaction(signed(b"\x10" + many(16, bytes(20)))),
            transaction(signed(b"\x10" + many(17, bytes(20)))),
            "17 contracts",
        ),
        (
            transaction(signed(b"\x20" + many(16, bytes(33)))),
            transaction(signed(b"\x20" + many(17, bytes(33)))),
            "17 groups",
        ),
        (
            transaction(signed(b"\x40" + many(16, b"\1\x20"))),
            transaction(signed(b"\x40" + many(17, b"\1\x20"))),
            "17 r",
        ),
        (
            transaction(signed(b"\x40\1\1\x02" + many(16, b"\x20"))),
            transaction(signed(b"\x40\1\1\x02" + many(17, b"\x20"))),
            "17 conditions",
        ),
        (transaction(signed(b"\x40\1\1" + DEEP)), transaction(signed(b"\x40\1\1\1" + DEEP)), "more than 16 deep"),
        (transaction(script=bytes(65_535)), transaction(script=bytes(65_536)), "script of 65536 bytes"),
        (
            transaction(witnesses=b"\1\xfd\x00\x04" + bytes(1024) + b"\0"),
            transaction(witnesses=b"\1\xfd\x01\x04" + bytes(1025) + b"\0"),
            "script of a witness of 1025",
        ),
    ],
    ids=["signers", "attributes", "contracts", "groups", "rules", "conditions", "nesting", "script", "witness"],
)
def test_every_limit_holds(fits: bytes, too_many: bytes, why: str) -> None:
    assert Transaction.from_raw(fits).raw == fits
    with pytest.raises(CodecError, match=why):
        Transaction.from_raw(too_many)


def test_a_transaction_has_102400_bytes_and_no_more() -> None:
    oracle = b"\2" + 2 * (b"\x11" + bytes(9) + compact_size(20_000) + bytes(20_000))
    script = MAX_TRANSACTION - len(transaction(attributes=oracle, script=b"")) - 2
    raw = transaction(attributes=oracle, script=bytes(script))
    assert len(raw) == MAX_TRANSACTION
    assert Transaction.from_raw(raw).raw == raw
    with pytest.raises(CodecError, match="102401 bytes, at most 102400"):
        Transaction.from_raw(transaction(attributes=oracle, script=bytes(script + 1)))


def test_people_see_id_signers_and_script() -> None:
    tx = Transaction.from_raw(RAW)
    assert str(tx) == f"{hash_hex(tx.txid)} (1 signers, script of 1 bytes)"
