"""Every rule that a Bitcoin block can break by itself, given its header. Pure reference, see `face`.

# Security

INVALID condemns the header for good, so it must not be in the power of whoever passed the bytes on. The order of
`_RULES` sees to that: nothing is INVALID before the merkle root, unmutated, ties all that is not witness to the header;
the weight, which counts the witness, comes after the commitment that ties that. What a third party can alter ends as
MUTATED.

A rule first asks the block's columns whether any transaction can break it, which is cheap; only if one can are they
read in full, one by one, to tell what Core would. Called by the rules of networks/bitcoin, from any thread.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

from headway.kernel.face import INVALID, MUTATED, VALID, BlockCheck, BlockRules
from headway.kernel.hash import merkle_root_of, sha256d
from headway.kernel.scan import HEADER_SIZE, EncodingFault, Scan, scan
from headway.kernel.transaction import MAX_MONEY, NULL_OUTPOINT, Transaction, broken_rule, read_transaction
from headway.types import Raw

MAX_WEIGHT: Final = 4_000_000
"""Three times the stripped size plus the size [MAX_BLOCK_WEIGHT]."""
STRIPPED_SCALE: Final = 4
"""Weight of a byte that is not witness [WITNESS_SCALE_FACTOR]."""
MAX_SIGOPS_COST: Final = 80_000
"""Each signature operation outside the witness costs STRIPPED_SCALE [MAX_BLOCK_SIGOPS_COST]."""
LOCK_TIME_THRESHOLD: Final = 500_000_000
"""Lock times below are heights, from here on unix seconds [LOCKTIME_THRESHOLD]."""
INNER_NODE_SIZE: Final = 64
"""Bytes of two hashes: a transaction of this size may be an inner node of the merkle tree."""
COMMITMENT_HEAD: Final = bytes.fromhex("6a24aa21a9ed")
"""How the coinbase output begins that commits to the witness: RETURN, a push of 36 bytes, BIP141's tag."""
COMMITMENT_SIZE: Final = 38
"""Least size of that output's script [MINIMUM_WITNESS_COMMITMENT]."""

_Fault: TypeAlias = tuple[int, str, str]
"""Status, rule, and what was found."""


def check_block(raw: Raw, block_hash: bytes, rules: BlockRules, median_time: int | None) -> BlockCheck:
    """Judge the bytes that came for the block whose header has `block_hash` and was accepted. Never raises.

    `median_time`: of the parent, None when unknown. See `BlockCheck` for the rules and their order.
    """
    data = bytes(raw)
    if len(data) < HEADER_SIZE:
        return BlockCheck(MUTATED, "truncated", f"{len(data)} bytes", 0, 0, ())
    if sha256d(data[:HEADER_SIZE]) != block_hash:
        return BlockCheck(MUTATED, "wrong-block", "its header has another hash", 0, 0, ())
    try:
        block = _Block(scan(data), rules, median_time)
    except EncodingFault as fault:
        return BlockCheck(MUTATED, str(fault), "", 0, 0, ())
    for refuse in _RULES:
        found = refuse(block)
        if found is not None:
            return BlockCheck(*found, len(block.scan), block.weight, ())
    unchecked = tuple(name for name in _UNCHECKED if name in block.unchecked)
    return BlockCheck(VALID, "", "", len(block.scan), block.weight, unchecked)


class _Block:
    """A well encoded block under judgement."""

    def __init__(self, columns: Scan, rules: BlockRules, median_time: int | None) -> None:
        self.scan = columns
        self.rules = rules
        self.median_time = median_time
        self.header_time = int.from_bytes(columns.raw[68:72], "little")
        self.txids = columns.txids()
        self.first = self.transaction(0) if self.txids else Transaction([], [], [])
        self.stripped_size = columns.stripped_size()
        self.unchecked: set[str] = set()

    @property
    def weight(self) -> int:
        return self.stripped_size * (STRIPPED_SCALE - 1) + len(self.scan.raw)

    def transaction(self, number: int) -> Transaction:
        """One transaction in full."""
        columns = self.scan
        return read_transaction(columns.raw, columns.starts[number], has_witness=bool(columns.witnesses[number]))


# Each rule: the fault, or None.


def _refuse_merkle_root(block: _Block) -> _Fault | None:
    """The header's root ties the transactions, their order and their number to it."""
    root, mutated = merkle_root_of(block.txids)
    if root != block.scan.raw[36:68]:
        return MUTATED, "bad-txnmrklroot", "the transactions have another root"
    if mutated:
        return MUTATED, "bad-txns-duplicate", "equal nodes side by side in the merkle tree"
    if not block.first.is_coinbase and INNER_NODE_SIZE in block.scan.stripped_sizes():
        return MUTATED, "merkle-64-bytes", "inner nodes of the merkle tree may stand as transactions"
    return None


def _refuse_size(block: _Block) -> _Fault | None:
    count, size = len(block.txids), block.stripped_size
    if not count or size * STRIPPED_SCALE > MAX_WEIGHT:
        return INVALID, "bad-blk-length", f"{count} transactions, {size} bytes without witness"
    return None


def _refuse_coinbase(block: _Block) -> _Fault | None:
    """The first transaction is a coinbase, and no other."""
    if not block.first.is_coinbase:
        return INVALID, "bad-cb-missing", "the first transaction is no coinbase"
    if block.scan.outpoints.count(NULL_OUTPOINT) > 1:
        for number in range(1, len(block.txids)):
            if block.transaction(number).is_coinbase:
                return INVALID, "bad-cb-multiple", f"transaction {number} is another coinbase"
    return None


def _refuse_transaction(block: _Block) -> _Fault | None:
    """No transaction breaks a rule by itself."""
    outpoints = block.scan.outpoints
    suspicious = (
        block.scan.hollow
        or block.scan.output_sum > MAX_MONEY
        or outpoints.count(NULL_OUTPOINT) > 1
        or len(set(outpoints)) < len(outpoints)
    )
    for number in range(len(block.txids) if suspicious else 1):
        rule = broken_rule(block.transaction(number))
        if rule:
            return INVALID, rule, f"transaction {number}"
    return None


def _refuse_sigops(block: _Block) -> _Fault | None:
    cost = block.scan.sigops * STRIPPED_SCALE
    return (INVALID, "bad-blk-sigops", f"cost {cost}, at most {MAX_SIGOPS_COST}") if cost > MAX_SIGOPS_COST else None


def _refuse_lock_time(block: _Block) -> _Fault | None:
    """Every transaction's lock time has passed, or its inputs ignore it (Core IsFinalTx)."""
    lock_times = block.scan.lock_times()
    doubts = {value: found for value in set(lock_times) if (found := _doubt_of(block, int.from_bytes(value, "little")))}
    for number, value in enumerate(lock_times if doubts else ()):
        doubt = doubts.get(value)
        if doubt is None or block.transaction(number).ignores_lock_time:
            continue
        if doubt == _NOT_FINAL:
            return INVALID, doubt, f"transaction {number} has lock time {int.from_bytes(value, 'little')}"
        block.unchecked.add(doubt)
    return None


def _doubt_of(block: _Block, lock_time: int) -> str:
    """Nothing if this lock time has passed; else the rule that it breaks, or the name of what cannot be told."""
    if lock_time == 0:
        return ""
    rules = block.rules
    if lock_time < LOCK_TIME_THRESHOLD:
        limit = rules.height
        if limit < 0:
            return "lock-time-height"
    elif rules.median_lock_time and block.median_time is not None:
        limit = block.median_time
    else:
        limit = block.header_time
        if rules.median_lock_time and lock_time < limit:  # the median is somewhere below the block's own time
            return "lock-time-median"
    return "" if lock_time < limit else _NOT_FINAL


def _refuse_coinbase_height(block: _Block) -> _Fault | None:
    """BIP34: the coinbase script starts with the height."""
    if block.rules.height < 0:
        block.unchecked.add("coinbase-height")
    elif block.rules.bip34 and not block.first.inputs[0].script.startswith(height_push(block.rules.height)):
        return INVALID, "bad-cb-height", f"the coinbase does not start with height {block.rules.height}"
    return None


def _refuse_witness(block: _Block) -> _Fault | None:
    """BIP141: the coinbase commits to every witness, or there is none (Core CheckWitnessMalleation)."""
    has_witness = any(block.scan.witnesses)
    scripts = (output.script for output in block.first.outputs)
    commitments = [item for item in scripts if item.startswith(COMMITMENT_HEAD) and len(item) >= COMMITMENT_SIZE]
    if not block.rules.segwit or not commitments:
        return (MUTATED, "unexpected-witness", "no commitment to a witness") if has_witness else None
    if block.rules.height < 0 and not has_witness:
        block.unchecked.add("witness-commitment")  # before segwit it would mean nothing
        return None
    items = block.first.witness[0] if block.first.witness else []
    if [len(item) for item in items] != [32]:
        return MUTATED, "bad-witness-nonce-size", "the coinbase witness is not one item of 32 bytes"
    root, _ = merkle_root_of(block.scan.wtxids(block.txids))
    if sha256d(root + items[0]) != commitments[-1][len(COMMITMENT_HEAD) : COMMITMENT_SIZE]:
        return MUTATED, "bad-witness-merkle-match", "the commitment is to another witness"
    return None


def _refuse_weight(block: _Block) -> _Fault | None:
    return (INVALID, "bad-blk-weight", f"{block.weight}, at most {MAX_WEIGHT}") if block.weight > MAX_WEIGHT else None


def height_push(height: int) -> bytes:
    """A script that pushes a height, in its shortest form (Core CScript::operator<<)."""
    if height == 0:
        return b"\0"
    if height <= 16:
        return bytes([0x50 + height])
    size = height.bit_length() // 8 + 1  # the leading bit is a sign
    return bytes([size]) + height.to_bytes(size, "little")


_RULES: Final[Sequence[Callable[[_Block], _Fault | None]]] = (
    _refuse_merkle_root,
    _refuse_size,
    _refuse_coinbase,
    _refuse_transaction,
    _refuse_sigops,
    _refuse_lock_time,
    _refuse_coinbase_height,
    _refuse_witness,
    _refuse_weight,
)
_NOT_FINAL: Final = "bad-txns-nonfinal"
_UNCHECKED: Final = ("coinbase-height", "lock-time-height", "lock-time-median", "witness-commitment")
"""Names of what could not be told, in the order in which they are given."""
