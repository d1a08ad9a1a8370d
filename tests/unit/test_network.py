"""The plug-in interface by itself: durations that make no sense are refused where they are configured."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest

from headway.errors import ConfigError
from headway.network import Limits, Timing
from tests.toynet import TOYNET


@pytest.mark.parametrize("name", [item.name for item in fields(Timing)])
@pytest.mark.parametrize("value", [-1.0, float("nan"), float("inf")])
def test_duration_that_makes_no_sense_is_refused_by_name(name: str, value: float) -> None:
    with pytest.raises(ConfigError, match=f"Timing.{name} is"):
        replace(Timing(), **{name: value})


@pytest.mark.parametrize("name", [item.name for item in fields(Timing)])
def test_zero_switches_a_timer_off(name: str) -> None:
    assert getattr(replace(Timing(), **{name: 0.0}), name) == 0


def test_every_limit_is_a_positive_number() -> None:
    limits = Limits()
    assert all(getattr(limits, item.name) > 0 for item in fields(limits))
    assert limits.max_payload >= limits.max_block_size  # or no peer could send the largest block


def test_a_test_network_is_a_changed_copy() -> None:
    other = replace(TOYNET, name="other", magic=b"\0\0\0\0")
    assert (other.name, other.rules) == ("other", TOYNET.rules)


def test_stretched_times_are_those_that_a_remote_needs() -> None:
    usual = Timing(poll_interval=5.0, headers_timeout=0.0)
    slow = usual.stretched(3.0)
    longer = {item.name for item in fields(Timing) if getattr(slow, item.name) != getattr(usual, item.name)}
    assert longer == {
        *("connect_timeout", "handshake_timeout", "addresses_timeout", "transaction_timeout"),
        *("batch_timeout", "block_timeout", "close_timeout"),
    }
    assert slow.block_timeout == 3 * usual.block_timeout
    assert slow.headers_timeout == 0.0  # off is off
    assert usual.stretched(1.0) == usual
