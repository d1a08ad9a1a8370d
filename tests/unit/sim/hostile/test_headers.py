"""Actors that are wrong about headers: what each of them says, on each network."""

from __future__ import annotations

import pytest

from headway.errors import OversizedMessage
from headway.sim.hostile.headers import (
    Endless,
    Headless,
    Impostor,
    Jumbled,
    Liar,
    Oversized,
    Rerun,
    Sneaky,
    Torn,
    Unconnected,
    headers_of,
)
from headway.sim.scenario import ChainPlan, Families
from headway.sim.simulation import EPOCH
from headway.types import BlockId, Hash
from headway.wire import messages as m
from tests.meeting import FAMILIES, REMOTE, Meeting, chain_of, seeded

families = pytest.mark.parametrize("family", FAMILIES)


def hashes(messages: list[m.Message]) -> list[Hash]:
    return [header.hash for each in messages if isinstance(each, m.Headers) for header in each]


@families
def test_impostor_answers_from_its_chain_as_an_honest_one(family: Families) -> None:
    chain = chain_of(family, ChainPlan(20, fault="another genesis"))
    meeting = Meeting(Impostor(chain, seeded()))
    meeting.shake()
    assert hashes(meeting.ask_headers()) == list(chain.hashes[1:])
    assert not Impostor.is_honest


@families
def test_liar_claims_more_in_its_version_and_in_each_pong(family: Families) -> None:
    meeting = Meeting(Liar(chain_of(family), seeded(), by=500))
    (version,) = (each for each in meeting.shake() if isinstance(each, m.Version))
    assert version.start_height == 530
    meeting.say(m.Ping(9))
    (pong,) = meeting.heard()
    assert isinstance(pong, m.Pong)
    assert pong.height == (0 if family == "regtest" else 530)
    assert len(hashes(meeting.ask_headers())) == 30


@families
def test_headless_one_has_no_headers_for_anybody(family: Families) -> None:
    meeting = Meeting(Headless(chain_of(family), seeded()))
    meeting.shake()
    answer = meeting.ask_headers()
    assert hashes(answer) == []
    assert len(answer) == (family == "regtest")


@families
def test_jumbled_one_gives_all_headers_in_another_order(family: Families) -> None:
    meeting = Meeting(Jumbled(chain_of(family), seeded()))
    meeting.shake()
    given = hashes(meeting.ask_headers())
    assert given != list(meeting.chain.hashes[1:])
    assert sorted(given) == sorted(meeting.chain.hashes[1:])


@families
def test_torn_one_leaves_out_the_middle(family: Families) -> None:
    meeting = Meeting(Torn(chain_of(family), seeded()))
    meeting.shake()
    whole = list(meeting.chain.hashes[1:])
    assert hashes(meeting.ask_headers()) == whole[:15] + whole[16:]


@families
def test_unconnected_one_begins_further_up(family: Families) -> None:
    meeting = Meeting(Unconnected(chain_of(family), seeded(), skips=4))
    meeting.shake()
    assert hashes(meeting.ask_headers(10)) == list(meeting.chain.hashes[15:])


@families
def test_rerun_answers_each_question_alike(family: Families) -> None:
    meeting = Meeting(Rerun(chain_of(family), seeded()))
    meeting.shake()
    first, second = hashes(meeting.ask_headers()), hashes(meeting.ask_headers(25))
    assert first == second == list(meeting.chain.hashes[1:])


@families
def test_sneaky_one_shows_another_chain_the_second_time(family: Families) -> None:
    chain, other = chain_of(family), chain_of(family, ChainPlan(20, fault="another genesis"))
    meeting = Meeting(Sneaky(chain, seeded(), second=other))
    meeting.shake()
    assert hashes(meeting.ask_headers()) == list(chain.hashes[1:])
    assert hashes(meeting.ask_headers(10)) == list(chain.hashes[11:])
    assert hashes(meeting.ask_headers()) == list(other.hashes[1:])
    again = Meeting(meeting.actor)
    again.shake()
    assert hashes(again.ask_headers()) == list(chain.hashes[1:])


def test_endless_one_makes_another_chain_for_each_who_asks_from_the_beginning() -> None:
    meeting = Meeting(Endless(chain_of(), seeded(), length=2_500, interval=1.0))
    meeting.shake()
    chains = []
    for _ in range(2):
        (first,) = meeting.ask_headers()
        assert isinstance(first, m.Headers)
        meeting.say(m.GetHeaders((BlockId(-1, first[1_999].hash),)))
        (rest,) = meeting.heard()
        assert isinstance(rest, m.Headers)
        assert (len(first), len(rest)) == (2_000, 500)
        raws = [each.raw_at(at) for each in (first, rest) for at in range(len(each))]
        rules = meeting.network.rules
        verdict = rules.check_headers(headers_of(meeting.network, raws), rules.context_at(1), EPOCH)
        assert (verdict.accepted, verdict.error) == (2_500, None)
        chains.append(raws[0])
    assert chains[0] != chains[1]


def test_endless_one_tells_of_unknown_blocks_again_and_again() -> None:
    meeting = Meeting(Endless(chain_of(), seeded(), length=10, interval=1.0))
    said = meeting.shake()
    meeting.port.pass_time(3.5)
    told = [entry.hash for each in (*said, *meeting.heard()) if isinstance(each, m.Inv) for entry in each.entries]
    assert len(set(told)) == 4
    assert not set(told) & set(meeting.chain.hashes)


@families
@pytest.mark.parametrize("what", ["headers", "inv", "addr"])
def test_oversized_message_holds_one_more_than_it_may(family: Families, what: str) -> None:
    actor = Oversized(chain_of(family), seeded(), what=what)
    actor.addresses = [REMOTE]
    meeting = Meeting(actor)
    meeting.shake()
    limits = meeting.network.limits
    most = {"headers": limits.max_headers, "inv": limits.max_inventory, "addr": limits.max_addresses}[what]
    with pytest.raises(OversizedMessage, match=f"{most + 1}"):
        meeting.ask_headers()


def test_oversized_message_of_nobody_knows_what_is_refused() -> None:
    meeting = Meeting(Oversized(chain_of(), seeded(), what="poems"))
    meeting.shake()
    with pytest.raises(ValueError, match="poems"):
        meeting.ask_headers()
