"""The file that describes a private network, as text. What it means is `headway.networks.private`'s affair.

Handed to `headway.networks.network_named` by everything that takes a network from a user: `aio`, `blocking`, `cli`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from headway.errors import ConfigError

MAX_SIZE: Final = 1_000_000
"""Bytes of such a file: a committee of 1024 keys has 72 kB."""


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
