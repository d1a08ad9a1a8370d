"""What a user tells a peer about himself."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest

from headway.aio.config import Keywords, LocalConfig
from headway.aio.consumers import CALLBACK_OF
from headway.errors import ConfigError
from headway.networks.bitcoin import REGTEST
from tests.toynet import TOYNET


def test_connect_takes_every_field_but_the_network() -> None:
    assert {"network", *Keywords.__annotations__} == {field.name for field in fields(LocalConfig) if field.init}


def test_every_callback_is_one_of_a_message() -> None:
    callbacks = {field.name for field in fields(LocalConfig) if field.name.startswith("on_")}
    assert callbacks == set(CALLBACK_OF.values())


def test_network_is_a_value_or_a_name() -> None:
    assert LocalConfig(network=TOYNET).peer_config().network is TOYNET
    assert LocalConfig(network="regtest").peer_config().network is REGTEST
    with pytest.raises(ConfigError, match="no network is named 'regtset'"):
        LocalConfig(network="regtset").peer_config()


def test_peers_of_one_config_share_what_the_machine_knows_of_it() -> None:
    ours = LocalConfig(network=TOYNET)
    assert ours.peer_config() is ours.peer_config()
    assert replace(ours, network=REGTEST).peer_config().network is REGTEST


def test_machine_is_told_the_identity() -> None:
    identity = {"user_agent": "/a:1/", "services": 9, "nonce": 7, "protocol_version": 3, "relay": True, "port": 4}
    config = LocalConfig(network=TOYNET, start_height=lambda: 5, **identity).peer_config()  # type: ignore[arg-type]
    assert {name: getattr(config, name) for name in identity} == identity
    assert config.start_height() == 5
    assert LocalConfig(network=TOYNET).start_height() == 0
