"""The first blocks of Bitcoin's networks, built from what differs between them (Core CreateGenesisBlock).

No peer is ever asked for them, and nothing before them says what they must be: the tests hold their hashes.
Called by `params` only.
"""

from __future__ import annotations

from typing import Final

from headway.kernel import sha256d

_REWARD: Final = 50 * 100_000_000
_MESSAGE: Final = b"The Times 03/Jan/2009 Chancellor on brink of second bailout for banks"
_KEY: Final = bytes.fromhex(
    "04678afdb0fe5548271967f1a67130b7105cd6a828e03909a67962e0ea1f61deb649f6bc3f4cef38c4f35504e51ec112de5c384df7ba0b8d57"
    "8a4c702b6bf11d5f"
)
_SCRIPT_HEAD: Final = bytes.fromhex("04ffff001d0104")
"""Pushes of 486604799, the bits of difficulty 1, and of 4, before the message."""
_CHECKSIG: Final = b"\xac"


def genesis_block(time: int, nonce: int, bits: int, *, message: bytes = _MESSAGE, key: bytes = _KEY) -> bytes:
    """The raw block: version 1, one coinbase with a message in its script, paying to a bare key."""
    script = _SCRIPT_HEAD + _push(message)
    output = _push(key) + _CHECKSIG
    coinbase = b"".join(
        (
            _u32(1),  # version
            b"\1" + bytes(32) + b"\xff" * 4 + bytes([len(script)]) + script + b"\xff" * 4,
            b"\1" + _REWARD.to_bytes(8, "little") + bytes([len(output)]) + output,
            _u32(0),  # lock time
        )
    )
    return b"".join((_u32(1), bytes(32), sha256d(coinbase), _u32(time), _u32(bits), _u32(nonce), b"\1", coinbase))


def _push(data: bytes) -> bytes:
    """A script that pushes up to 255 bytes: their number as opcode, above 75 behind PUSHDATA1."""
    return (b"" if len(data) <= 75 else b"\x4c") + bytes([len(data)]) + data


def _u32(value: int) -> bytes:
    return value.to_bytes(4, "little")
