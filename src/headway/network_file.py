"""A network as users name it: by its name, or by the path of the file that describes it (`headway.load_network`).

Here the file is read. What its text means is `headway.networks.private`'s affair, the names are `headway.networks`'s.
Called by users, and by everything that takes a network from them: `aio`, `blocking`, `cli`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from headway.errors import ConfigError
from headway.network import Network
from headway.networks import network_named

MAX_SIZE: Final = 1_000_000
"""Bytes of such a file: a committee of 1024 keys has 72 kB."""


def load_network(name: str) -> Network:
    """The network of that name (`headway.networks.names()`), or of the file there.

    What has a path separator in it or ends in `.toml` is a path. Raises ConfigError that says what is wrong.
    """
    return network_named(name, read_network_file)


def read_network_file(path: str) -> str:
    """The text of the file. Raises ConfigError that says why it cannot be had."""
    try:
        with Path(path).expanduser().open("rb") as file:
            data = file.read(MAX_SIZE + 1)
    except OSError as error:
        raise ConfigError(f"the network file cannot be read: {error.strerror}") from None
    if len(data) > MAX_SIZE:
        raise ConfigError(f"more than {MAX_SIZE} bytes describe no network")
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise ConfigError("this is no text in UTF-8") from None
