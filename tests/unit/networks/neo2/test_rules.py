"""What is Neo Legacy's own: a miner's transaction comes first, and nodes of the merkle tree are no transactions."""

from __future__ import annotations

import random

from headway.kernel import merkle_root, sha256d
from headway.network import BlockVerdict
from headway.networks.neo2.rules import Neo2Rules
from headway.testing.neo_chain import legacy_transaction, sign, unsigned_header
from headway.types import ZERO_HASH, BlockRequest
from headway.wire.buffer import compact_size
from tests.neorun import Signed, judge, signed

MINER = (b"\x00\x00\x01\x02\x03\x04\x00\x00\x00", b"\x00")
RNG = random.Random(2)
TRANSFERS = [legacy_transaction(RNG, 2) for _ in range(3)]


def judged(transactions: list[tuple[bytes, bytes]], *, root: bytes = b"", shown: bytes = b"") -> BlockVerdict:
    """A second block of these transactions, signed; `shown` instead of them."""
    chain = signed("neo2", 1)
    before = chain.context(2)
    header = unsigned_header(
        chain.rules,
        prev_hash=before.hash or b"",
        merkle_root=root or merkle_root(b"".join(sha256d(unsigned) for unsigned, _ in transactions))[0],
        time=2_000_000_000,
        height=2,
        nonce=0,
        following=chain.signers,
    )
    raw = sign(chain.rules, header, chain.signers)
    request = BlockRequest(chain.rules.parser.header(raw), 2)
    body = shown or compact_size(len(transactions)) + b"".join(map(b"".join, transactions))
    return chain.rules.verify_block(request, before, raw + body)


def outcome(found: BlockVerdict) -> tuple[str, str]:
    return found.status.name, found.rule


def test_the_miner_comes_first_and_alone() -> None:
    assert outcome(judged([MINER])) == ("VALID", "")
    assert outcome(judged([MINER, *TRANSFERS])) == ("VALID", "")
    assert outcome(judged(TRANSFERS)) == ("INVALID", "bad-miner")
    assert outcome(judged([TRANSFERS[0], MINER])) == ("INVALID", "bad-miner")
    second = (MINER[0][:2] + b"\x09" + MINER[0][3:], MINER[1])
    assert outcome(judged([MINER, *TRANSFERS, second])) == ("INVALID", "bad-miner")
    assert "transaction 4" in judged([MINER, *TRANSFERS, second]).detail


def test_a_block_that_commits_to_no_transactions_is_bad_in_every_copy() -> None:
    assert outcome(judged([], root=ZERO_HASH)) == ("INVALID", "no-transactions")
    assert outcome(judged([], root=ZERO_HASH, shown=b"\x01" + b"".join(MINER))) == ("INVALID", "no-transactions")


def test_an_empty_list_is_a_bad_copy_of_a_block_that_has_some() -> None:
    assert outcome(judged([MINER], shown=b"\x00")) == ("MUTATED", "bad-encoding")


def test_nodes_of_the_merkle_tree_are_no_transactions() -> None:
    """64 bytes that read as a transaction may be two hashes of a real block: they must not condemn it, nor pass."""
    of_64 = (b"\x80\x00" + b"\x01\xf0\x39" + bytes(57) + b"\x00\x00", b"\x00")
    assert len(of_64[0]) == 64
    for miner in (of_64, (b"\x00\x00" + bytes(4) + b"\x01\xf0\x35" + bytes(53) + b"\x00\x00", b"\x00")):
        assert len(miner[0]) == 64
        found = judged([miner])
        assert outcome(found) == ("MUTATED", "bad-encoding")
        assert "inner nodes" in found.detail
    assert outcome(judged([MINER, of_64])) == ("VALID", "")


def test_a_header_s_version_is_not_looked_at() -> None:
    chain = signed("neo2", 1)
    other = chain.resigned(1, 0, b"\x07\x00\x00\x00")
    found = judge(chain.rules, [other], chain.context(1))
    assert (found.accepted, found.refused) == (1, {})


def test_a_blank_header_says_what_is_known_and_no_more() -> None:
    rules = rules_of(signed("neo2", 1))
    header = rules.parser.header(rules.blank_header(0x01020304, bytes(range(20))))
    assert (header.height, header.next_consensus) == (0x01020304, bytes(range(20)))
    assert (header.version, header.prev_hash, header.merkle_root, header.time, header.nonce) == (
        0,
        ZERO_HASH,
        ZERO_HASH,
        0,
        0,
    )


def rules_of(chain: Signed) -> Neo2Rules:
    assert isinstance(chain.rules, Neo2Rules)
    return chain.rules
