"""The registry: every network that headway knows, by name. Nothing of a chain is imported until it is asked for.

A private network has no name here but the path of its file, which the caller reads: `private` makes sense of the text.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Final

from headway.errors import ConfigError
from headway.network import Network

_HOMES: Final[Mapping[str, tuple[str, str]]] = {
    "bitcoin": ("headway.networks.bitcoin", "MAINNET"),
    "testnet3": ("headway.networks.bitcoin", "TESTNET3"),
    "testnet4": ("headway.networks.bitcoin", "TESTNET4"),
    "signet": ("headway.networks.bitcoin", "SIGNET"),
    "regtest": ("headway.networks.bitcoin", "REGTEST"),
    "neo3": ("headway.networks.neo3", "MAINNET"),
    "neo3-testnet": ("headway.networks.neo3", "TESTNET"),
    "neo2": ("headway.networks.neo2", "MAINNET"),
    "neo2-testnet": ("headway.networks.neo2", "TESTNET"),
}
"""Name of a network -> module and name of its value."""


def names() -> tuple[str, ...]:
    """What `network_named` takes."""
    return tuple(_HOMES)


def network_named(name: str, read: Callable[[str], str] | None = None) -> Network:
    """The network of that name, or of the file there: what has a path separator in it or ends in `.toml` is a path.

    `read` gives the text of a file. Raises ConfigError for any other name, which lists the names, and for a bad file.
    """
    if name.endswith(".toml") or "/" in name or "\\" in name:
        return _network_of_file(name, read)
    if name not in _HOMES:
        raise ConfigError(f"no network is named {name!r}; there are {', '.join(_HOMES)}, or the path of a file")
    module, attribute = _HOMES[name]
    network: Network = getattr(importlib.import_module(module), attribute)
    return network


def _network_of_file(path: str, read: Callable[[str], str] | None) -> Network:
    if read is None:
        raise ConfigError(f"{path}: nobody reads files here; give the text to headway.networks.private")
    private = importlib.import_module("headway.networks.private")
    try:
        network: Network = private.network_from_toml(read(path))
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from None
    return network
