"""Whom Bitcoin's policy accepts, and what it says before verack."""

from __future__ import annotations

from dataclasses import replace

import pytest

from headway.errors import Consequence, HandshakeRejected
from headway.network import HandshakePolicy, OnDuplicate
from headway.networks.bitcoin.handshake import LIMITED_BLOCKS, BitcoinHandshake
from headway.types import Services
from headway.wire.messages import (
    Feature,
    Message,
    Ping,
    SendAddrV2,
    SendCmpct,
    SendHeaders,
    SendTxRcncl,
    Unknown,
    Verack,
    Version,
    WtxidRelay,
)

POLICY: HandshakePolicy = BitcoinHandshake()
FULL = Services.NETWORK | Services.WITNESS
OURS = Version(70016, 0, 0, 1, "/ours/", 0)
THEIRS = Version(70016, int(FULL), 0, 2, "/theirs/", 800_000)


def check(theirs: Version, required: int = 0) -> None:
    POLICY.check(OURS, theirs, required_services=required)


def test_the_dialler_speaks_first() -> None:
    assert POLICY.speaks_first(inbound=False)
    assert not POLICY.speaks_first(inbound=True)


def test_version_31799_is_obsolete_and_31800_is_not() -> None:
    check(replace(THEIRS, protocol=31800))
    with pytest.raises(HandshakeRejected, match="obsolete protocol version 31799, at least 31800") as caught:
        check(replace(THEIRS, protocol=31799))
    assert caught.value.consequence is Consequence.DISCONNECT


def test_negative_and_future_versions_are_versions() -> None:
    check(replace(THEIRS, protocol=2**31 - 1))
    with pytest.raises(HandshakeRejected, match="obsolete"):
        check(replace(THEIRS, protocol=-1))


def test_missing_services_are_named() -> None:
    check(THEIRS, FULL)
    with pytest.raises(HandshakeRejected, match=r"^services missing: WITNESS$"):
        check(replace(THEIRS, services=int(Services.NETWORK)), FULL)
    with pytest.raises(HandshakeRejected, match=r"^services missing: NETWORK, WITNESS, bit 24$"):
        check(replace(THEIRS, services=0), FULL | 1 << 24)


def test_without_required_services_anybody_may_come() -> None:
    check(replace(THEIRS, services=0))


def test_negotiation_is_sent_to_those_who_know_it() -> None:
    assert POLICY.before_verack(THEIRS) == (WtxidRelay(), SendAddrV2())
    assert POLICY.before_verack(replace(THEIRS, protocol=70015)) == ()


def test_announcements_by_header_are_asked_of_those_who_know_them_and_compact_blocks_are_given() -> None:
    assert POLICY.after_verack(THEIRS) == (SendHeaders(), SendCmpct(announce=False, version=2))
    assert POLICY.after_verack(replace(THEIRS, protocol=70013)) == (SendHeaders(),)
    assert POLICY.after_verack(replace(THEIRS, protocol=70011)) == ()


@pytest.mark.parametrize("message", [WtxidRelay(), SendAddrV2(), Feature("name", b""), SendTxRcncl(1, 0)])
def test_negotiation_messages_are_legal_only_before_verack(message: Message) -> None:
    assert POLICY.is_negotiation(message)


@pytest.mark.parametrize("message", [Ping(1), Verack(), THEIRS, Unknown("sendshrimps", b"")])
def test_other_messages_are_no_negotiation(message: Message) -> None:
    assert not POLICY.is_negotiation(message)


def test_duplicates_and_early_messages_are_ignored() -> None:
    assert POLICY.on_duplicate is OnDuplicate.IGNORE
    assert POLICY.ignores_early_messages
    assert not POLICY.awaits_verack(THEIRS)


@pytest.mark.parametrize(
    ("services", "kept"),
    [
        (Services.NETWORK | Services.WITNESS, None),
        (Services.NETWORK_LIMITED | Services.WITNESS, LIMITED_BLOCKS),
        (Services.NETWORK | Services.NETWORK_LIMITED, None),
        (Services.NONE, None),
    ],
)
def test_a_limited_node_keeps_its_newest_blocks_and_others_all(services: Services, kept: int | None) -> None:
    assert POLICY.keeps(replace(THEIRS, services=int(services))) == kept
    assert LIMITED_BLOCKS == 286
