"""A trusted start: a block that the user vouches for, with the hash of the script that signs its successor.

Everything after it is proven as after genesis; nothing before it is asked for. neo-go calls it TrustedHeader.
Called by `rules`.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from headway.errors import ConfigError
from headway.networks.dbft.address import script_hash_from
from headway.types import Hash, Height, hash_from_hex

FORM: Final = "HEIGHT:HASH:NEXT_CONSENSUS"
MAX_HEIGHT: Final = 0xFFFFFFFF
"""A header states its height in 4 bytes."""


class Trusted(NamedTuple):
    """A block that the user trusts, and to whom it hands over."""

    height: Height
    hash: Hash
    next_consensus: bytes
    """20 bytes in wire order, as in a header."""


def trusted_block(text: str, address_version: int) -> Trusted:
    """What a user writes, `HEIGHT:HASH:NEXT_CONSENSUS`.

    Hashes as explorers show them, the last one as an address of that version or as 40 hex digits. Raises ConfigError
    that says what is wrong.
    """
    height, _, rest = text.partition(":")
    block_hash, _, consensus = rest.partition(":")
    if not consensus:
        raise ConfigError(f"a checkpoint is written {FORM}, not {text[:200]!r}")
    if not (height.isascii() and height.isdigit() and len(height) <= len(str(MAX_HEIGHT))):
        raise ConfigError(f"checkpoint: {height[:80]!r} is not a height")
    if not 0 < int(height) <= MAX_HEIGHT:
        raise ConfigError(f"a checkpoint has a height from 1 to {MAX_HEIGHT}, not {height}")
    try:
        return Trusted(int(height), hash_from_hex(block_hash), script_hash_from(consensus, address_version))
    except ValueError as error:
        raise ConfigError(f"checkpoint: {error}") from None
