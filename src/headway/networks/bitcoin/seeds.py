"""The fixed seeds of Bitcoin's networks, read from `seed_lists` when somebody first looks at them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import overload

from headway.types import Address, Services

ASSUMED = Services.NETWORK | Services.WITNESS
"""What a fixed seed is thought to offer [SeedsServiceFlags]."""


class FixedSeeds(Sequence[Address]):
    """Those of one network."""

    def __init__(self, network: str, port: int) -> None:
        self._network = network
        self._port = port

    def __len__(self) -> int:
        return len(self._addresses)

    @overload
    def __getitem__(self, index: int) -> Address: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Address]: ...
    def __getitem__(self, index: int | slice) -> Address | Sequence[Address]:
        return self._addresses[index]

    @cached_property
    def _addresses(self) -> tuple[Address, ...]:
        from headway.networks.bitcoin.seed_lists import SEEDS  # noqa: PLC0415  # most programs never need it

        found = (Address.parse(text, self._port) for text in SEEDS.get(self._network, "").split())
        return tuple(Address(each.host, each.port, int(ASSUMED)) for each in found)
