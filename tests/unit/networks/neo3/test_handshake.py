from __future__ import annotations

import pytest

from headway.errors import HandshakeRejected
from headway.network import OnDuplicate
from headway.networks.neo3.handshake import Neo3Handshake
from headway.wire.messages import SendHeaders, Version

MAINNET, TESTNET = 860_833_102, 894_710_606
POLICY = Neo3Handshake(MAINNET)


def version(magic: int = MAINNET, services: int = 1) -> Version:
    return Version(0, services, 0, 0, "", 0, magic=magic)


def test_the_dialler_waits_for_the_other_s_version() -> None:
    assert POLICY.speaks_first(inbound=True)
    assert not POLICY.speaks_first(inbound=False)


def test_it_is_strict_and_negotiates_nothing() -> None:
    assert POLICY.on_duplicate is OnDuplicate.DISCONNECT
    assert not POLICY.ignores_early_messages
    assert not POLICY.awaits_verack(version())
    assert (POLICY.before_verack(version()), POLICY.after_verack(version())) == ((), ())
    assert not POLICY.is_negotiation(SendHeaders())


def test_a_full_node_of_our_network_is_accepted() -> None:
    POLICY.check(version(magic=0), version(), required_services=1)
    POLICY.check(version(magic=0), version(services=0), required_services=0)


@pytest.mark.parametrize(
    ("theirs", "message"),
    [
        (TESTNET, "wrong magic 894710606 (neo3-testnet), not 860833102 (neo3): another network"),
        (56_753, "wrong magic 56753, not 860833102 (neo3): another network"),
        (7_630_401, "wrong magic 7630401 (neo2), not 860833102 (neo3): another network"),
        (0, "wrong magic 0, not 860833102 (neo3): another network"),
    ],
)
def test_another_network_is_named(theirs: int, message: str) -> None:
    with pytest.raises(HandshakeRejected) as caught:
        POLICY.check(version(), version(theirs), required_services=0)
    assert str(caught.value) == message


def test_a_peer_that_is_no_full_node_is_refused_where_one_is_required() -> None:
    with pytest.raises(HandshakeRejected, match="services missing: NETWORK"):
        POLICY.check(version(), version(services=0), required_services=1)


def test_no_peer_says_which_blocks_it_has_dropped() -> None:
    assert POLICY.keeps(version()) is None
