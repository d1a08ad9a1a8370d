"""Addresses as users write them: peers to reach, and places to listen. Called by `node`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headway.errors import ConfigError
from headway.types import Address

if TYPE_CHECKING:
    from collections.abc import Iterable

    from headway.ways import Ways


def place(where: str | Address, default_port: int | None, *, to_listen: bool = False) -> Address:
    """`to_listen`: port 0 is any free one. Raises ConfigError for what is no address."""
    if isinstance(where, Address):
        return where
    try:
        return Address.parse(where, default_port, to_listen=to_listen)
    except ValueError as error:
        raise ConfigError(str(error)) from None


def reachable(addresses: Iterable[str | Address], default_port: int, ways: Ways) -> tuple[Address, ...]:
    """Those that a user named. Raises ConfigError for one that is none, or to which there is no way."""
    found = tuple(place(each, default_port) for each in addresses)
    for address in found:
        if ways.to(address) is None:
            raise ConfigError(ways.why_not(address))
    return found
