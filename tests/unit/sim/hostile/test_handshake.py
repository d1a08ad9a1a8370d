"""Actors that cannot shake hands: what they say too early, twice, or as somebody else."""

from __future__ import annotations

import pytest

from headway.errors import HandshakeRejected
from headway.sim.hostile.handshake import Early, Leaver, Mirror, Obsolete, Stutterer, Teaser
from headway.sim.scenario import Families
from headway.wire import messages as m
from tests.meeting import FAMILIES, Meeting, chain_of, seeded

pytestmark = pytest.mark.parametrize("family", FAMILIES)


@pytest.mark.parametrize("inbound", [True, False])
def test_early_one_speaks_of_other_things_first(family: Families, *, inbound: bool) -> None:
    meeting = Meeting(Early(chain_of(family), seeded()), inbound=inbound)
    kinds = [type(each) for each in meeting.heard()]
    assert kinds[:5] == [m.Verack, m.Ping, m.GetHeaders, m.Headers, m.Block]
    assert m.Verack in map(type, meeting.shake())


def test_stutterer_says_all_of_its_handshake_twice(family: Families) -> None:
    meeting = Meeting(Stutterer(chain_of(family), seeded()))
    said = [type(each) for each in meeting.shake()]
    assert said.count(m.Version) == said.count(m.Verack) == 2
    assert said.count(m.WtxidRelay) == (2 if family == "regtest" else 0)


def test_obsolete_one_is_not_wanted(family: Families) -> None:
    meeting = Meeting(Obsolete(chain_of(family), seeded()))
    (version,) = (each for each in meeting.shake() if isinstance(each, m.Version))
    assert version.protocol == 209
    policy = meeting.network.handshake
    if family == "neo3":  # there is no bit for it: a full node is known by its capability
        policy.check(meeting.version(), version, required_services=0)
    else:
        with pytest.raises(HandshakeRejected):
            policy.check(meeting.version(), version, required_services=1)


def test_mirror_sends_back_what_it_gets(family: Families) -> None:
    meeting = Meeting(Mirror(chain_of(family), seeded()))
    assert meeting.heard() == []
    meeting.say(meeting.version())
    (version,) = meeting.heard()
    assert isinstance(version, m.Version)
    assert version.nonce == meeting.version().nonce


def test_leaver_ends_the_connection_after_a_while(family: Families) -> None:
    meeting = Meeting(Leaver(chain_of(family), seeded(), after=(2.0, 3.0)))
    meeting.shake()
    assert meeting.is_answered()
    meeting.port.pass_time(1.9)
    assert meeting.port.is_open
    meeting.port.pass_time(1.2)
    assert not meeting.port.is_open


def test_teaser_ends_it_when_it_has_given_so_many_blocks(family: Families) -> None:
    meeting = Meeting(Teaser(chain_of(family), seeded(), blocks=2))
    meeting.shake()
    assert meeting.heights(meeting.ask_blocks(1, 2)) == [1, 2]
    assert meeting.port.is_open
    assert meeting.heights(meeting.ask_blocks(3, 4)) == []
    assert not meeting.port.is_open
