"""Our messages of Neo N3 in the words of neo-mamba: the fields that `mamba_payloads.plain` gives for the same bytes.

Called by the tests that hold the two codecs against each other.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from headway.networks.neo3.capabilities import Capability
from headway.networks.neo3.header import BlockHeader
from headway.networks.neo3.transaction import Transaction
from headway.types import Address
from headway.wire import messages as m
from headway.wire.buffer import compact_size

Fields = Mapping[str, Any]

_PORTS: Final = frozenset({Capability.TCP_SERVER, Capability.WS_SERVER})
_KINDS: Final = {int(m.InvType.TX): 0x2B, int(m.InvType.BLOCK): 0x2C}
_HIGH_PRIORITY: Final = 0x01
_CONTRACTS, _GROUPS, _RULES = 0x10, 0x20, 0x40


def told(message: Any) -> Fields:
    """The fields of a message. (`GetHeaders` is by height here.)"""
    match message:
        case m.Version():
            return {
                "magic": message.magic,
                "version": message.protocol,
                "timestamp": message.wall_time,
                "nonce": message.nonce,
                "user_agent": message.user_agent,
                "capabilities": [_capability(*each) for each in message.capabilities],
            }
        case m.Addr():
            return {"addresses": [_address(each) for each in message.addresses]}
        case m.Ping() | m.Pong():
            return {"current_height": message.height, "timestamp": message.wall_time, "nonce": message.nonce}
        case m.GetHeaders() | m.GetBlockByIndex():
            return {"index_start": message.first_height, "count": message.count or -1}
        case m.GetBlocks():
            return {"hash_start": message.locator[0].hash.hex(), "count": message.count or -1}
        case m.Inv() | m.GetData() | m.NotFound():
            (kind,) = {int(each.type) for each in message.entries}
            return {"type": _KINDS.get(kind, kind), "hashes": [each.hash.hex() for each in message.entries]}
        case m.Headers():
            return {"headers": [_header(each) for each in message]}
        case m.Block():
            return {"header": _header(message.header), "transactions": [_tx(each) for each in message.transactions]}
        case m.Tx():
            return _tx(message.parser.transaction(message.raw))
        case m.FilterLoad():
            return {"filter": message.data.hex(), "K": message.functions, "tweak": message.tweak}
        case m.FilterAdd():
            return {"data": message.data.hex()}
    raise AssertionError(f"no words for {message.command}")


def settled(fields: Fields) -> Fields:
    """Fields as neo-mamba tells them, without what only it has: lists that stay empty, and blocks' second hash.

    Signers and attributes become bytes: so they are written here a second time, from what neo-mamba understood.
    """
    found = {name: value for name, value in fields.items() if name != "witnesses" or "signers" in fields}
    if "signers" in found:
        found["signers"] = [_signer(each) for each in fields["signers"]]
        found["attributes"] = [_attribute(each) for each in fields["attributes"]]
    if "headers" in found:
        found["headers"] = [settled(each) for each in fields["headers"]]
    if "header" in found:
        found.pop("hash")
        found["header"] = settled(fields["header"])
        found["transactions"] = [settled(each) for each in fields["transactions"]]
    return found


def _capability(kind: int, data: bytes) -> Fields:
    number = int.from_bytes(data, "little")
    return {"type": kind, "port" if kind in _PORTS else "start_height": number}


def _address(address: Address) -> Fields:
    listening = [{"type": 1, "port": address.port}] if address.port else []
    return {"timestamp": address.last_seen, "address": f"{address.host}:{address.port}", "capabilities": listening}


def _header(header: Any) -> Fields:
    assert isinstance(header, BlockHeader)
    return {
        "version": header.version,
        "prev_hash": header.prev_hash.hex(),
        "merkle_root": header.merkle_root.hex(),
        "timestamp": header.timestamp,
        "nonce": header.nonce,
        "index": header.height,
        "primary_index": header.primary_index,
        "next_consensus": header.next_consensus.hex(),
        "witness": _witness(header.invocation, header.verification),
        "hash": header.hash.hex(),
    }


def _witness(invocation: bytes, verification: bytes) -> Fields:
    return {"invocation_script": invocation.hex(), "verification_script": verification.hex()}


def _tx(tx: Any) -> Fields:
    assert isinstance(tx, Transaction)
    return {
        "version": tx.version,
        "nonce": tx.nonce,
        "system_fee": tx.system_fee,
        "network_fee": tx.network_fee,
        "valid_until_block": tx.valid_until,
        "attributes": [(kind, data.hex()) for kind, data in tx.attributes],
        "signers": [(each.account.hex(), each.scopes, each.details.hex()) for each in tx.signers],
        "script": tx.script.hex(),
        "witnesses": [_witness(*each) for each in tx.witnesses],
        "hash": tx.txid.hex(),
    }


# --- what neo-mamba understood, as bytes


def _attribute(fields: Fields) -> tuple[int, str]:
    if fields["type"] == _HIGH_PRIORITY:
        return fields["type"], ""
    result = bytes.fromhex(fields["result"])
    data = fields["id"].to_bytes(8, "little") + bytes([fields["code"]]) + compact_size(len(result)) + result
    return fields["type"], data.hex()


def _signer(fields: Fields) -> tuple[str, int, str]:
    scopes, details = fields["scope"], b""
    for scope, name in ((_CONTRACTS, "allowed_contracts"), (_GROUPS, "allowed_groups")):
        if scopes & scope:
            details += compact_size(len(fields[name])) + b"".join(map(bytes.fromhex, fields[name]))
    if scopes & _RULES:
        rules = [bytes([each["action"]]) + _condition(each["condition"]) for each in fields["rules"]]
        details += compact_size(len(rules)) + b"".join(rules)
    return fields["account"], scopes, details.hex()


def _condition(fields: Fields) -> bytes:
    """Its type, then the one thing that it has, whatever that is called: a truth, a hash or key, others like itself."""
    kind = bytes([fields["type"]])
    [*rest] = (value for name, value in fields.items() if name != "type")
    match rest:
        case []:
            return kind
        case [bool(truth)]:
            return kind + bytes([truth])
        case [str(text)]:
            return kind + bytes.fromhex(text)
        case [list(many)]:
            return kind + compact_size(len(many)) + b"".join(map(_condition, many))
        case [one]:
            return kind + _condition(one)
    raise AssertionError(f"a condition of two things: {fields}")
