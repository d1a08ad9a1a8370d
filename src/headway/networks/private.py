"""A private network of Neo from the text of a TOML file: what its operators know of it, and nothing else.

    chain = "neo3"                      # or "neo2"
    magic = 56753
    committee = ["02b3622b...", ...]    # compressed keys
    validators = 4                      # so many of them sign, the first ones; all where left out
    seeds = ["127.0.0.1:20333"]         # may be left out, as all below
    port = 20333
    name = "mine"
    state_root_in_header = false        # neo3 alone

Text in, `Network` out. Every mistake is a ConfigError that names the key and what is wanted.
Called by the registry, and by those who have the text.
"""

from __future__ import annotations

import re
import tomllib
from typing import Any, Final

from headway.errors import ConfigError
from headway.network import Network
from headway.networks import names, neo2, neo3
from headway.networks.dbft.consensus import point
from headway.networks.dbft.script import MAX_KEYS
from headway.types import Address

_CHAINS: Final = ("neo2", "neo3")
_REQUIRED: Final = ("chain", "magic", "committee")
_KEYS: Final = (*_REQUIRED, "validators", "seeds", "port", "name", "state_root_in_header")

_PORT: Final = 20333
"""Where the nodes of a private network listen unless told otherwise (neo-go config/protocol.privnet.yml)."""
_MAX_SEEDS: Final = 1_000
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}")
"""It names a directory, and stands in the heads of files, which have 32 bytes for it."""


def network_from_toml(text: str) -> Network:
    """The network that the text describes. Raises ConfigError."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"this is no TOML: {error}") from None
    if unknown := sorted(table.keys() - set(_KEYS)):
        raise ConfigError(f"unknown key {unknown[0]!r}; there are {', '.join(_KEYS)}")
    if missing := [key for key in _REQUIRED if key not in table]:
        raise ConfigError(f"no {missing[0]}; {', '.join(_REQUIRED)} must be there")
    chain, magic, port = _chain(table), _number(table, "magic", 0xFFFFFFFF), _number(table, "port", 65_535, _PORT)
    name, validators, seeds = _name(table, f"{chain}-private-{magic}"), _validators(table), _seeds(table, port)
    state_root = _state_root(table)
    if chain == "neo3":
        return neo3.network_of(neo3.Neo3Params(name, magic, port, validators, (), seeds, state_root))
    if "state_root_in_header" in table:
        raise ConfigError('state_root_in_header is for chain = "neo3" alone')
    if len(validators) != len(table["committee"]):
        raise ConfigError(f"validators is {len(validators)}; on neo2 the whole committee signs")
    return neo2.network_of(neo2.Neo2Params(name, magic, port, validators, (), seeds))


def _chain(table: dict[str, Any]) -> str:
    chain = table["chain"]
    if chain not in _CHAINS:
        raise ConfigError(f"chain is {chain!r}; it must be one of {', '.join(_CHAINS)}")
    return str(chain)


def _number(table: dict[str, Any], key: str, largest: int, default: int = 0) -> int:
    value = table.get(key, default)
    if type(value) is not int or not 1 <= value <= largest:  # not isinstance: True is no number here
        raise ConfigError(f"{key} is {value!r}; it must be a whole number from 1 to {largest}")
    return value


def _validators(table: dict[str, Any]) -> tuple[bytes, ...]:
    committee = table["committee"]
    if not isinstance(committee, list) or not 1 <= len(committee) <= MAX_KEYS:
        raise ConfigError(f"committee must be a list of 1 to {MAX_KEYS} keys in hex")
    keys = [_key(number, text) for number, text in enumerate(committee)]
    if len(set(keys)) < len(keys):
        raise ConfigError("committee names a key twice")
    return tuple(keys[: _number(table, "validators", len(keys), len(keys))])


def _key(number: int, text: Any) -> bytes:
    try:
        key = bytes.fromhex(text)
        point(key)
    except (TypeError, ValueError):
        wanted = "a compressed P-256 key: 66 hex digits that begin with 02 or 03"
        raise ConfigError(f"committee[{number}] is {text!r}; it must be {wanted}") from None
    return key


def _seeds(table: dict[str, Any], port: int) -> tuple[Address, ...]:
    seeds = table.get("seeds", [])
    if not isinstance(seeds, list) or len(seeds) > _MAX_SEEDS or not all(isinstance(seed, str) for seed in seeds):
        raise ConfigError('seeds must be a list of addresses, such as ["127.0.0.1:20333"]')
    try:
        return tuple(Address.parse(seed, port) for seed in seeds)
    except ValueError as error:
        raise ConfigError(f"seeds: {error}") from None


def _name(table: dict[str, Any], default: str) -> str:
    name = table.get("name", default)
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ConfigError(f"name is {name!r}; it must have 1 to 32 letters, digits, dots, dashes or underscores")
    if name in names():
        raise ConfigError(f"name is {name!r}, which is a public network; choose another")
    return name


def _state_root(table: dict[str, Any]) -> bool:
    value = table.get("state_root_in_header", False)
    if not isinstance(value, bool):
        raise ConfigError(f"state_root_in_header is {value!r}; it must be true or false")
    return value
