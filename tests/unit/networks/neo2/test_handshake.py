from __future__ import annotations

import pytest

from headway.errors import HandshakeRejected
from headway.network import OnDuplicate
from headway.networks.neo2.handshake import Neo2Handshake
from headway.wire.messages import SendHeaders, Version

POLICY = Neo2Handshake()


def version(services: int) -> Version:
    return Version(0, services, 0, 0, "", 0)


def test_the_dialler_waits_for_the_other_s_version() -> None:
    assert POLICY.speaks_first(inbound=True)
    assert not POLICY.speaks_first(inbound=False)


def test_it_is_strict_and_negotiates_nothing() -> None:
    assert POLICY.on_duplicate is OnDuplicate.DISCONNECT
    assert not POLICY.ignores_early_messages
    assert (POLICY.before_verack(version(1)), POLICY.after_verack(version(1))) == ((), ())
    assert not POLICY.is_negotiation(SendHeaders())


def test_our_verack_waits_for_that_of_neo_one_alone() -> None:
    assert POLICY.awaits_verack(Version(0, 1, 0, 0, "NEO:neo-one-js:1.0.0-preview", 0))
    assert not any(POLICY.awaits_verack(Version(0, 1, 0, 0, agent, 0)) for agent in ("/NEO:2.12.3/", "/headway:1/", ""))


def test_a_peer_without_a_required_service_is_refused() -> None:
    POLICY.check(version(1), version(1), required_services=1)
    POLICY.check(version(1), version(0), required_services=0)
    with pytest.raises(HandshakeRejected, match="services missing: NETWORK"):
        POLICY.check(version(1), version(0), required_services=1)


def test_no_peer_says_which_blocks_it_has_dropped() -> None:
    assert POLICY.keeps(version(1)) is None
