"""Targets `transactions`, `blocks` and `addresses`: readers below the messages, each held against its other half.

Transactions: what is passed over is what is parsed, and parsed again from its parts. Blocks: the kernel's reference and
its native twin (where it is installed) agree on what is a block and what its rules say. Addresses: text and entries
come back as they were. Nothing but the documented error comes out of any of them.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final

from headway.errors import CodecError
from headway.kernel import block, scan
from headway.kernel.face import MUTATED, BlockRules
from headway.kernel.hash import merkle_root, sha256d
from headway.networks.bitcoin.address import NetworkId, read_entry, to_address, to_entry, write_entry
from headway.networks.bitcoin.parser import PARSER
from headway.networks.bitcoin.transaction import Transaction, take_transaction
from headway.types import Address
from headway.wire.buffer import Reader, Writer, compact_size
from tests.fuzz.source import Source

native: Any = None
with suppress(ImportError):
    native = importlib.import_module("headway_kernel")

_HEADER: Final = 80
_ENCODING_FAULTS: Final = frozenset(
    {"truncated", "non-canonical-size", "unknown-flag", "superfluous-witness", "trailing-bytes"}
)


def transactions(data: bytes) -> None:
    """One transaction and whatever comes behind it."""
    reader = Reader(data)
    try:
        raw = take_transaction(reader)
    except CodecError:
        assert not _is_transaction(data), "what cannot be passed over cannot be read"
        return
    assert raw == data[: reader.position]
    parsed = Transaction.from_raw(raw)
    assert parsed.txid == sha256d(parsed.stripped)
    assert parsed.wtxid == sha256d(raw)
    assert _written(parsed) == raw
    assert str(parsed).isprintable()
    if native is not None and len(data) == len(raw):
        in_a_block = bytes(_HEADER) + b"\1" + raw
        assert native.scan_block(in_a_block) == [(_HEADER + 1, len(raw), parsed.txid)]


def _is_transaction(data: bytes) -> bool:
    try:
        Transaction.from_raw(data)
    except CodecError:
        return False
    return True


def _written(parsed: Transaction) -> bytes:
    """The transaction from its fields."""
    has_witness = parsed.raw != parsed.stripped
    parts = [parsed.version.to_bytes(4, "little", signed=True), b"\0\1" if has_witness else b""]
    parts.append(compact_size(len(parsed.inputs)))
    for spent in parsed.inputs:
        parts += [spent.txid, spent.index.to_bytes(4, "little"), compact_size(len(spent.script)), spent.script]
        parts.append(spent.sequence.to_bytes(4, "little"))
    parts.append(compact_size(len(parsed.outputs)))
    for output in parsed.outputs:
        parts += [output.value.to_bytes(8, "little", signed=True), compact_size(len(output.script)), output.script]
    for items in parsed.witness if has_witness else ():
        parts.append(compact_size(len(items)))
        parts += [part for item in items for part in (compact_size(len(item)), item)]
    return b"".join((*parts, parsed.lock_time.to_bytes(4, "little")))


def blocks(data: bytes) -> None:
    """flags 1 | height 1 | median time 4 | block. One flag gives the block the root of its transactions."""
    source = Source(data)
    flags, height, median = source.u8(), source.u8(), source.u16() | source.u16() << 16
    raw = source.rest()
    spans = _spans(raw)
    if isinstance(spans, str):
        assert spans in _ENCODING_FAULTS
    else:
        assert len(PARSER.transactions(raw)) == len(spans)
        assert len(PARSER.stripped(raw)) <= len(raw)
        if flags & 1:
            root, _ = merkle_root(b"".join(txid for _, _, txid in spans))
            raw = raw[:36] + root + raw[68:]
    rules = BlockRules(height - 1, bool(flags & 2), bool(flags & 4), bool(flags & 8))
    median_time = median if flags & 16 else None
    block_hash = sha256d(raw[:_HEADER]) if flags & 32 else bytes(32)
    check = block.check_block(raw, block_hash, rules, median_time)
    if native is None:
        return
    status, rule, _, *rest = native.check_block(raw, block_hash, rules, median_time)
    assert (status, *rest) == (check.status, *check[3:])
    if check.rule in _ENCODING_FAULTS:
        assert rule in _ENCODING_FAULTS
        assert status == MUTATED
    else:
        assert rule == check.rule
        found, expected = _spans(raw, native.scan_block), _spans(raw)
        assert found == expected or {found, expected} <= _ENCODING_FAULTS  # of several faults each may tell another


def _spans(raw: bytes, scan_block: Callable[[bytes], Any] = scan.scan_block) -> list[tuple[int, int, bytes]] | str:
    try:
        return list(scan_block(raw))
    except ValueError as error:
        return str(error)


def addresses(data: bytes) -> None:
    """kind 1 | text of an address, or an entry of addrv2."""
    kind = data[0] if data else 0
    if kind < 0x80:
        text = data[1:].decode("utf-8", "replace") if kind & 1 else data[1:].decode("latin-1")
        _address_text(text, 8333 if kind & 2 else None)
        return
    reader = Reader(data[1:])
    try:
        entry = read_entry(reader)
    except CodecError:
        return
    writer = Writer()
    write_entry(writer, entry)
    assert bytes(writer) == data[1 : 1 + reader.position]
    address = to_address(entry)
    if address is not None:
        is_cjdns = entry.network_id == NetworkId.IPV6 and entry.data[0] == 0xFC
        assert to_entry(address) == (replace(entry, network_id=int(NetworkId.CJDNS)) if is_cjdns else entry)
        if address.port:
            assert Address.parse(str(address)) == address


def _address_text(text: str, default_port: int | None) -> None:
    try:
        address = Address.parse(text, default_port)
    except ValueError:
        return
    assert 0 < address.port < 65536
    assert str(address).isprintable()
    assert Address.parse(str(address)) == address, "it is read as it was written"
