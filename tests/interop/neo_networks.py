"""The private Neo networks of the real nodes, and the file that tells headway of one (`--network FILE.toml`).

Their committees: SINGLE has the private key 1, so that nobody takes it for a secret; the others are the keys in which
the chains of the test data are signed (`neo/vectors.json`, `privnet_coz_4cn` and `privnet_4cn`).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

_FOUR: Final = (
    "02b3622bf4017bdfe317c58aed5f4c753f206b7db896046fa7d774bbc4bf7f8dc2",
    "02103a7f7dd016558597f7960d27c516a4394fd968b9e65155eb4b013e4040406e",
    "03d90c07df63e690ce77912e10ab51acc944b66860237b608c4f8f8309e71ee699",
    "02a7bc55fe8684e0119768d104ba30795bdcc86619e864add26156723ed185cd62",
)


class PrivateNetwork(NamedTuple):
    """What a node and headway must agree on. `genesis` is the hash that the real node computes from it."""

    chain: str
    magic: int
    committee: tuple[str, ...]
    genesis: str

    def write_file(self, path: Path, *, seeds: Sequence[str] = (), port: int = 20333) -> Path:
        """Write the network file for headway; returns `path`. All members of the committee are validators."""
        lines = {
            "chain": self.chain,
            "magic": self.magic,
            "validators": len(self.committee),
            "committee": list(self.committee),
            "seeds": list(seeds),
            "port": port,
        }
        text = "".join(f"{key} = {json.dumps(value)}\n" for key, value in lines.items())  # JSON of these is TOML, too
        path.write_text(text, encoding="utf-8")
        return path


SINGLE: Final = PrivateNetwork(
    "neo3",
    56753,
    ("036b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296",),
    "6063c7bc4de170180d1ac8051145df180dd5f20f432039d09e6ea0a5b9047ee7",
)
"""N3, one validator: what `neo_go.NeoGo` produces."""
UNIT: Final = PrivateNetwork("neo3", 42, _FOUR, "0f8fb4e17d2ab9f3097af75ca7fd16064160fb8043db94909e00dd4e257b9dc4")
"""N3, 3 of 4: `neo/n3-unittestnet-0-50.acc` of the test data."""
LEGACY: Final = PrivateNetwork("neo2", 56753, _FOUR, "996e37358dc369912041f966f8c5d8d3a8255ba5dcbd3447f8a82b55db869099")
"""Legacy, 3 of 4: `neo/legacy-privnet-1-6000.acc.xz` of the test data."""
