"""The payloads of neo-mamba 2.7.0: read from bytes, made at random and written, and told field by field.

Run inside `mamba_client` only, with the Python of `.cache/nodes/mamba`: nothing of headway can be imported here.
"""

from __future__ import annotations

import enum
import random
import struct
from collections.abc import Callable
from typing import Any

from neo3.core import cryptography, types
from neo3.network import capabilities
from neo3.network.message import Message, MessageType
from neo3.network.payloads import (
    address,
    block,
    extensible,
    inventory,
    ping,
    transaction,
    verification,
    version,
)
from neo3.network.payloads import filter as bloom

PAYLOADS: dict[str, Any] = {
    "version": version.VersionPayload,
    "addr": address.AddrPayload,
    "ping": ping.PingPayload,
    "pong": ping.PingPayload,
    "getheaders": block.GetBlockByIndexPayload,
    "getblockbyindex": block.GetBlockByIndexPayload,
    "getblocks": block.GetBlocksPayload,
    "headers": block.HeadersPayload,
    "inv": inventory.InventoryPayload,
    "getdata": inventory.InventoryPayload,
    "notfound": inventory.InventoryPayload,
    "tx": transaction.Transaction,
    "block": block.Block,
    "extensible": extensible.ExtensiblePayload,
    "filterload": bloom.FilterLoadPayload,
    "filteradd": bloom.FilterAddPayload,
}
"""Command -> what reads and writes it. `Message` of neo-mamba itself knows only some of them."""
_TYPES: dict[str, MessageType] = {
    "getheaders": MessageType.GETHEADERS,
    "getblockbyindex": MessageType.GETBLOCKBYINDEX,
    "getblocks": MessageType.GETBLOCKS,
    "notfound": MessageType.NOTFOUND,
    "tx": MessageType.TRANSACTION,
}
_NO_FIELDS = {
    "vm_state",
    "block_height",
    "protocol_magic",
    "state",
    "disconnect_reason",
    "last_connected",
    "_script_hash",
    "script_hash",
}
"""Attributes that do not travel."""

Fields = dict[str, Any]


def read(command: str, raw: bytes) -> Fields:
    """What it reads, and what it writes for that; {"refused": why} for what it cannot read."""
    try:
        payload = PAYLOADS[command].deserialize_from_bytes(raw)
        return {"fields": plain(payload), "again": payload.to_array().hex()}
    except (ValueError, OverflowError, struct.error) as error:  # the last one where it forgot to look
        return {"refused": str(error)}


def make(command: str, seed: int) -> Fields:
    """A payload at random, by its constructors; and the frame that neo-mamba sends it in."""
    payload = MAKERS[command](random.Random(seed))
    kind = _TYPES.get(command) or MessageType[command.upper()]
    return {"fields": plain(payload), "frame": Message(kind, payload).to_array().hex()}


def plain(value: Any) -> Any:
    """Anything as JSON: numbers and texts as they are, bytes in hex, objects by their attributes."""
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, bytes | bytearray):
        return value.hex()
    if isinstance(value, types.UInt160 | types.UInt256):
        return value.to_array().hex()
    if isinstance(value, cryptography.ECPoint):
        return value.encode_point(True).hex()
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    if value is None or isinstance(value, int | str | bool):
        return value
    found = {name.strip("_"): plain(each) for name, each in vars(value).items() if name not in _NO_FIELDS}
    if isinstance(value, verification.WitnessCondition):
        found["type"] = value.type.value
    if isinstance(value, transaction.Transaction | block.Header | block.Block | extensible.ExtensiblePayload):
        found["hash"] = value.hash().to_array().hex()
    return found


# --- made at random


def _hash(rng: random.Random) -> types.UInt256:
    return types.UInt256(rng.randbytes(32))


def _account(rng: random.Random) -> types.UInt160:
    return types.UInt160(rng.randbytes(20))


def _witness(rng: random.Random) -> verification.Witness:
    return verification.Witness(rng.randbytes(rng.randrange(300)), rng.randbytes(rng.randrange(300)))


def _key(rng: random.Random) -> cryptography.ECPoint:
    return cryptography.KeyPair(rng.randbytes(32)).public_key


def _capabilities(rng: random.Random) -> list[Any]:
    kinds = capabilities.NodeCapabilityType
    found: list[Any] = [capabilities.FullNodeCapability(rng.getrandbits(32))]
    for kind in (kinds.TCPSERVER, kinds.WSSERVER):
        if rng.random() < 0.5:
            found.insert(0, capabilities.ServerCapability(kind, rng.getrandbits(16)))
    return found


def _version(rng: random.Random) -> Any:
    return version.VersionPayload(rng.getrandbits(32), "/mamba/" + "x" * rng.randrange(300), _capabilities(rng))


def _addr(rng: random.Random) -> Any:
    def one() -> Any:
        port = rng.randrange(1, 65_536)
        listening = [capabilities.ServerCapability(capabilities.NodeCapabilityType.TCPSERVER, port)]
        host = ".".join(str(rng.randrange(256)) for _ in range(4))
        return address.NetworkAddress(f"{host}:{port}", listening, rng.getrandbits(32))

    return address.AddrPayload([one() for _ in range(rng.randrange(1, 20))])


def _range(rng: random.Random) -> Any:
    return block.GetBlockByIndexPayload(rng.getrandbits(32), rng.choice([-1, 1, 500, 2_000]))


def _inventory(rng: random.Random) -> Any:
    kind = rng.choice([inventory.InventoryType.TX, inventory.InventoryType.BLOCK, inventory.InventoryType.EXTENSIBLE])
    return inventory.InventoryPayload(kind, [_hash(rng) for _ in range(rng.randrange(1, 50))])


def _condition(rng: random.Random, depth: int = 2) -> Any:
    leaves: list[Callable[[], Any]] = [
        lambda: verification.ConditionBool(rng.random() < 0.5),
        lambda: verification.ConditionScriptHash(_account(rng)),
        lambda: verification.ConditionGroup(_key(rng)),
        verification.ConditionCalledByEntry,
        lambda: verification.ConditionCalledByContract(_account(rng)),
        lambda: verification.ConditionCalledByGroup(_key(rng)),
    ]
    if not depth or rng.random() < 0.4:
        return rng.choice(leaves)()
    kind = rng.choice([verification.ConditionNot, verification.ConditionAnd, verification.ConditionOr])
    if kind is verification.ConditionNot:
        return kind(_condition(rng, depth - 1))
    return kind([_condition(rng, depth - 1) for _ in range(rng.randrange(1, 4))])


def _signer(rng: random.Random) -> Any:
    scopes = verification.WitnessScope
    scope = rng.choice([scopes.NONE, scopes.GLOBAL, None])
    if scope is not None:
        return verification.Signer(_account(rng), scope)
    scope = scopes(rng.randrange(0x80) & 0x71)
    return verification.Signer(
        _account(rng),
        scope,
        [_account(rng) for _ in range(rng.randrange(1, 4))] if scopes.CUSTOM_CONTRACTS in scope else None,
        [_key(rng) for _ in range(rng.randrange(1, 4))] if scopes.CUSTOM_GROUPS in scope else None,
        [
            verification.WitnessRule(rng.choice(list(verification.WitnessRuleAction)), _condition(rng))
            for _ in range(rng.randrange(1, 4))
        ]
        if scopes.WITNESS_RULES in scope
        else None,
    )


def _attributes(rng: random.Random) -> list[Any]:
    codes = transaction.OracleResponseCode
    response = transaction.OracleResponse(rng.getrandbits(64), codes.SUCCESS, rng.randbytes(rng.randrange(100)))
    failure = transaction.OracleResponse(rng.getrandbits(64), rng.choice(list(codes)[1:]), b"")
    return rng.sample([transaction.HighPriorityAttribute(), rng.choice([response, failure])], rng.randrange(3))


def _transaction(rng: random.Random) -> Any:
    signers = [_signer(rng) for _ in range(rng.randrange(1, 5))]
    return transaction.Transaction(
        0,
        rng.getrandbits(32),
        rng.getrandbits(63),
        rng.getrandbits(63),
        rng.getrandbits(32),
        _attributes(rng),
        signers,
        rng.randbytes(rng.randrange(1, 500)),
        [_witness(rng) for _ in signers],
    )


def _header(rng: random.Random) -> Any:
    numbers = (rng.getrandbits(64), rng.getrandbits(64), rng.getrandbits(32), rng.getrandbits(8))
    return block.Header(0, _hash(rng), *numbers, _account(rng), _witness(rng), _hash(rng))


def _block(rng: random.Random) -> Any:
    made = block.Block(_header(rng), [_transaction(rng) for _ in range(rng.randrange(8))])
    made.rebuild_merkle_root()
    return made


def _extensible(rng: random.Random) -> Any:
    start = rng.getrandbits(31)
    data = rng.randbytes(rng.randrange(300))
    return extensible.ExtensiblePayload("dBFT", start, start + 1, _account(rng), data, _witness(rng))


def _ping(rng: random.Random) -> Any:
    return ping.PingPayload(rng.getrandbits(32))


def _filterload(rng: random.Random) -> Any:
    made = cryptography.BloomFilter(rng.randrange(8, 2_000, 8), rng.randrange(1, 51), rng.getrandbits(32))
    for _ in range(rng.randrange(20)):
        made.add(rng.randbytes(20))
    return bloom.FilterLoadPayload(made)


MAKERS: dict[str, Callable[[random.Random], Any]] = {
    "version": _version,
    "addr": _addr,
    "ping": _ping,
    "pong": _ping,
    "getheaders": _range,
    "getblockbyindex": _range,
    "getblocks": lambda rng: block.GetBlocksPayload(_hash(rng), rng.choice([-1, 1, 500])),
    "headers": lambda rng: block.HeadersPayload([_header(rng) for _ in range(rng.randrange(1, 10))]),
    "inv": _inventory,
    "getdata": _inventory,
    "notfound": _inventory,
    "tx": _transaction,
    "block": _block,
    "extensible": _extensible,
    "filterload": _filterload,
    "filteradd": lambda rng: bloom.FilterAddPayload(rng.randbytes(rng.randrange(520))),
}
