"""Bitcoin's rules by their properties: against plain models of the same, and against whoever alters bytes."""

from __future__ import annotations

import random
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway.kernel import INVALID, MUTATED, VALID, BlockRules, HeaderContext, HeaderParams
from headway.kernel.block import check_block
from headway.kernel.difficulty import bits_of, retarget, target_of, within_retarget, work_of
from headway.kernel.hash import merkle_root
from headway.kernel.headers import check_headers, context_from
from headway.kernel.scan import EncodingFault, scan
from headway.kernel.script import count_sigops
from headway.kernel.transaction import NULL_OUTPOINT, broken_rule, read_transaction
from headway.networks.bitcoin.transaction import Transaction
from headway.wire.buffer import compact_size
from tests import chain_builder, header_model
from tests.chain_builder import (
    BITS,
    assemble,
    block_hash,
    block_time,
    coinbase,
    regtest_chain,
    transaction,
    tx_input,
    tx_output,
)
from tests.data import read
from tests.header_model import EASY, EASY_TESTNET3, EASY_TESTNET4, PERIOD, EasyChain, time_of

# Whoever alters bytes on their way: never VALID, and never INVALID, which would condemn the header.

ALL_RULES = BlockRules(1, bip34=True, median_lock_time=True, segwit=True)
REAL = (
    ("mainnet-482683-ef7eee73e747.bin", BlockRules(482_683, bip34=True, median_lock_time=True, segwit=True)),
    ("testnet3-924634-9be04fa4497b.bin", BlockRules(924_634, bip34=True, median_lock_time=True, segwit=True)),
    ("testnet3-898352-5c7332b98fca.bin", BlockRules(898_352, bip34=True, median_lock_time=True, segwit=True)),
    ("mainnet-169482-4cdb5f368665.bin", BlockRules(169_482, bip34=False, median_lock_time=False, segwit=False)),
)
"""Small blocks, some with witness."""


@cache
def block_at(number: int) -> tuple[bytes, BlockRules]:
    """One of a few blocks, real ones first, then one that is made here; and the rules at its height."""
    if number == len(REAL):
        return regtest_chain(1, transactions_per_block=9)[0], ALL_RULES
    file, rules = REAL[number]
    return read("bitcoin", "blocks", file), rules


BLOCKS = st.integers(0, len(REAL))


def verdict_on(raw: bytes, original: bytes, rules: BlockRules) -> tuple[int, str]:
    check = check_block(raw, block_hash(original), rules, block_time(original) - 1)
    return check.status, check.rule


@given(BLOCKS, st.data())
def test_altered_bytes_are_mutated_wherever_they_stand(number: int, data: st.DataObject) -> None:
    original, rules = block_at(number)
    assert verdict_on(original, original, rules) == (VALID, "")
    changes = data.draw(st.dictionaries(st.integers(0, len(original) - 1), st.integers(1, 255), min_size=1, max_size=3))
    raw = bytearray(original)
    for at, change in changes.items():
        raw[at] ^= change
    status, rule = verdict_on(bytes(raw), original, rules)
    assert status == MUTATED
    assert (rule == "wrong-block") == (min(changes) < 80)


@given(BLOCKS, st.data())
def test_moved_bytes_are_mutated(number: int, data: st.DataObject) -> None:
    """Cut out, put in, or written twice."""
    original, rules = block_at(number)
    start, stop, to = sorted(data.draw(st.tuples(*[st.integers(80, len(original))] * 3)))
    piece = data.draw(st.sampled_from([b"", original[start:stop] * 2, original[stop:to], b"\0"]))
    raw = original[:start] + piece + original[stop:]
    status, _ = verdict_on(raw, original, rules)
    assert status == (VALID if raw == original else MUTATED)


@given(st.integers(1, 9), st.permutations(range(6)), st.lists(st.integers(0, 5), max_size=12))
def test_other_transactions_behind_a_header_are_mutated(count: int, order: list[int], repeats: list[int]) -> None:
    """Reordered, left out, repeated: even where the merkle root is the same."""
    transactions, original = committed_block()
    chosen = [transactions[number] for number in [*order[:count], *repeats]]
    raw = original[:80] + compact_size(len(chosen)) + b"".join(chosen)
    status, _ = verdict_on(raw, original, ALL_RULES)
    assert status == (VALID if raw == original else MUTATED)


@cache
def committed_block() -> tuple[list[bytes], bytes]:
    rng = random.Random(3)
    others = [chain_builder.payment(rng) for _ in range(5)]
    transactions = [coinbase(1, others), *others]
    return transactions, assemble(bytes(32), 1_700_000_000, transactions)


@given(st.binary(max_size=400))
def test_any_bytes_get_a_verdict_and_never_raise(body: bytes) -> None:
    raw = bytes(80) + body
    status, rule = verdict_on(raw, raw, ALL_RULES)
    # Only an empty list of transactions has the root of zeros that this header has.
    assert (status, rule) == (INVALID, "bad-blk-length") if body == b"\0" else status == MUTATED


# Transactions: the columns against each transaction by itself.

SCRIPTS = st.one_of(
    st.binary(max_size=40),
    st.lists(
        st.sampled_from([b"\xac", b"\xae", b"\x51", b"\x02\xac\xac", b"\x4c\x01\xae", b"\x14", b"\x76\xa9\x14"])
    ).map(b"".join),
    st.binary(min_size=20, max_size=20).map(lambda data: b"\x76\xa9\x14" + data + b"\x88\xac"),
    st.binary(min_size=20, max_size=20).map(lambda data: b"\0\x14" + data),
    st.tuples(st.binary(max_size=75), st.binary(max_size=75)).map(lambda pair: b"".join(map(chain_builder.push, pair))),
)
OUTPOINTS = st.one_of(st.sampled_from([NULL_OUTPOINT, bytes(36), b"\1" * 36]), st.binary(min_size=36, max_size=36))
VALUES = st.one_of(st.integers(0, 10**9), st.sampled_from([-1, 21 * 10**14, 21 * 10**14 + 1, 2**63 - 1, -(2**63)]))


@st.composite
def transactions(draw: st.DrawFn) -> bytes:
    inputs = draw(st.lists(st.tuples(OUTPOINTS, SCRIPTS), max_size=4))
    # Without inputs there are no outputs: their count would read as the flag of the form with witness.
    outputs = draw(st.lists(st.tuples(VALUES, SCRIPTS), max_size=4)) if inputs else []
    witness, has_witness = None, draw(st.booleans())
    if inputs and has_witness:
        items = draw(st.lists(st.lists(st.binary(max_size=3), max_size=3), min_size=len(inputs), max_size=len(inputs)))
        witness = [*items[:-1], items[-1] or [b""]]
    return transaction(
        [tx_input(outpoint, script) for outpoint, script in inputs],
        [tx_output(value, script) for value, script in outputs],
        witness=witness,
        lock_time=draw(st.sampled_from([0, 5, 2**32 - 1])),
    )


@given(st.lists(transactions(), max_size=5))
def test_columns_of_a_block_are_the_sum_of_its_transactions(raws: list[bytes]) -> None:
    found = scan(bytes(80) + compact_size(len(raws)) + b"".join(raws))
    parsed = [Transaction.from_raw(raw) for raw in raws]
    scripts = [item.script for tx in parsed for item in tx.inputs]
    scripts += [output.script for tx in parsed for output in tx.outputs]
    assert found.txids() == [tx.txid for tx in parsed]
    assert found.stripped_sizes() == [len(tx.stripped) for tx in parsed]
    assert found.sigops == sum(map(count_sigops, scripts)) == sum(map(plain_sigops, scripts))
    assert found.outpoints == [item.txid + item.index.to_bytes(4, "little") for tx in parsed for item in tx.inputs]
    assert found.output_sum == sum(output.value % 2**64 for tx in parsed for output in tx.outputs)
    assert found.hollow == any(not tx.inputs or not tx.outputs for tx in parsed)


def plain_sigops(script: bytes) -> int:
    """One opcode after another, as Core's GetOp reads them."""
    if not script:
        return 0
    opcode, width = script[0], {0x4C: 1, 0x4D: 2, 0x4E: 4}.get(script[0], 0)
    pushed = opcode if opcode < 0x4C else int.from_bytes(script[1 : 1 + width], "little")
    if opcode > 0x4E:
        return {0xAC: 1, 0xAD: 1, 0xAE: 20, 0xAF: 20}.get(opcode, 0) + plain_sigops(script[1:])
    end = 1 + width + pushed
    return plain_sigops(script[end:]) if len(script) >= end else 0


@given(st.lists(transactions(), max_size=4, unique_by=lambda raw: Transaction.from_raw(raw).txid))
def test_no_broken_transaction_hides_behind_the_columns(raws: list[bytes]) -> None:
    """What the quick questions let through, reading every transaction in full lets through as well."""
    rules = BlockRules(1, bip34=False, median_lock_time=False, segwit=False)
    first = transaction([tx_input(NULL_OUTPOINT, b"\x51\x51")], [tx_output(1, b"")])
    raw = assemble(bytes(32), 2**32 - 1, [first, *raws])
    parsed = [read_transaction(tx, 0, has_witness=tx[4:6] == b"\0\1") for tx in raws]
    expected = "bad-cb-multiple" if any(tx.is_coinbase for tx in parsed) else ""
    expected = expected or next(filter(None, map(broken_rule, parsed)), "")
    check = check_block(raw, block_hash(raw), rules, None)
    if expected:
        assert (check.status, check.rule) == (INVALID, expected)
    else:
        assert check.rule in {"", "bad-txns-nonfinal", "unexpected-witness"}


@given(st.binary(max_size=300), st.integers(1, 5))
def test_reading_any_bytes_ends_in_columns_or_the_one_fault(body: bytes, count: int) -> None:
    try:
        found = scan(bytes(80) + bytes([count]) + body)
    except EncodingFault as fault:
        known = {"truncated", "trailing-bytes", "non-canonical-size", "superfluous-witness", "unknown-flag"}
        assert str(fault) in known  # noqa: PT017  (either way is fine)
    else:
        assert len(found) == count
        assert found.starts[-1] == 81 + len(body)


# Merkle trees and difficulty.


@given(st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=40))
def test_merkle_root_is_that_of_the_plain_definition(leaves: list[bytes]) -> None:
    assert merkle_root(b"".join(leaves))[0] == chain_builder.merkle_root(leaves)


@given(st.integers(1, 40), st.integers(1, 40))
def test_lists_with_one_root_are_told_apart_by_the_mutation(count: int, longer: int) -> None:
    """Two lists of different length with one root: the longer is the mutated one (CVE-2012-2459)."""
    leaves = [bytes([number]) * 32 for number in range(count)]
    tail = leaves[-longer:]
    root, mutated = merkle_root(b"".join(leaves))
    other_root, other_mutated = merkle_root(b"".join([*leaves, *tail]))
    assert not mutated
    assert other_mutated or other_root != root


@given(st.integers(1, (1 << 255) - 1))
def test_targets_survive_their_compact_form_to_its_precision(target: int) -> None:
    bits = bits_of(target)
    rounded = target_of(bits)
    assert bits == header_model.compress(target)
    assert bits_of(rounded) == bits
    assert rounded <= target < rounded + (1 << max(0, target.bit_length() - 15))


@given(st.integers(0, (1 << 32) - 1))
def test_any_bits_have_a_target_and_a_work(bits: int) -> None:
    target = target_of(bits)
    assert target == header_model.expand(bits)
    if 0 < target < 1 << 256:
        assert work_of(bits) == (1 << 256) // (target + 1)
    else:
        assert work_of(bits) == 0


@given(st.integers(1, (1 << 224) - 1).map(bits_of), st.integers(-(1 << 31), 1 << 31))
def test_every_retarget_is_within_the_factor_of_four(bits: int, timespan: int) -> None:
    limit = (1 << 224) - 1
    assert within_retarget(bits, retarget(bits, timespan, limit), limit)


# Headers: the kernel against one header after another.

NETWORKS = (EASY, EASY_TESTNET3, EASY_TESTNET4, EASY._replace(retarget=False, min_difficulty=True))
BASES = ((0, ()), (8, ()), (PERIOD - 5, ()), (PERIOD - 1, (3_000, 10, 10)), (2 * PERIOD - 4, (1_300, 600)))
"""How long a chain is before the headers under test, and the gaps between its last ones."""


@cache
def base(params: HeaderParams, number: int) -> tuple[bytes, ...]:
    length, gaps = BASES[number]
    chain = EasyChain(params).grow(length, spacing=150)
    for gap in gaps:
        chain.grow(1, spacing=gap)
    return tuple(chain.headers)


STEPS = st.fixed_dictionaries(
    {
        "gap": st.sampled_from([600, 600, 600, 1, 0, 1_200, 1_201, 5_000, -1, -600, -601, -1_000, -9_000, 20_000]),
        "bits": st.sampled_from(["required", "required", "required", "limit", "before", "harder", "none"]),
        "version": st.sampled_from([4, 4, 4, 4, 0x20000000, 3, 2, 1, 0]),
        "parent": st.sampled_from([True, True, True, True, True, True, True, False]),
    }
)


def next_header(chain: EasyChain, step: dict[str, object]) -> bytes:
    last = chain.headers[-1]
    gap = step["gap"]
    assert isinstance(gap, int)
    time = time_of(last) + gap
    bits = {
        "required": chain.required_bits(time),
        "limit": BITS,
        "before": header_model.bits_of(last),
        "harder": 0x203FFFFF,
        "none": BITS,
    }[str(step["bits"])]
    version = step["version"]
    assert isinstance(version, int)
    header = chain.next(time, bits=bits, version=version, parent=None if step["parent"] else bytes(32))
    return header[:72] + bytes(4) + header[76:] if step["bits"] == "none" else header


@given(st.sampled_from(NETWORKS), st.integers(0, len(BASES) - 1), st.lists(STEPS, max_size=12), st.data())
def test_headers_are_judged_as_one_after_another(
    params: HeaderParams, number: int, steps: list[dict[str, object]], data: st.DataObject
) -> None:
    never = 1 << 30
    height = len(base(params, number))
    gates = data.draw(st.sampled_from([(0, 0, 0), (height + 2, height + 4, never), (never, never, never)]))
    chain = EasyChain(params._replace(bip34_height=gates[0], bip66_height=gates[1], bip65_height=gates[2]))
    chain.headers = list(base(params, number))
    wall_time = time_of(chain.headers[-1]) + data.draw(st.sampled_from([10**6, 3_000]))
    context, headers, rule = complete_context(chain), list[bytes](), ""
    for step in steps:
        headers.append(next_header(chain, step))
        rule = chain.judge(headers[-1], wall_time)
        if rule:
            break
        chain.headers.append(headers[-1])
    check = check_headers(b"".join(headers), 80, chain.params, context, wall_time)
    assert (check.accepted, check.rule) == (len(headers) - bool(rule), rule)
    assert check.unchecked == {}
    assert check.context == complete_context(chain)


def complete_context(chain: EasyChain) -> HeaderContext:
    height = len(chain.headers) - 1
    return context_from(chain.params, height, chain.headers[-11:], chain.headers[height - height % PERIOD])


@given(
    st.sampled_from(NETWORKS),
    st.integers(0, len(BASES) - 1),
    st.lists(STEPS, min_size=1, max_size=12),
    st.integers(0, 11),
    st.sets(st.sampled_from(["hash", "bits", "first_time", "period_bits", "height"])),
)
def test_what_is_not_known_is_never_held_against_a_header(
    params: HeaderParams, number: int, steps: list[dict[str, object]], times: int, gaps: set[str]
) -> None:
    """A partial context accepts all that the complete one does, and more only where it counts something unchecked."""
    chain = EasyChain(params)
    chain.headers = list(base(params, number))
    context = complete_context(chain)
    partial = HeaderContext(
        -2 if "height" in gaps else context.height,
        None if "hash" in gaps else context.hash,
        context.times[len(context.times) - min(times, len(context.times)) :],
        None if "bits" in gaps else context.bits,
        None if gaps & {"first_time", "height"} else context.first_time,
        None if gaps & {"period_bits", "height"} else context.period_bits,
    )
    headers = []
    for step in steps:
        headers.append(next_header(chain, step))
        chain.headers.append(headers[-1])
        if step["bits"] == "none":  # nothing can be mined on top
            break
    raw = b"".join(headers)
    full, part = (check_headers(raw, 80, params, each, 4_000_000_000) for each in (context, partial))
    assert part.accepted >= full.accepted
    assert part.accepted == full.accepted or part.unchecked


@given(st.integers(0, 400), st.sampled_from([80, 81, 82]))
def test_any_bytes_of_whole_headers_get_a_verdict(size: int, stride: int) -> None:
    raw = random.Random(size).randbytes(size)
    count, rest = divmod(size + stride - 80, stride)
    context = HeaderContext(-1, bytes(32), (), None, None, None)
    if rest not in {0, stride - 80}:
        with pytest.raises(ValueError, match="no whole number"):
            check_headers(raw, stride, EASY, context, 0)
        return
    check = check_headers(raw, stride, EASY, context, 0)
    assert (check.accepted, check.rule) == ((0, "bad-prevblk") if count else (0, ""))
