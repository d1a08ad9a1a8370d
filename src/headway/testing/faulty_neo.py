"""Blocks of Neo that break exactly one rule, made of good ones of a `NeoChain`.

    bad = faulty_neo_block(rules, block, "bad-witness-script", signers)

A fault is named after the rule that refuses it, and after what was done where one rule has several faults. Those of the
witness need nobody's keys; the others are signed by the validators, whom nobody else can keep from it. Called by
`simulated` and the tests.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Final

from headway import kernel
from headway.networks.dbft.script import build_invocation
from headway.networks.neo3 import Neo3Rules
from headway.testing.neo_chain import (
    legacy_transaction,
    n3_transaction,
    script_of,
    sign,
    signature,
    validators,
    witness,
)
from headway.wire.buffer import compact_size

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from headway.networks.dbft.header import SignedHeader
    from headway.networks.dbft.rules import DbftRules
    from headway.testing.neo_chain import Validators

_MERKLE_ROOT: Final = slice(36, 68)
_TIME_AT: Final = 68
_STRANGERS_SALT: Final = 7_777


def faulty_neo_block(rules: DbftRules, block: bytes, fault: str, signers: Validators) -> bytes:
    """A good block that `signers` signed, with one fault. Raises KeyError for an unknown one."""
    header = rules.parser.block_header(block)
    if fault in WITNESS_FAULTS:
        return header.unsigned + WITNESS_FAULTS[fault](rules, header, signers) + block[len(header.raw) :]
    if fault == "time-too-old":
        return sign(rules, _at_genesis(rules, header.unsigned), signers) + block[len(header.raw) :]
    if fault == "duplicate-transaction":
        return _with_repetition(rules, header, signers)
    raise KeyError(fault)


def _unsigned(rules: DbftRules, header: SignedHeader, signers: Validators) -> bytes:
    """As many signatures as must be, of nothing."""
    rng = random.Random(header.hash)
    invented = [rng.randbytes(64) for _ in range(signers.threshold)]
    return witness(build_invocation(rules.dialect, invented), script_of(rules, signers))


def _by_too_few(rules: DbftRules, header: SignedHeader, signers: Validators) -> bytes:
    """One good signature less than must be."""
    good = [signature(secret, rules.digest(header)) for secret in signers.secrets[: signers.threshold - 1]]
    return witness(build_invocation(rules.dialect, good), script_of(rules, signers))


def _by_strangers(rules: DbftRules, header: SignedHeader, signers: Validators) -> bytes:
    """Good signatures of as many others."""
    others = validators(len(signers.secrets), salt=_STRANGERS_SALT)
    return sign(rules, header.unsigned, others)[len(header.unsigned) :]


def _by_nobody(rules: DbftRules, header: SignedHeader, signers: Validators) -> bytes:
    """Two empty scripts."""
    del rules, header, signers
    return witness(b"", b"")


def _at_genesis(rules: DbftRules, unsigned: bytes) -> bytes:
    size = 8 if isinstance(rules, Neo3Rules) else 4
    time = rules.first_block[_TIME_AT : _TIME_AT + size]
    return unsigned[:_TIME_AT] + time + unsigned[_TIME_AT + size :]


def _with_repetition(rules: DbftRules, header: SignedHeader, signers: Validators) -> bytes:
    """The first and the last of three transactions are one, and the merkle root is that of this very list."""
    rng = random.Random(header.hash)
    is_n3 = isinstance(rules, Neo3Rules)
    make = n3_transaction if is_n3 else legacy_transaction
    first, second = (make(rng, header.height) for _ in range(2))
    transactions = [first, second, first]
    if not is_n3:
        transactions.insert(0, (b"\x00\x00" + rng.randbytes(4) + bytes(3), b"\x00"))
    root, _ = kernel.merkle_root(b"".join(rules.hash_of(unsigned) for unsigned, _ in transactions))
    unsigned = header.unsigned[: _MERKLE_ROOT.start] + root + header.unsigned[_MERKLE_ROOT.stop :]
    body = compact_size(len(transactions)) + b"".join(map(b"".join, transactions))
    return sign(rules, unsigned, signers) + body


WITNESS_FAULTS: Final[Mapping[str, Callable[[DbftRules, SignedHeader, Validators], bytes]]] = {
    "bad-witness": _unsigned,
    "bad-witness too few": _by_too_few,
    "bad-witness-script": _by_strangers,
    "bad-witness-script none": _by_nobody,
}
