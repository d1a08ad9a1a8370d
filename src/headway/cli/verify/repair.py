"""`headway verify --repair`: what is damaged in a data directory is taken out of it, so that it is fetched again.

Opening the directory puts right what a kill or damage left of its files' ends and of the header log. Here every stored
block is read and held to its rules; what is damaged or gone counts as not stored from then on. Called by `verify`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headway.cli.verify.report import Unreadable
from headway.network import BlockStatus
from headway.store import DamagedFile, Store
from headway.store.directory import HEADERS_NAME

if TYPE_CHECKING:
    from pathlib import Path

    from headway.network import Network


def repair_directory(path: Path, network: Network) -> list[str]:
    """Returns what was done, one sentence each. Raises StoreError: in use, of another network; Unreadable."""
    if not (path / HEADERS_NAME).is_file():
        raise Unreadable(f"{path} is no data directory of headway: there is no {HEADERS_NAME} in it")
    with Store.open(path, network) as store:
        done = list(store.repairs)
        damaged = [position for position in store.stored_positions() if not _is_right(store, network, position)]
        for position in damaged:
            store.drop_block(position)
        store.drop_gone()
        if damaged:
            first = store.tree.id(damaged[0])
            done.append(f"took out {len(damaged)} damaged blocks, {first} the first: `headway sync` fetches them again")
    Store.open(path, network).close()  # which cuts off what was taken out of the end of a file
    return done


def _is_right(store: Store, network: Network, position: int) -> bool:
    """Whether a stored block is valid; those of condemned headers were judged when they were condemned."""
    tree = store.tree
    if not tree.is_valid(position):
        return True
    try:
        raw = store.get_block(position)
    except DamagedFile:
        return False
    assert raw is not None, "it is stored"
    verdict = network.rules.verify_block(tree.request(position), tree.block_context(tree.parent(position)), raw)
    return verdict.status is BlockStatus.VALID
