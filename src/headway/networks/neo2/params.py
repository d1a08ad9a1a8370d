"""What differs between the networks of Neo Legacy: facts of neo-cli 2.x (protocol.json) and neo-go 0.78 (config/).

Put together into `Network` values by the package.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from headway.types import Address


@dataclass(frozen=True, slots=True)
class Neo2Params:
    """One network's facts."""

    name: str
    magic: int
    """First bytes of each frame, little endian [Magic]."""
    port: int
    """[NodePort]"""
    validators: tuple[bytes, ...]
    """Compressed keys of those who sign from genesis on, in any order [StandbyValidators]."""
    dns_seeds: tuple[str, ...] = ()
    """Names of hosts that listen at `port` [SeedList]."""
    fixed_seeds: tuple[Address, ...] = ()


_SEEDS: Final = (
    *(f"seed{number}.ngd.network" for number in range(1, 11)),
    *(f"seed{number}.neo.org" for number in range(1, 6)),
)
"""Their operators announced the end of Neo Legacy for 31 October 2025; those of neo.org answer as Neo N3 today."""

MAINNET: Final = Neo2Params(
    name="neo2",
    magic=7630401,
    port=10333,
    validators=tuple(
        bytes.fromhex(key)
        for key in (
            "03b209fd4f53a7170ea4444e0cb0a6bb6a53c2bd016926989cf85f9b0fba17a70c",
            "02df48f60e8f3e01c48ff40b9b7f1310d7a8b2a193188befe1c2e3df740e895093",
            "03b8d9d5771d8f513aa0869b9cc8d50986403b78c6da36890638c3d46a5adce04a",
            "02ca0e27697b9c248f6f16e085fd0061e26f44da85b58ee835c110caa5ec3ba554",
            "024c7b7fb6c310fccf1ba33b082519d82964ea93868d676662d4a59ad548df0e7d",
            "02aaec38470f6aad0042c6e877cfd8087d2676b0f516fddd362801b9bd3936399e",
            "02486fd15702c4490a26703112a5cc1d0923fd697a33406bd5a1c00e0013b09a70",
        )
    ),
    dns_seeds=_SEEDS,
)

TESTNET: Final = Neo2Params(
    name="neo2-testnet",
    magic=1953787457,
    port=20333,
    validators=tuple(
        bytes.fromhex(key)
        for key in (
            "0327da12b5c40200e9f65569476bbff2218da4f32548ff43b6387ec1416a231ee8",
            "026ce35b29147ad09e4afe4ec4a7319095f08198fa8babbe3c56e970b143528d22",
            "0209e7fd41dfb5c2f8dc72eb30358ac100ea8c72da18847befe06eade68cebfcb9",
            "039dafd8571a641058ccc832c5e2111ea39b09c0bde36050914384f7a48bce9bf9",
            "038dddc06ce687677a53d54f096d2591ba2302068cf123c1f2d75c2dddc5425579",
            "02d02b1873a0863cd042cc717da31cea0d7cf9db32b74d4c72c01b0011503e2e22",
            "034ff5ceeac41acf22cd5ed2da17a6df4dd8358fcb2bfb1a43208ad0feaab2746b",
        )
    ),
    dns_seeds=_SEEDS,
)
