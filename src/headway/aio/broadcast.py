"""Waiting for what becomes of a transaction of ours. Called by `node`; whom it is given to says `node.broadcast`."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from headway.node.broadcast import Broadcast

if TYPE_CHECKING:
    from collections.abc import Callable

    from headway.aio.node import Node
    from headway.node.machine import NodeMachine
    from headway.types import Hash


async def wait_for(txid: Hash, node: Node, within: float, progress: Callable[[Broadcast], None] | None) -> Broadcast:
    """Wait until a transaction that was submitted needs no more waiting for, or the seconds have passed.

    `progress` is called with each report that differs from the one before.
    """
    machine, seen = node.machine, Broadcast(txid)

    def report() -> Broadcast:
        return machine.broadcaster.report(txid) or seen  # unless it has expired

    def is_settled() -> bool:
        return machine.broadcaster.is_settled(txid, more_to_come=_are_more_to_come(machine))

    def is_news(before: Broadcast) -> bool:
        return report() != before or is_settled()

    with suppress(TimeoutError):
        async with asyncio.timeout(within):
            while not is_settled():
                await node.until(partial(is_news, seen))
                if (now := report()) != seen:
                    seen = now
                    if progress is not None:
                        progress(seen)
    return report()


def _are_more_to_come(machine: NodeMachine) -> bool:
    """Peers are wanted that are not connected yet. One that the user named and that failed is not waited for."""
    slots = machine.slots
    return slots.awaits_first_dials or (not slots.manual_only and slots.missing > 0)
