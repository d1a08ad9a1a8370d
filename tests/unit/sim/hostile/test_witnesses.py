"""Peers of Neo that leave proofs out: which of them a node needs."""

from __future__ import annotations

from typing import Literal

import pytest

from headway.errors import InvalidHeader
from headway.sim.hostile.witnesses import Unproven
from headway.sim.scenario import ChainPlan
from headway.wire import messages as m
from tests.meeting import Meeting, chain_of, seeded

LENGTH = 160
"""Its validators change twice."""


@pytest.mark.parametrize("family", ["neo2", "neo3"])
@pytest.mark.parametrize(("where", "bare"), [("middle", LENGTH - 4), ("last", 1), ("all", LENGTH)])
def test_hashes_stay_and_witnesses_are_left_out(family: Literal["neo2", "neo3"], where: str, bare: int) -> None:
    chain = chain_of(family, ChainPlan(LENGTH))
    meeting = Meeting(Unproven(chain, seeded(), where=where))
    meeting.shake()
    (headers,) = meeting.ask_headers()
    assert isinstance(headers, m.Headers)
    assert [header.hash for header in headers] == list(chain.hashes[1:])
    assert sum(headers.raw_at(at) != chain.raw_headers[at] for at in range(LENGTH)) == bare
    verdict = chain.network.rules.check_headers(headers, chain.network.rules.context_at(1), 2e9, thorough=False)
    if where == "middle":
        assert verdict.accepted == LENGTH
        assert [proof.check() for proof in verdict.proofs] == [""] * len(verdict.proofs)
    else:
        assert isinstance(verdict.error, InvalidHeader)
        assert verdict.error.rule == "bad-witness-script"
