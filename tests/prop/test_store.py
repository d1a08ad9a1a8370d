"""Random syncs, killed at random: the store opens, holds what was reported, and ends like one never killed."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from headway.store import Store
from headway.store.disk import Disk
from tests.crashes import Action, AddHeaders, CutDisk, MarkInvalid, PutBlock, Script, final_state, live
from tests.toynet import GENESIS_BLOCK, HEADER_SIZE, TOYNET, toy_chain, toy_hash

# What one action is drawn from: where in the tree so far, and how many headers or how large a block.
_DRAWS = st.lists(
    st.tuples(st.sampled_from(["headers", "block", "invalid"]), st.integers(0, 1 << 16), st.integers(1, 8)),
    min_size=1,
    max_size=25,
)
_KILLS = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 900)), max_size=6)


def script_of(draws: list[tuple[str, int, int]]) -> Script:
    """A sync that starts with headers, branches where it likes, and stores and condemns blocks whose headers it has."""
    blocks = [GENESIS_BLOCK]
    actions: list[Action] = []
    for number, (kind, where, much) in enumerate([("headers", 0, 3), *draws]):
        block = blocks[where % len(blocks)]
        if kind == "headers":
            run = toy_chain(much, salt=number, parent=block, transaction_size=much * 40)
            actions.append(AddHeaders(b"".join(each[:HEADER_SIZE] for each in run)))
            blocks += run
        elif block is not GENESIS_BLOCK:
            block_hash = toy_hash(block)
            actions.append(PutBlock(block_hash, block) if kind == "block" else MarkInvalid(block_hash))
    return Script(TOYNET, actions)


@given(_DRAWS, _KILLS)
def test_a_sync_killed_anywhere_any_number_of_times_ends_like_one_never_killed(
    draws: list[tuple[str, int, int]], kills: list[tuple[int, int]]
) -> None:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory)
        assert live(path / "never killed", script_of(draws), Disk())
        with Store.open(path / "never killed", TOYNET, readonly=True) as store:
            end = final_state(store)
        script = script_of(draws)
        for stop_at, keep in kills:
            live(path / "killed", script, CutDisk(stop_at, keep))
            with Store.open(path / "killed", TOYNET) as store:
                script.check(store)
        assert live(path / "killed", script, Disk())
        with Store.open(path / "killed", TOYNET) as store:
            script.check(store)
            assert final_state(store) == end
            assert store.repairs == ()
