"""What is asked of the DNS seeds, and what became of it. When they are asked says `discovery`. Called by `pool`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headway.node.orders import Resolve

if TYPE_CHECKING:
    from collections.abc import Iterable

    from headway.node.config import NodeConfig
    from headway.node.orders import SeedAnswer
    from headway.types import Address


class Seeds:
    def __init__(self, config: NodeConfig) -> None:
        self._config = config
        self._errors: dict[str, str] = {}

    def order(self, number: int, names: tuple[str, ...]) -> Resolve:
        """Without names where the user wants no DNS: then the fixed seeds must do."""
        network = self._config.network
        return Resolve(number, names if self._config.dnsseed else (), network.port, network.seed_filter)

    def answered(self, answers: Iterable[SeedAnswer]) -> dict[str, tuple[Address, ...]]:
        """What each seed gave."""
        self._errors |= {answer.seed: answer.error for answer in answers}
        return {answer.seed: answer.addresses for answer in answers}

    def last_errors(self) -> list[str]:
        """`seed: why` of those that gave nothing when they were last asked."""
        return [f"{seed}: {error}" for seed, error in self._errors.items() if error]
