"""What seeds have found, each a story with the name of what went wrong."""

from __future__ import annotations

from headway.sim.actor import Honest, Talk
from headway.sim.hostile.blocks import Phantom
from headway.sim.hostile.headers import Impostor
from headway.sim.hostile.silence import Tarpit
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


def test_a_peer_that_answers_as_late_as_it_may_does_not_hold_up_the_end_of_a_sync() -> None:
    """On Neo it gave one header that we had, each time after half a minute, and we asked on to the end of the chain."""
    outcome = simulate(
        Scenario(
            "tarpit",
            "One peer answers late, and with one header.",
            {"honest": Role(count=2), "tarpit": Role(Tarpit)},
            {MAIN: ChainPlan(160)},
            family="neo3",
        ),
        seed=1,
    )
    assert outcome.seconds < 200.0


def test_a_peer_that_announces_blocks_that_nobody_has_does_not_hold_up_the_end_of_a_sync() -> None:
    """Neo Legacy says nothing where there is nothing: each question lasted until its deadline, and the next was due."""
    outcome = simulate(
        Scenario(
            "phantom",
            "One peer announces unknown blocks without end.",
            {"honest": Role(count=2), "phantom": Role(Phantom)},
            {MAIN: ChainPlan(60)},
            family="neo2",
        ),
        seed=1,
    )
    assert outcome.seconds < 200.0


def test_after_a_bad_block_of_a_final_chain_the_good_one_beside_it_is_asked_for() -> None:
    """The good header had come, and was refused as a second one at its height; then nobody was asked for it again."""
    for seed in range(6):
        outcome = simulate(
            Scenario(
                "a bad block of validators",
                "The validators signed a bad block and a good one at one height.",
                {"honest": Role(count=2), "impostor": Role(Impostor, count=2, chain="bad")},
                {MAIN: ChainPlan(60), "bad": ChainPlan(1, of=MAIN, at=59, fault="duplicate-transaction", fault_at=60)},
                family="neo3",
            ),
            seed,
        )
        assert outcome.headers == 60


def test_nothing_is_written_once_the_store_has_failed() -> None:
    """Blocks that came while a write was failing were written all the same; so would have been headers that stood on
    those that were missing, and no node could have opened the store again."""
    for seed in (2, 8, 24, 44):
        assert simulate("disk-full", seed).blocks == 200


def test_who_follows_a_node_that_catches_up_hears_of_all_that_it_caught_up_with() -> None:
    """It announced the last blocks alone, by headers that did not connect, and the second time they were too soon."""
    grows = tuple(Cue((10.0 * number, 10.0 * number + 1.0), "grow", "honest", 20 * number) for number in range(2, 6))
    outcome = simulate(
        Scenario(
            "a relay",
            "The chain grows by leaps, and another node of ours follows the one that follows it.",
            {"honest": Role(count=2, options={"height": 20}), "leech": Role(None, connects="node", known=False)},
            {MAIN: ChainPlan(100)},
            node={"serve": True},
            cues=grows,
        ),
        seed=1,
    )
    assert outcome.seconds < 70.0


def test_a_stale_tip_is_found_out_though_an_attacker_answers_sooner_than_others() -> None:
    """Two were dialled for the one more that a stale tip calls for, and the quicker one was kept: the attacker's, in
    each of four hours' races, while honest peers came a tenth of a second too late."""
    for seed in (1256, 3027):
        assert simulate("eclipse-restart", seed).headers == 200
