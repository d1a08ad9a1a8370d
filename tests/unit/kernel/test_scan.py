"""Reading blocks: what the columns say of good ones, and which fault bad ones have."""

from __future__ import annotations

import random

import pytest

from headway.kernel.scan import EncodingFault, compact_size, scan, scan_block
from headway.networks.bitcoin.transaction import Transaction
from headway.wire.buffer import compact_size as encoded
from tests.chain_builder import (
    BITS,
    coinbase,
    payment,
    regtest_chain,
    sha256d,
    sized,
    transaction,
    tx_input,
    tx_output,
)

HEADER = bytes(80)
OUTPOINT = bytes(range(36))
LEGACY = transaction([tx_input(OUTPOINT, b"\x51")], [tx_output(1, b"\x51")])
SEGWIT = transaction([tx_input(OUTPOINT)], [tx_output(1, b"\x51")], witness=[(b"item",)])


def block_of(*transactions: bytes) -> bytes:
    return HEADER + encoded(len(transactions)) + b"".join(transactions)


def fault_of(raw: bytes) -> str:
    with pytest.raises(EncodingFault) as caught:
        scan(raw)
    return str(caught.value)


# Good blocks.


def test_columns_agree_with_transactions_read_one_by_one() -> None:
    rng = random.Random(1)
    raws = [coinbase(7), *(payment(rng, inputs=1 + number % 3, lock_time=number) for number in range(20)), LEGACY]
    found, parsed = scan(block_of(*raws)), [Transaction.from_raw(raw) for raw in raws]
    assert len(found) == len(raws)
    assert [found.raw[start:end] for start, end, _ in found.spans()] == raws
    assert found.txids() == [tx.txid for tx in parsed]
    assert found.wtxids(found.txids()) == [bytes(32), *(tx.wtxid for tx in parsed[1:])]
    assert found.stripped_sizes() == [len(tx.stripped) for tx in parsed]
    assert found.stripped() == HEADER + encoded(len(raws)) + b"".join(tx.stripped for tx in parsed)
    assert found.stripped_size() == len(found.stripped())
    assert found.outpoints == [item.txid + item.index.to_bytes(4, "little") for tx in parsed for item in tx.inputs]
    assert found.output_sum == sum(output.value for tx in parsed for output in tx.outputs)
    assert [int.from_bytes(value, "little") for value in found.lock_times()] == [tx.lock_time for tx in parsed]
    assert not found.hollow


def test_scan_block_gives_offset_length_and_txid() -> None:
    assert scan_block(memoryview(block_of(LEGACY, SEGWIT))) == [
        (81, len(LEGACY), sha256d(LEGACY)),
        (81 + len(LEGACY), len(SEGWIT), Transaction.from_raw(SEGWIT).txid),
    ]


def test_a_block_without_transactions_is_well_encoded() -> None:
    assert scan_block(block_of()) == []
    assert scan(block_of()).stripped_size() == 81


@pytest.mark.parametrize("size", [252, 253, 65_535, 65_536])
def test_long_scripts_and_items_are_read_at_every_width_of_their_size(size: int) -> None:
    data = b"\x51" * size
    raw = transaction([tx_input(OUTPOINT, data)], [tx_output(5, data)], witness=[(data, b"x")])
    found = scan(block_of(raw, LEGACY))
    assert found.txids() == [Transaction.from_raw(raw).txid, sha256d(LEGACY)]
    assert found.output_sum == 6


@pytest.mark.parametrize("count", [252, 253, 300])
def test_long_lists_are_read_at_every_width_of_their_count(count: int) -> None:
    raw = transaction(
        [tx_input(OUTPOINT)] * count, [tx_output(1, b"")] * count, witness=[[b""] * count, *[[b"x"]] * (count - 1)]
    )
    found = scan(block_of(*[raw] * count))
    assert len(found) == count
    assert len(found.outpoints) == found.output_sum == count * count


@pytest.mark.parametrize(
    "raw",
    [
        transaction([], []),
        transaction([tx_input(OUTPOINT)], []),
        transaction([], [tx_output(1, b"")], witness=[]),
    ],
    ids=["neither", "no outputs", "no inputs"],
)
def test_a_transaction_without_inputs_or_outputs_is_hollow(raw: bytes) -> None:
    if raw[4:6] == b"\0\1":  # without inputs no witness: Core finds its record superfluous
        assert fault_of(block_of(raw)) == "superfluous-witness"
    else:
        assert scan(block_of(LEGACY, raw)).hollow
        assert scan(block_of(raw)).txids() == [sha256d(raw)]


# Signature operations.


@pytest.mark.parametrize(
    ("script", "count"),
    [
        (b"\x76\xa9\x14" + bytes(20) + b"\x88\xac", 1),
        (b"\x76\xa9\x14" + b"\xac" * 20 + b"\x88\xac", 1),
        (b"\x76\xa9\x14" + bytes(20) + b"\x88\xae", 20),
        (b"\x76\xa9\x14" + bytes(20) + b"\xac\xac", 2),
        (b"\x76\xac\x14" + bytes(20) + b"\x88\xac", 2),
        (b"\xa9\x14" + b"\xac" * 20 + b"\x87", 0),
        (b"\xa9\x14" + b"\xac" * 20 + b"\xac", 1),
        (b"\xa9\x13" + b"\xac" * 20 + b"\x87", 1),
        (b"\0\x14" + b"\xae" * 20, 0),
        (b"\0\x13" + b"\xae" * 20, 20),
        (b"\0\x20" + b"\xae" * 32, 0),
        (b"\x51\x20" + b"\xae" * 32, 0),
        (b"\xac\x20" + b"\xae" * 32, 1),
        (b"\x21" + bytes(33) + b"\xac", 1),
        (b"\x51" + (b"\x21" + b"\xac" * 33) * 2 + b"\x52\xae", 20),
        (b"\x6a\x04\xac\xac\xac\xac", 0),
        (b"\xac" * 300, 300),
    ],
    ids=lambda value: value.hex()[:20] if isinstance(value, bytes) else str(value),
)
def test_operations_of_output_scripts_are_counted_whatever_their_shape(script: bytes, count: int) -> None:
    raw = transaction([tx_input(OUTPOINT)], [tx_output(1, script), tx_output(1, b"\xac")])
    assert scan(block_of(raw)).sigops == count + 1


@pytest.mark.parametrize(
    ("script", "count"),
    [
        (b"", 0),
        (b"\x04" + b"\xac" * 4, 0),
        (b"\x04" + b"\xac" * 3, 0),  # a push that runs over the end
        (b"\x04" + b"\xac" * 4 + b"\xac", 1),
        (b"\x04" + b"\xac" * 4 + b"\x02\xac\xac", 0),
        (b"\x04" + b"\xac" * 4 + b"\x02\xac\xac\xac", 1),
        (b"\x04" + b"\xac" * 4 + b"\x02\xac", 0),
        (b"\x01\x01" + bytes([77]) + b"\xac" * 77, 0),  # 77 is PUSHDATA2, of 0xacac bytes
        (b"\x01\x01" + b"\xac" + b"\xac" * 172, 173),  # an opcode whose number is what is left
        (b"\x00" + (b"\x48" + b"\xac" * 72) * 2 + b"\x4c\x02\xac\xac", 0),
        (b"\x4c\x02\xac\xac\xae", 20),
        (b"\xad" * 260, 260),
    ],
    ids=lambda value: value.hex()[:20] if isinstance(value, bytes) else str(value),
)
def test_operations_of_input_scripts_are_counted_whatever_their_shape(script: bytes, count: int) -> None:
    raw = transaction([tx_input(OUTPOINT, script), tx_input(OUTPOINT, b"\xac")], [tx_output(1, b"")])
    assert scan(block_of(raw)).sigops == count + 1


def test_the_last_script_of_a_block_may_end_in_a_broken_push() -> None:
    """Looking for a second push must not look behind the script, where the block may end."""
    raw = transaction([tx_input(OUTPOINT, b"\x4b" + bytes(4))], [])
    assert scan(block_of(raw)).sigops == 0


# Bad blocks.


def test_sizes_beyond_all_memory_are_truncated() -> None:
    huge = b"\xff" + b"\xff" * 8
    spend, pay = tx_input(OUTPOINT), tx_output(1, b"")
    for script in (OUTPOINT + huge, OUTPOINT + b"\1"):
        assert fault_of(block_of(b"\2\0\0\0" + b"\1" + script)) == "truncated"
    for outputs in (b"\2" + bytes(8) + huge + pay, b"\1" + bytes(8) + huge, huge + pay):
        assert fault_of(block_of(b"\2\0\0\0" + b"\1" + spend + outputs)) == "truncated"
    for witness in (huge + b"\0", b"\2" + huge + b"\0"):
        assert fault_of(block_of(b"\2\0\0\0\0\1" + b"\1" + spend + b"\1" + pay + witness + bytes(4))) == "truncated"


def test_a_block_cut_anywhere_is_truncated() -> None:
    raw = block_of(LEGACY, SEGWIT, transaction([tx_input(OUTPOINT, bytes(300))], [tx_output(1, bytes(300))]))
    for size in range(80, len(raw)):
        assert fault_of(raw[:size]) == "truncated", size


@pytest.mark.parametrize("extra", [b"\0", b"\0\0", LEGACY])
def test_bytes_behind_the_last_transaction_are_a_fault(extra: bytes) -> None:
    assert fault_of(block_of(LEGACY, SEGWIT) + extra) == "trailing-bytes"


@pytest.mark.parametrize(
    "form", ["fd0100", "fdfc00", "fe01000000", "feffff0000", "ff0100000000000000", "ffffffffff00000000"]
)
def test_a_size_in_a_longer_form_than_it_needs_is_a_fault(form: str) -> None:
    assert fault_of(HEADER + bytes.fromhex(form) + LEGACY) == "non-canonical-size"


def test_a_size_in_a_longer_form_is_a_fault_wherever_it_stands() -> None:
    long = b"\xfd\x01\x00"
    head, tail = (2).to_bytes(4, "little"), bytes(4)
    places = {
        "inputs": head + long + tx_input(OUTPOINT) + b"\1" + tx_output(1, b"") + tail,
        "input script": head + b"\1" + OUTPOINT + long + b"\x51" + tail + b"\1" + tx_output(1, b"") + tail,
        "outputs": head + b"\1" + tx_input(OUTPOINT) + long + tx_output(1, b"") + tail,
        "output script": head + b"\1" + tx_input(OUTPOINT) + b"\1" + bytes(8) + long + b"\x51" + tail,
        "items": head + b"\0\1\1" + tx_input(OUTPOINT) + b"\1" + tx_output(1, b"") + long + b"\1x" + tail,
        "item": head + b"\0\1\1" + tx_input(OUTPOINT) + b"\1" + tx_output(1, b"") + b"\1" + long + b"x" + tail,
    }
    assert {place: fault_of(block_of(raw)) for place, raw in places.items()} == dict.fromkeys(
        places, "non-canonical-size"
    )


def test_a_witness_flag_with_only_empty_witnesses_is_a_fault() -> None:
    raw = transaction([tx_input(OUTPOINT)] * 2, [tx_output(1, b"")], witness=[(), ()])
    assert fault_of(block_of(LEGACY, raw)) == "superfluous-witness"


def test_an_empty_item_makes_a_witness() -> None:
    raw = transaction([tx_input(OUTPOINT)] * 2, [tx_output(1, b"")], witness=[(), (b"",)])
    assert len(scan(block_of(raw))) == 1


@pytest.mark.parametrize("flag", [2, 3, 255])
def test_an_unknown_flag_is_a_fault(flag: int) -> None:
    assert fault_of(block_of(SEGWIT[:5] + bytes([flag]) + SEGWIT[6:])) == "unknown-flag"


@pytest.mark.parametrize("count", ["fdffff", "feffffffff", "ffffffffffffffffff"])
def test_huge_counts_and_sizes_end_at_the_end_of_the_bytes(count: str) -> None:
    """Whatever they claim, nothing is allocated for them."""
    huge, head, tail = bytes.fromhex(count), (2).to_bytes(4, "little"), bytes(1000)
    for raw in (
        HEADER + huge + LEGACY,
        block_of(head + huge + tail),
        block_of(head + b"\1" + OUTPOINT + huge + tail),
        block_of(head + b"\1" + tx_input(OUTPOINT) + huge + tail),
        block_of(head + b"\1" + tx_input(OUTPOINT) + b"\1" + bytes(8) + huge + tail),
        block_of(head + b"\0\1\1" + tx_input(OUTPOINT) + b"\1" + tx_output(1, b"") + huge + tail),
        block_of(head + b"\0\1\1" + tx_input(OUTPOINT) + b"\1" + tx_output(1, b"") + b"\1" + huge + tail),
    ):
        assert fault_of(raw) == "truncated"


def test_compact_size_gives_the_number_and_its_end() -> None:
    for value in (0, 252, 253, 0xFFFF, 0x10000):
        form = encoded(value)
        assert compact_size(b"--" + form + bytes(value), 2) == (value, 2 + len(form))


def test_compact_size_believes_no_more_than_there_are_bytes() -> None:
    """A huge number as a position would be worse than wrong: it fits no index."""
    for value in (253, 0x10000, 0xFFFFFFFF, 0x100000000, (1 << 64) - 1):
        with pytest.raises(EncodingFault, match="truncated"):
            compact_size(encoded(value) + bytes(252), 0)


def test_blocks_of_the_builder_are_read_whole() -> None:
    """The builder's own bytes, so that the tests above it stand on something."""
    for raw in regtest_chain(3, transactions_per_block=4):
        assert len(scan(raw)) == 5
        assert raw[72:76] == BITS.to_bytes(4, "little")
    assert sized(b"abc") == b"\x03abc"
