"""Magic numbers of other networks, so that dialling the wrong one says so. Nothing else depends on them.

Called by the codecs of both generations.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

KNOWN_MAGICS: Final[Mapping[bytes, str]] = {
    bytes.fromhex("416e7400"): "Neo Legacy mainnet",
    bytes.fromhex("416e7474"): "Neo Legacy testnet",
    bytes.fromhex("f9beb4d9"): "bitcoin",
    bytes.fromhex("0b110907"): "testnet3",
    bytes.fromhex("1c163f28"): "testnet4",
    bytes.fromhex("0a03cf40"): "signet",
    bytes.fromhex("fabfb5da"): "regtest",
}
"""First bytes of a frame that has a magic -> network."""
