"""What seeds have found, each a story with the name of what went wrong."""

from __future__ import annotations

from headway.sim.actor import Honest, Talk
from headway.sim.scenario import MAIN, ChainPlan, Cue, Role, Scenario
from headway.testing.simulated import simulate
from headway.types import Height


class TipOnly(Honest):
    """Announces the header of its tip alone, whatever lies between."""

    def announce(self, talk: Talk, first: Height) -> None:
        super().announce(talk, max(first, self.height))


def test_a_peer_that_grows_twice_within_two_minutes_is_followed() -> None:
    """Its second announcement did not connect either, came too soon to be asked for, and was forgotten."""
    outcome = simulate(
        Scenario(
            "grows twice",
            "Peers grow twice within two minutes, and announce headers that do not connect.",
            {"peer": Role(TipOnly, count=3, options={"height": 40})},
            {MAIN: ChainPlan(60)},
            cues=(Cue((3.0, 4.0), "grow", "peer", 50), Cue((6.0, 8.0), "grow", "peer", 60)),
        ),
        seed=1,
    )
    assert outcome.headers == 60
