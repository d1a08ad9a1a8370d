"""A trusted start: a block that the user vouches for, with the hash of the script that signs its successor.

Everything after it is proven as after genesis; nothing before it is asked for. neo-go calls it TrustedHeader.
Called by the command line and by users.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from headway.errors import ConfigError
from headway.network import Network
from headway.networks.dbft.address import script_hash_from
from headway.networks.dbft.hash160 import HASH160_SIZE
from headway.networks.dbft.rules import DbftRules, Trusted
from headway.types import Hash, Height, hash_from_hex

FORM: Final = "HEIGHT:HASH:NEXT_CONSENSUS"
MAX_HEIGHT: Final = 0xFFFFFFFF
"""A header states its height in 4 bytes."""


def with_checkpoint(network: Network, height: Height, block_hash: Hash, next_consensus: bytes) -> Network:
    """`network` with its tree rooted at that block. Raises ConfigError for a network without such rules.

    `next_consensus`: 20 bytes in wire order, as in a header.
    """
    rules = _rules(network)
    if not 0 < height <= MAX_HEIGHT:
        raise ConfigError(f"a checkpoint has a height from 1 to {MAX_HEIGHT}, not {height}")
    if len(block_hash) != 32 or len(next_consensus) != HASH160_SIZE:
        raise ConfigError(f"a checkpoint has a hash of 32 bytes and a next consensus of {HASH160_SIZE}")
    return replace(network, rules=replace(rules, trusted=Trusted(height, block_hash, next_consensus)))


def checkpointed(network: Network, text: str) -> Network:
    """The same from what a user writes, `HEIGHT:HASH:NEXT_CONSENSUS`.

    Hashes as explorers show them, the last one as an address or as 40 hex digits. Raises ConfigError that says what is
    wrong.
    """
    version = _rules(network).address_version
    height, _, rest = text.partition(":")
    block_hash, _, consensus = rest.partition(":")
    if not consensus:
        raise ConfigError(f"a checkpoint is written {FORM}, not {text[:200]!r}")
    if not (height.isascii() and height.isdigit() and len(height) <= len(str(MAX_HEIGHT))):
        raise ConfigError(f"checkpoint: {height[:80]!r} is not a height")
    try:
        return with_checkpoint(network, int(height), hash_from_hex(block_hash), script_hash_from(consensus, version))
    except ValueError as error:
        raise ConfigError(f"checkpoint: {error}") from None


def _rules(network: Network) -> DbftRules:
    if not isinstance(network.rules, DbftRules):
        raise ConfigError(f"{network.name} has no checkpoints with a next consensus: its headers prove themselves")
    return network.rules
