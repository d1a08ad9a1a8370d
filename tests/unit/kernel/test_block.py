"""Every rule of a block, broken one at a time in blocks with real work; and who can bring a verdict about.

`resized` puts other transactions behind a header: what anybody can do to a block. `block_of` makes the header for its
transactions: what only a miner can do.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest

from headway.kernel import INVALID, MUTATED, VALID, BlockCheck, BlockRules
from headway.kernel.block import check_block, height_push
from headway.kernel.scan import scan
from headway.kernel.transaction import MAX_MONEY, NULL_OUTPOINT
from headway.wire.buffer import compact_size
from tests.chain_builder import (
    assemble,
    block_hash,
    coinbase,
    height_script,
    merkle_root,
    payment,
    push,
    sha256d,
    transaction,
    tx_input,
    tx_output,
)

HEIGHT = 200
TIME = 1_700_000_000
MEDIAN = TIME - 3_600
ALL_RULES = BlockRules(HEIGHT, bip34=True, median_lock_time=True, segwit=True)
FIRST_RULES = BlockRules(HEIGHT, bip34=False, median_lock_time=False, segwit=False)
UNKNOWN_HEIGHT = BlockRules(-1, bip34=False, median_lock_time=True, segwit=True)

NONCE = bytes(32)
FREE = b"\x51"


def payments(count: int) -> list[bytes]:
    rng = random.Random(5)
    return [payment(rng) for _ in range(count)]


def legacy(*, lock_time: int = 0, sequence: int = 0xFFFFFFFF, script: bytes = FREE, number: int = 1) -> bytes:
    """A transaction without witness."""
    outpoint = number.to_bytes(36, "little")
    return transaction([tx_input(outpoint, sequence=sequence)], [tx_output(1, script)], lock_time=lock_time)


def block_of(*others: bytes, first: bytes | None = None) -> bytes:
    """A block of these transactions behind a coinbase, by default one that commits to them."""
    return assemble(bytes(32), TIME, [coinbase(HEIGHT, others) if first is None else first, *others])


def judged(
    raw: bytes, header: bytes | None = None, rules: BlockRules = ALL_RULES, median: int | None = MEDIAN
) -> BlockCheck:
    """The verdict on `raw` as the block of `header` (default: its own)."""
    return check_block(raw, block_hash(header or raw), rules, median)


def verdict(raw: bytes, header: bytes | None = None, rules: BlockRules = ALL_RULES) -> tuple[int, str]:
    check = judged(raw, header, rules)
    assert check.unchecked == ()
    return check.status, check.rule


def resized(raw: bytes, transactions: Sequence[bytes]) -> bytes:
    """The header of `raw` before other transactions."""
    return raw[:80] + compact_size(len(transactions)) + b"".join(transactions)


# Good blocks.


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 5, 300])
def test_a_block_of_any_number_of_transactions_is_valid(count: int) -> None:
    raw = block_of(*payments(count))
    check = judged(raw)
    assert (check.status, check.rule, check.transactions, check.unchecked) == (VALID, "", count + 1, ())


def test_weight_counts_what_is_not_witness_four_times() -> None:
    without = transaction([tx_input(NULL_OUTPOINT, height_script(HEIGHT) + b"\x01\x00")], [tx_output(1, FREE)])
    raw = block_of(legacy(), first=without)
    assert judged(raw).weight == 4 * len(raw)
    witnessed = block_of(*payments(1))
    witness_size = 2 + 34 + 2 + 107  # marker and flag, twice; the coinbase's item; signature and key, counted and sized
    assert judged(witnessed).weight == 4 * len(witnessed) - 3 * witness_size


def test_a_view_of_the_bytes_will_do() -> None:
    raw = block_of(*payments(2))
    assert check_block(memoryview(raw), block_hash(raw), ALL_RULES, MEDIAN).status == VALID


# What anybody can do to the bytes on their way.


def test_bytes_of_another_header_are_mutated() -> None:
    raw, other = block_of(*payments(1)), block_of(*payments(2))
    assert verdict(other, raw) == (MUTATED, "wrong-block")
    assert verdict(other[:80] + raw[80:], raw) == (MUTATED, "wrong-block")


@pytest.mark.parametrize("size", [0, 79, 80, 81, 200, -1])
def test_a_truncated_block_is_mutated(size: int) -> None:
    raw = block_of(*payments(2))
    assert verdict(raw[:size], raw) == (MUTATED, "truncated")


def test_one_byte_too_long_is_mutated() -> None:
    raw = block_of(*payments(2))
    assert verdict(raw + b"\0") == (MUTATED, "trailing-bytes")


def test_a_count_in_a_longer_form_is_mutated() -> None:
    raw = block_of(*payments(2))
    assert verdict(raw[:80] + b"\xfd\x03\x00" + raw[81:]) == (MUTATED, "non-canonical-size")


def test_a_superfluous_witness_is_mutated() -> None:
    plain = legacy()
    raw = block_of(plain)
    flagged = plain[:4] + b"\0\1" + plain[4:-4] + b"\0" + plain[-4:]
    assert verdict(resized(raw, [coinbase(HEIGHT, [plain]), flagged])) == (MUTATED, "superfluous-witness")


def test_an_unknown_flag_is_mutated() -> None:
    raw = block_of(*payments(1))
    assert verdict(raw[:86] + b"\2" + raw[87:]) == (MUTATED, "unknown-flag")


def test_other_transactions_are_mutated() -> None:
    others = payments(3)
    raw = block_of(*others)
    first = coinbase(HEIGHT, others)
    for transactions in (
        [first, *others[::-1]],
        [first, *others[:2]],
        [first, *others, legacy()],
        [first],
        [],
        [first, *others[:2], others[2][:-1] + b"\1"],
    ):
        assert verdict(resized(raw, transactions), raw) == (MUTATED, "bad-txnmrklroot")


@pytest.mark.parametrize(("count", "repeated"), [(2, 1), (4, 1), (5, 2), (6, 1), (9, 2), (11, 4)])
def test_repeated_transactions_with_the_same_root_are_mutated(count: int, repeated: int) -> None:
    """CVE-2012-2459: the tail of an odd level once more. It must not condemn the header."""
    others = payments(count)
    raw = block_of(*others)
    longer = [coinbase(HEIGHT, others), *others, *others[-repeated:]]
    assert verdict(resized(raw, longer), raw) == (MUTATED, "bad-txns-duplicate")


def test_inner_nodes_in_place_of_transactions_are_mutated() -> None:
    """Two hashes together are 64 bytes, and if the miner chose them so they read as a transaction."""
    node = transaction([tx_input(bytes(36))], [tx_output(1, bytes(4))])
    assert len(node) == 64
    raw = assemble(bytes(32), TIME, [node, node[:-1] + b"\1"])
    assert verdict(raw) == (MUTATED, "merkle-64-bytes")


def test_inner_nodes_with_a_witness_are_still_64_bytes() -> None:
    node = transaction([tx_input(bytes(36))], [tx_output(1, bytes(4))], witness=[(b"x",)])
    assert verdict(assemble(bytes(32), TIME, [node])) == (MUTATED, "merkle-64-bytes")


def test_a_64_byte_transaction_behind_a_coinbase_is_no_fault() -> None:
    node = transaction([tx_input(bytes(36))], [tx_output(1, bytes(4))])
    assert verdict(block_of(node)) == (VALID, "")


def test_a_changed_witness_is_mutated() -> None:
    raw = block_of(*payments(2))
    assert verdict(raw[:-5] + bytes([raw[-5] ^ 1]) + raw[-4:]) == (MUTATED, "bad-witness-merkle-match")


def test_a_changed_nonce_of_the_commitment_is_mutated() -> None:
    others = payments(1)
    first = coinbase(HEIGHT, others)
    changed = first[:-5] + b"\1" + first[-4:]
    assert verdict(resized(block_of(*others), [changed, *others])) == (MUTATED, "bad-witness-merkle-match")


@pytest.mark.parametrize("items", [(), (b"x" * 31,), (b"x" * 33,), (NONCE, b""), (b"", NONCE)])
def test_a_nonce_that_is_not_one_item_of_32_bytes_is_mutated(items: tuple[bytes, ...]) -> None:
    others = payments(1)
    raw, first = block_of(*others), coinbase(HEIGHT, others)
    body = first[6 : -4 - 34]
    if items:
        witness = bytes([len(items)]) + b"".join(bytes([len(item)]) + item for item in items)
        first = first[:6] + body + witness + first[-4:]
    else:
        first = first[:4] + body + first[-4:]
    assert verdict(resized(raw, [first, *others])) == (MUTATED, "bad-witness-nonce-size")


def test_all_witnesses_stripped_is_mutated() -> None:
    """What a peer sends that was asked for the old form of the block."""
    assert verdict(scan(block_of(*payments(1))).stripped()) == (MUTATED, "bad-witness-nonce-size")


def without_commitment(*others: bytes, witness: Sequence[Sequence[bytes]] | None = None) -> bytes:
    script = height_script(HEIGHT) + push(b"headway")
    first = transaction([tx_input(NULL_OUTPOINT, script)], [tx_output(1, FREE)], witness=witness)
    return block_of(*others, first=first)


def test_a_witness_without_commitment_is_mutated() -> None:
    assert verdict(without_commitment(*payments(1))) == (MUTATED, "unexpected-witness")
    assert verdict(without_commitment(witness=[(NONCE,)])) == (MUTATED, "unexpected-witness")
    assert verdict(without_commitment(legacy())) == (VALID, "")


def test_before_segwit_any_witness_is_mutated_and_a_commitment_means_nothing() -> None:
    raw = block_of(*payments(1))
    assert verdict(raw, rules=FIRST_RULES) == (MUTATED, "unexpected-witness")
    nonsense = transaction(
        [tx_input(NULL_OUTPOINT, bytes(2))], [tx_output(0, bytes.fromhex("6a24aa21a9ed") + bytes(32))]
    )
    assert verdict(block_of(legacy(), first=nonsense), rules=FIRST_RULES) == (VALID, "")


def committed(*scripts: bytes, others: Sequence[bytes]) -> bytes:
    outputs = [tx_output(0, script) for script in scripts]
    start = height_script(HEIGHT) + b"\0"
    return block_of(*others, first=transaction([tx_input(NULL_OUTPOINT, start)], outputs, witness=[(NONCE,)]))


def test_the_last_output_that_looks_like_a_commitment_is_the_commitment() -> None:
    others = payments(2)
    root = merkle_root([bytes(32), *(sha256d(tx) for tx in others)])
    head = bytes.fromhex("6a24aa21a9ed")
    right, wrong = head + sha256d(root + NONCE), head + bytes(32)
    assert verdict(committed(wrong, right, others=others)) == (VALID, "")
    assert verdict(committed(right, wrong, others=others)) == (MUTATED, "bad-witness-merkle-match")
    assert verdict(committed(right, wrong[:-1], others=others)) == (VALID, "")  # too short to be one
    assert verdict(committed(right + b"more", others=others)) == (VALID, "")
    assert verdict(committed(b"\x6a\x25" + right[2:], others=others)) == (MUTATED, "unexpected-witness")


# What only a miner can do: the header commits to it.


def test_a_block_without_coinbase_is_invalid() -> None:
    assert verdict(assemble(bytes(32), TIME, payments(2))) == (INVALID, "bad-cb-missing")
    two_inputs = transaction([tx_input(NULL_OUTPOINT, b"\0\0"), tx_input(bytes(36))], [tx_output(1, FREE)])
    assert verdict(assemble(bytes(32), TIME, [two_inputs])) == (INVALID, "bad-cb-missing")


def test_a_block_without_transactions_is_invalid() -> None:
    header = block_of()[:36] + bytes(32) + block_of()[68:80]
    assert verdict(header + b"\0") == (INVALID, "bad-blk-length")


def test_a_second_coinbase_is_invalid() -> None:
    assert verdict(block_of(*payments(1), coinbase(HEIGHT, salt=1))) == (INVALID, "bad-cb-multiple")


@pytest.mark.parametrize(
    ("inputs", "values", "rule"),
    [
        ([], [], "bad-txns-vin-empty"),
        ([tx_input(bytes(36))], [], "bad-txns-vout-empty"),
        ([tx_input(bytes(36))], [-1], "bad-txns-vout-negative"),
        ([tx_input(bytes(36))], [MAX_MONEY + 1], "bad-txns-vout-toolarge"),
        ([tx_input(bytes(36))], [MAX_MONEY, 1], "bad-txns-txouttotal-toolarge"),
        ([tx_input(bytes(36))] * 2, [1], "bad-txns-inputs-duplicate"),
        ([tx_input(bytes(36)), tx_input(NULL_OUTPOINT)], [1], "bad-txns-prevout-null"),
    ],
)
def test_a_transaction_that_breaks_a_rule_makes_its_block_invalid(
    inputs: list[bytes], values: list[int], rule: str
) -> None:
    bad = transaction(inputs, [tx_output(value, FREE) for value in values])
    check = judged(block_of(*payments(2), bad, *payments(1)))
    assert (check.status, check.rule) == (INVALID, rule)
    assert check.detail == "transaction 3"


def test_the_first_transaction_at_fault_is_told_whichever_rules_the_others_break() -> None:
    negative = transaction([tx_input(bytes(36))], [tx_output(-1, FREE)])
    hollow = transaction([], [])
    assert verdict(block_of(negative, hollow)) == (INVALID, "bad-txns-vout-negative")
    assert verdict(block_of(hollow, negative)) == (INVALID, "bad-txns-vin-empty")


def test_one_output_spent_by_two_transactions_is_for_those_who_know_the_coins() -> None:
    assert verdict(block_of(legacy(), legacy(script=b"\x52"))) == (VALID, "")


def test_amounts_may_exceed_all_coins_together_but_not_in_one_transaction() -> None:
    rich = [transaction([tx_input(bytes([n]) * 36)], [tx_output(MAX_MONEY, FREE)]) for n in (1, 2)]
    assert verdict(block_of(*rich)) == (VALID, "")


@pytest.mark.parametrize("size", [0, 1, 101, 200])
def test_a_coinbase_script_of_a_wrong_size_is_invalid(size: int) -> None:
    first = transaction([tx_input(NULL_OUTPOINT, bytes(size))], [tx_output(1, FREE)])
    assert verdict(block_of(first=first)) == (INVALID, "bad-cb-length")


@pytest.mark.parametrize(
    "start",
    [
        height_script(HEIGHT + 1),
        b"\x51",
        b"\x03\xc8\x00\x00",  # the right number, not in its shortest form
        b"\x4c\x02\xc8\x00",  # the right number, pushed the long way
        b"\x02\xc8",
    ],
)
def test_a_coinbase_without_its_height_is_invalid_from_bip34_on(start: bytes) -> None:
    first = transaction([tx_input(NULL_OUTPOINT, start + b"\x51")], [tx_output(1, FREE)])
    assert verdict(block_of(first=first)) == (INVALID, "bad-cb-height")
    assert verdict(block_of(first=first), rules=FIRST_RULES) == (VALID, "")


@pytest.mark.parametrize(
    ("height", "script"),
    [
        (0, "00"), (1, "51"), (16, "60"), (17, "0111"), (127, "017f"), (128, "028000"), (255, "02ff00"),
        (256, "020001"), (32767, "02ff7f"), (32768, "03008000"), (227931, "035b7a03"), (8388607, "03ffff7f"),
        (8388608, "0400008000"),
    ],
)  # fmt: skip
def test_heights_are_pushed_in_their_shortest_signed_form(height: int, script: str) -> None:
    assert height_push(height).hex() == script


@pytest.mark.parametrize(("count", "expected"), [(20_000, (VALID, "")), (20_001, (INVALID, "bad-blk-sigops"))])
def test_signature_operations_are_bounded(count: int, expected: tuple[int, str]) -> None:
    assert verdict(block_of(legacy(script=b"\xac" * count))) == expected


def test_signature_operations_of_all_scripts_add_up() -> None:
    """Of inputs as of outputs, of the coinbase too; a multisignature is twenty."""
    many = legacy(script=b"\xae" * 999)  # 19,980
    spending = transaction([tx_input(bytes(36), b"\xac" * 18)], [tx_output(1, b"")])
    assert verdict(block_of(many, spending, legacy(script=b"\xad\xad", number=2))) == (VALID, "")
    assert verdict(block_of(many, spending, legacy(script=b"\xad" * 3, number=2))) == (INVALID, "bad-blk-sigops")
    first = transaction([tx_input(NULL_OUTPOINT, height_script(HEIGHT) + b"\xac" * 3)], [tx_output(1, FREE)])
    assert verdict(block_of(many, spending, first=first)) == (INVALID, "bad-blk-sigops")


def padded(size: int) -> bytes:
    """A block of that many bytes without witness."""
    start = height_script(HEIGHT) + b"\0"
    first = transaction([tx_input(NULL_OUTPOINT, start)], [tx_output(1, FREE)])
    empty = len(block_of(legacy(script=bytes(70_000)), first=first))
    return block_of(legacy(script=bytes(70_000 + size - empty)), first=first)


@pytest.mark.parametrize(("size", "expected"), [(1_000_000, (VALID, "")), (1_000_001, (INVALID, "bad-blk-length"))])
def test_size_without_witness_is_bounded(size: int, expected: tuple[int, str]) -> None:
    raw = padded(size)
    assert len(raw) == size
    assert verdict(raw) == expected


def heavy(weight: int) -> bytes:
    """A committed block of that weight, most of it witness."""
    item = b""
    for _ in range(2):
        other = transaction([tx_input(bytes(36))], [tx_output(1, FREE)], witness=[(item,)])
        raw = block_of(other)
        item = bytes(len(item) + weight - judged(raw).weight - (0 if item else 4))
    other = transaction([tx_input(bytes(36))], [tx_output(1, FREE)], witness=[(item,)])
    return block_of(other)


@pytest.mark.parametrize(("weight", "expected"), [(4_000_000, (VALID, "")), (4_000_001, (INVALID, "bad-blk-weight"))])
def test_weight_is_bounded(weight: int, expected: tuple[int, str]) -> None:
    raw = heavy(weight)
    assert judged(raw).weight == weight
    assert verdict(raw) == expected


def test_a_witness_blown_up_on_its_way_is_mutated_however_heavy() -> None:
    """Weight counts witness bytes, which anybody can add: only the miner's own may condemn the block."""
    other = transaction([tx_input(bytes(36))], [tx_output(1, FREE)], witness=[(b"",)])
    raw = block_of(other)
    blown = transaction([tx_input(bytes(36))], [tx_output(1, FREE)], witness=[(bytes(4_000_000),)])
    check = judged(resized(raw, [coinbase(HEIGHT, [other]), blown]), raw)
    assert check.weight > 4_000_000
    assert (check.status, check.rule) == (MUTATED, "bad-witness-merkle-match")


# Lock times.


@pytest.mark.parametrize(
    ("lock_time", "final"),
    [
        (0, True),
        (HEIGHT - 1, True),
        (HEIGHT, False),
        (499_999_999, False),
        (500_000_000, True),
        (MEDIAN - 1, True),
        (MEDIAN, False),
        (TIME - 1, False),
        (0xFFFFFFFF, False),
    ],
)
def test_lock_times_must_have_passed(lock_time: int, final: bool) -> None:
    raw = block_of(legacy(lock_time=lock_time, sequence=0))
    assert verdict(raw) == ((VALID, "") if final else (INVALID, "bad-txns-nonfinal"))


def test_before_bip113_lock_times_compare_with_the_block_s_own_time() -> None:
    for lock_time, expected in ((TIME - 1, (VALID, "")), (TIME, (INVALID, "bad-txns-nonfinal"))):
        raw = without_commitment(legacy(lock_time=lock_time, sequence=0))
        assert verdict(raw, rules=FIRST_RULES) == expected
        assert judged(raw, rules=FIRST_RULES, median=None).unchecked == ()


def test_final_sequences_ignore_the_lock_time() -> None:
    assert verdict(block_of(legacy(lock_time=TIME, sequence=0xFFFFFFFF))) == (VALID, "")
    assert verdict(block_of(legacy(lock_time=TIME, sequence=0xFFFFFFFE))) == (INVALID, "bad-txns-nonfinal")


def test_a_lock_time_that_needs_an_unknown_median_is_counted_unless_it_is_late_for_any() -> None:
    def outcome(lock_time: int, sequence: int = 0) -> tuple[int, tuple[str, ...]]:
        check = judged(block_of(legacy(lock_time=lock_time, sequence=sequence)), median=None)
        return check.status, check.unchecked

    assert outcome(500_000_000) == (VALID, ("lock-time-median",))
    assert outcome(TIME - 1) == (VALID, ("lock-time-median",))
    assert outcome(TIME) == (INVALID, ())
    assert outcome(TIME - 1, sequence=0xFFFFFFFF) == (VALID, ())
    assert outcome(HEIGHT - 1) == (VALID, ())


# Height unknown.


def test_with_unknown_height_what_needs_it_is_counted() -> None:
    raw = block_of(legacy(lock_time=HEIGHT, sequence=0), legacy(lock_time=MEDIAN, sequence=0, number=2))
    check = judged(raw, rules=UNKNOWN_HEIGHT, median=None)
    assert (check.status, check.unchecked) == (VALID, ("coinbase-height", "lock-time-height", "lock-time-median"))


def test_with_unknown_height_a_witness_is_held_to_its_commitment() -> None:
    raw = block_of(*payments(2))
    assert judged(raw, rules=UNKNOWN_HEIGHT, median=None).unchecked == ("coinbase-height",)
    changed = raw[:-5] + bytes([raw[-5] ^ 1]) + raw[-4:]
    assert verdict(changed, rules=UNKNOWN_HEIGHT) == (MUTATED, "bad-witness-merkle-match")
    assert verdict(without_commitment(*payments(1)), rules=UNKNOWN_HEIGHT) == (MUTATED, "unexpected-witness")


def test_with_unknown_height_a_commitment_alone_may_be_older_than_segwit() -> None:
    raw = scan(block_of()).stripped()
    check = judged(raw, rules=UNKNOWN_HEIGHT, median=None)
    assert (check.status, check.unchecked) == (VALID, ("coinbase-height", "witness-commitment"))
    assert verdict(raw) == (MUTATED, "bad-witness-nonce-size")
