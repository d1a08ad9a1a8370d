"""The first block of a network of Neo Legacy, a function of its standby validators alone (C# Blockchain.GenesisBlock).

A miner's transaction, the registrations of the two assets (NEO and GAS, which were AntShare and AntCoin then), and the
issue of all NEO to a majority of the validators. Nobody signs any of it.
Called by the package and by private networks.
"""

from __future__ import annotations

from collections.abc import Sequence
from struct import Struct
from typing import Final

from headway.kernel import merkle_root, sha256d
from headway.networks.dbft.consensus import next_consensus, sorted_keys
from headway.networks.dbft.hash160 import hash160
from headway.networks.dbft.script import LEGACY, build_verification
from headway.wire.buffer import compact_size

_TIME: Final = 1468595301
"""2016-07-15 15:08:21 UTC, unix seconds."""
_NONCE: Final = 2083236893
"""That of Bitcoin's first block."""
_AMOUNT: Final = (100_000_000 * 10**8).to_bytes(8, "little")
"""Of either asset, in units of 10**-8."""
_PUSH_0: Final = b"\x00"
_PUSH_1: Final = b"\x51"
"""The script that anybody satisfies."""

_MINER, _ISSUE, _REGISTER = b"\x00\x00", b"\x01\x00", b"\x40\x00"  # type and version
_SHARE, _COIN = b"\x00", b"\x01"  # types of an asset
_SHARE_NAME: Final = '[{"lang":"zh-CN","name":"小蚁股"},{"lang":"en","name":"AntShare"}]'
_COIN_NAME: Final = '[{"lang":"zh-CN","name":"小蚁币"},{"lang":"en","name":"AntCoin"}]'
_NOBODY: Final = b"\x00"
"""The point at infinity, for an owner."""
_EMPTY: Final = b"\x00"
"""A list of nothing, or a script of no bytes."""
_BARE: Final = 3 * _EMPTY
"""No attributes, inputs and outputs."""

_HEADER: Final = Struct("<I32s32sIIQ20s")


def genesis_block(validators: Sequence[bytes]) -> bytes:
    """The raw block. `validators`: compressed keys, in any order. Raises ValueError for keys that are none."""
    miner = _MINER + _NONCE.to_bytes(4, "little") + _BARE
    share = _register(_SHARE, _SHARE_NAME, precision=0, admin=_PUSH_1)
    coin = _register(_COIN, _COIN_NAME, precision=8, admin=_PUSH_0)
    majority = build_verification(LEGACY, len(validators) // 2 + 1, sorted_keys(validators))
    issue = _ISSUE + 2 * _EMPTY + b"\x01" + sha256d(share) + _AMOUNT + hash160(majority)
    unsigned = (miner, share, coin, issue)
    root, _ = merkle_root(b"".join(map(sha256d, unsigned)))
    header = _HEADER.pack(0, bytes(32), root, _TIME, 0, _NONCE, next_consensus(LEGACY, validators))
    witness = b"\x01" + _EMPTY + b"\x01" + _PUSH_1
    witnesses = (_EMPTY, _EMPTY, _EMPTY, witness)
    transactions = b"".join(body + signed for body, signed in zip(unsigned, witnesses, strict=True))
    return header + witness + b"\x04" + transactions


def _register(kind: bytes, name: str, *, precision: int, admin: bytes) -> bytes:
    """The hashed part of a registration; its hash is the asset's id. `admin`: the script that may change the asset."""
    text = name.encode()
    return b"".join(
        (_REGISTER, kind, compact_size(len(text)), text, _AMOUNT, bytes([precision]), _NOBODY, hash160(admin), _BARE)
    )
