"""The registry: every network that headway knows, by name. Nothing of a chain is imported until it is asked for."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Final

from headway.errors import ConfigError
from headway.network import Network

_HOMES: Final[Mapping[str, tuple[str, str]]] = {
    "bitcoin": ("headway.networks.bitcoin", "MAINNET"),
    "testnet3": ("headway.networks.bitcoin", "TESTNET3"),
    "testnet4": ("headway.networks.bitcoin", "TESTNET4"),
    "signet": ("headway.networks.bitcoin", "SIGNET"),
    "regtest": ("headway.networks.bitcoin", "REGTEST"),
}
"""Name of a network -> module and name of its value."""


def names() -> tuple[str, ...]:
    """What `network_named` takes."""
    return tuple(_HOMES)


def network_named(name: str) -> Network:
    """The network of that name. Raises ConfigError, which lists the names, for any other."""
    if name not in _HOMES:
        raise ConfigError(f"no network is named {name!r}; there are {', '.join(_HOMES)}")
    module, attribute = _HOMES[name]
    network: Network = getattr(importlib.import_module(module), attribute)
    return network
