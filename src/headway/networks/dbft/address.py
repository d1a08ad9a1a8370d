"""Script hashes as people write them: an address (base58 with a checksum), or 40 hex digits, byte-reversed.

Called by `checkpoint` and by those who show a `next_consensus`.
"""

from __future__ import annotations

from typing import Final

from headway.kernel import sha256d
from headway.networks.dbft.hash160 import HASH160_SIZE

_ALPHABET: Final = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_CHECKSUM_SIZE: Final = 4
ADDRESS_LENGTH: Final = 34
"""Characters of an address of either generation: their versions (23, 53) are such that this never varies."""


def address_of(script_hash: bytes, version: int) -> str:
    """`version` is the network's first byte of an address (C# ProtocolSettings.AddressVersion)."""
    payload = bytes([version]) + script_hash
    value = int.from_bytes(payload + sha256d(payload)[:_CHECKSUM_SIZE], "big")
    digits = ""
    while value:
        value, digit = divmod(value, len(_ALPHABET))
        digits = _ALPHABET[digit] + digits
    return digits


def script_hash_from(text: str, version: int) -> bytes:
    """Wire order, from an address or from 40 hex digits (0x in front or not). Raises ValueError, in plain words."""
    digits = text.removeprefix("0x")
    if len(digits) == 2 * HASH160_SIZE and all(c in "0123456789abcdefABCDEF" for c in digits):
        return bytes.fromhex(digits)[::-1]
    if len(text) != ADDRESS_LENGTH or any(c not in _ALPHABET for c in text):
        raise ValueError(f"{text[:80]!r} is neither an address nor 40 hex digits")
    value = 0
    for character in text:
        value = value * len(_ALPHABET) + _ALPHABET.index(character)
    data = value.to_bytes(1 + HASH160_SIZE + _CHECKSUM_SIZE, "big") if value >> 8 * 25 == 0 else b""
    payload, checksum = data[:-_CHECKSUM_SIZE], data[-_CHECKSUM_SIZE:]
    if not data or sha256d(payload)[:_CHECKSUM_SIZE] != checksum:
        raise ValueError(f"{text!r} is not an address: its checksum is wrong")
    if payload[0] != version:
        raise ValueError(f"{text!r} is an address of another chain: its version is {payload[0]}, not {version}")
    return payload[1:]
