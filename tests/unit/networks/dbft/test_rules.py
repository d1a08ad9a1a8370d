"""The rules of both generations as the engine meets them: contexts, blocks, restored hashes, what is never checked."""

from __future__ import annotations

import random

import pytest

from headway.kernel import merkle_root
from headway.network import BlockStatus, BlockVerdict
from headway.networks.dbft.context import BEFORE_GENESIS, HeaderContext
from headway.testing.neo_chain import (
    legacy_transaction,
    n3_transaction,
    script_of,
    sign,
    unsigned_header,
    validators,
    witness,
)
from headway.types import UNKNOWN_HEIGHT, BlockId, BlockRequest
from headway.wire.buffer import compact_size
from tests.neorun import GENERATIONS, ListBranch, Signed, message, signed

VALID = BlockVerdict(BlockStatus.VALID)


@pytest.fixture(params=GENERATIONS, scope="module")
def chain(request: pytest.FixtureRequest) -> Signed:
    return signed(request.param, transactions=(1, 3), salt=2)


def verdict(chain: Signed, height: int, raw: bytes, context: HeaderContext | None = None) -> BlockVerdict:
    return chain.rules.verify_block(chain.request(height), context or chain.context(height), raw)


def outcome(chain: Signed, height: int, raw: bytes) -> tuple[str, str]:
    found = verdict(chain, height, raw)
    return found.status.name, found.rule


# Contexts.


def test_root_is_genesis(chain: Signed) -> None:
    rules = chain.rules
    first = rules.parser.block_header(rules.first_block)
    assert rules.root == BlockId(0, first.hash)
    assert rules.genesis == first.unsigned
    assert rules.genesis_block == rules.first_block
    assert (rules.header_size, rules.kept_size, rules.final) == (0, len(first.unsigned), True)


def test_context_of_a_branch_is_its_last_header_whole_or_kept(chain: Signed) -> None:
    first = chain.rules.parser.block_header(chain.rules.first_block).raw
    for size in (None, chain.rules.kept_size):
        branch = ListBranch([raw[:size] for raw in (first, *chain.headers)], chain.rules)
        assert chain.rules.context(branch) == chain.context(7)
        assert chain.rules.block_context(branch) == chain.context(7)


def test_a_branch_that_does_not_reach_back_passes_its_error_on(chain: Signed) -> None:
    class Broken(ListBranch):
        def header(self, height: int) -> bytes:
            raise LookupError(height)

    with pytest.raises(LookupError):
        chain.rules.block_context(Broken(chain.headers, chain.rules))


def test_context_at_a_height_is_what_is_known_there(chain: Signed) -> None:
    rules = chain.rules
    assert rules.context_at(0) == BEFORE_GENESIS
    assert rules.context_at(1) == chain.context(1)
    assert rules.context_at(2) == HeaderContext(1)
    assert rules.context_at(UNKNOWN_HEIGHT) == HeaderContext(None)


def test_a_gap_lies_ahead(chain: Signed) -> None:
    context = chain.context(3)
    assert chain.rules.context_past_gap(context, 10) == HeaderContext(9, timestamp=context.timestamp)
    for height in (3, 2, 0):
        with pytest.raises(ValueError, match=f"height {height} does not lie ahead"):
            chain.rules.context_past_gap(context, height)
    with pytest.raises(ValueError, match="does not lie ahead"):
        chain.rules.context_past_gap(HeaderContext(None), 3)


# Headers from our own log.


def test_hashes_are_restored_from_whole_headers_and_from_kept_parts(chain: Signed) -> None:
    rules = chain.rules
    hashes = b"".join(rules.parser.header(raw).hash for raw in chain.headers)
    for size in (None, rules.kept_size):
        assert rules.restore(message(rules, [raw[:size] for raw in chain.headers])) == (hashes, (1,) * 6)
    assert rules.restore(message(rules, [])) == (b"", ())


def test_headers_are_parsed_whole_or_kept_and_nothing_else(chain: Signed) -> None:
    whole, kept = chain.headers[0], chain.headers[0][: chain.rules.kept_size]
    assert chain.rules.parse_header(whole).hash == chain.rules.parse_header(kept).hash
    for bad in (b"", kept[:-1], kept + b"\x00", whole + b"\x00"):
        with pytest.raises(ValueError, match="header"):
            chain.rules.parse_header(bad)


# Blocks.


def test_every_block_of_a_chain_is_valid(chain: Signed) -> None:
    for height, raw in enumerate(chain.blocks, 1):
        assert verdict(chain, height, raw) == VALID
        assert verdict(chain, height, memoryview(raw)) == VALID  # type: ignore[arg-type]  # blocks come so, too


def test_a_block_without_its_parent_is_held_against_its_own_script(chain: Signed) -> None:
    for context in (None, HeaderContext(None), HeaderContext(2)):
        found = chain.rules.verify_block(chain.request(3), context, chain.blocks[2])
        assert found == BlockVerdict(BlockStatus.VALID, unchecked=("next-consensus",))
    bad = bytearray(chain.blocks[2])
    bad[chain.rules.kept_size + 8] ^= 1  # in the first signature
    assert chain.rules.verify_block(chain.request(3), None, bytes(bad)).rule == "bad-witness"


def test_genesis_is_valid_as_it_stands(chain: Signed) -> None:
    rules = chain.rules
    request = BlockRequest(rules.parse_header(rules.genesis), 0)
    assert rules.verify_block(request, None, rules.first_block) == VALID
    assert rules.verify_block(request, None, rules.first_block + b"\x00").rule == "bad-encoding"


def test_another_block_is_not_the_one_that_was_asked_for(chain: Signed) -> None:
    assert outcome(chain, 3, chain.blocks[3]) == ("MUTATED", "wrong-block")


def test_every_cut_and_every_byte_more_is_a_bad_copy(chain: Signed) -> None:
    raw = chain.blocks[2]
    for size in range(len(raw)):
        assert outcome(chain, 3, raw[:size]) == ("MUTATED", "bad-encoding")
    assert outcome(chain, 3, raw + b"\x00") == ("MUTATED", "bad-encoding")


def test_a_bad_witness_is_a_bad_copy_and_no_bad_block(chain: Signed) -> None:
    header = chain.rules.parser.header(chain.headers[2])
    body = chain.blocks[2][len(header.raw) :]
    foreign = validators(4, salt=5)
    for other, rule in {
        sign(chain.rules, header.unsigned, foreign): "bad-witness-script",
        header.unsigned + witness(b"", header.verification): "bad-witness",
        header.unsigned + witness(bytes(header.invocation[:-1]) + b"\xff", header.verification): "bad-witness",
        header.unsigned + witness(header.invocation, script_of(chain.rules, foreign)): "bad-witness-script",
    }.items():
        assert outcome(chain, 3, other + body) == ("MUTATED", rule)


def test_a_block_may_carry_another_valid_witness_than_its_header(chain: Signed) -> None:
    header = chain.rules.parser.header(chain.headers[2])
    body = chain.blocks[2][len(header.raw) :]
    copies = {sign(chain.rules, header.unsigned, chain.signers, by=by) for by in ((0, 1, 2), (0, 1, 3), (1, 2, 3))}
    assert len(copies) == 3
    assert {outcome(chain, 3, copy + body) for copy in copies} == {("VALID", "")}


def with_transactions(chain: Signed, transactions: list[tuple[bytes, bytes]], root: bytes | None = None) -> Signed:
    """The same chain with a block at height 7 of these transactions: hashed part and witnesses of each."""
    if root is None:
        root, _ = merkle_root(b"".join(chain.rules.hash_of(unsigned) for unsigned, _ in transactions))
    before = chain.context(7)
    header = unsigned_header(
        chain.rules,
        prev_hash=before.hash or b"",
        merkle_root=root,
        time=2_000_000_000,
        height=7,
        nonce=1,
        following=chain.signers,
    )
    raw = (
        sign(chain.rules, header, chain.signers)
        + compact_size(len(transactions))
        + b"".join(map(b"".join, transactions))
    )
    return Signed(chain.generation, chain.rules, chain.signers, [*chain.blocks, raw])


def some(chain: Signed, number: int) -> list[tuple[bytes, bytes]]:
    rng = random.Random(7)
    make = legacy_transaction if chain.generation == "neo2" else n3_transaction
    return [make(rng, 7) for _ in range(number)]


MINER = (b"\x00\x00\x01\x02\x03\x04\x00\x00\x00", b"\x00")
"""A miner's transaction of Neo Legacy."""


def body(chain: Signed, number: int) -> list[tuple[bytes, bytes]]:
    """Transactions in order, so many in all."""
    return [MINER, *some(chain, number - 1)] if chain.generation == "neo2" else some(chain, number)


def test_transactions_of_another_root_are_a_bad_copy(chain: Signed) -> None:
    good = with_transactions(chain, body(chain, 3))
    assert outcome(good, 7, good.blocks[-1]) == ("VALID", "")
    other = with_transactions(chain, body(chain, 3), root=b"\x11" * 32)
    assert outcome(other, 7, other.blocks[-1]) == ("MUTATED", "bad-merkle-root")
    swapped = body(chain, 3)
    swapped[1:] = swapped[:0:-1]
    head = good.headers[-1]
    assert outcome(good, 7, head + b"\x03" + b"".join(map(b"".join, swapped))) == ("MUTATED", "bad-merkle-root")


def test_a_repeated_tail_that_the_root_hides_is_a_bad_copy(chain: Signed) -> None:
    """CVE-2012-2459: an odd last node is paired with itself, so the root tells nothing of a second one."""
    good = with_transactions(chain, body(chain, 3))
    twice = [*body(chain, 3), body(chain, 3)[-1]]
    raw = good.headers[-1] + b"\x04" + b"".join(map(b"".join, twice))
    assert outcome(good, 7, raw) == ("MUTATED", "duplicate-transaction")


def test_one_transaction_twice_is_a_bad_block_where_the_root_says_so(chain: Signed) -> None:
    transactions = body(chain, 4)
    bad = with_transactions(chain, [transactions[0], transactions[1], transactions[2], transactions[1]])
    assert outcome(bad, 7, bad.blocks[-1]) == ("INVALID", "duplicate-transaction")


def test_damage_in_the_witness_of_a_transaction_cannot_be_seen(chain: Signed) -> None:
    good = with_transactions(chain, body(chain, 2))
    raw = bytearray(good.blocks[-1])
    raw[-1] ^= 1
    assert outcome(good, 7, bytes(raw)) == ("VALID", "")
    assert "transaction-witnesses" in chain.rules.static_unchecked


def test_what_needs_a_machine_or_the_state_is_said_to_be_unchecked(chain: Signed) -> None:
    assert set(chain.rules.static_unchecked) == {
        "scripts",
        "transaction-witnesses",
        "balances",
        "fees",
        "validator-elections",
    }


def test_a_block_states_its_height(chain: Signed) -> None:
    assert [chain.rules.stated_height(raw) for raw in chain.blocks] == [1, 2, 3, 4, 5, 6]
    assert chain.rules.stated_height(b"") == UNKNOWN_HEIGHT
    assert chain.rules.stated_height(chain.blocks[0][:90]) == UNKNOWN_HEIGHT


def test_garbage_never_raises(chain: Signed) -> None:
    rng = random.Random(5)
    raw, request = chain.blocks[2], chain.request(3)
    for _ in range(300):
        bad = bytearray(raw)
        for _ in range(rng.randint(1, 4)):
            bad[rng.randrange(len(bad))] = rng.randrange(256)
        found = chain.rules.verify_block(request, chain.context(3), bytes(bad))
        assert found.status is not BlockStatus.INVALID
        chain.rules.check_headers(message(chain.rules, [bytes(bad)]), chain.context(3), 0.0)
