"""Metrics of a node on an event loop: a snapshot of its machine and of its disk for whoever asks. Called by `node`."""

from __future__ import annotations

import asyncio
import shutil
import time
from typing import TYPE_CHECKING

from headway.node.snapshot import snapshot_of
from headway.observe.endpoint import MetricsEndpoint
from headway.observe.families import Scrape

if TYPE_CHECKING:
    from concurrent.futures import Executor
    from pathlib import Path

    from headway.aio.node import Node
    from headway.types import Address


def metrics_of(node: Node, address: Address, directory: Path, pool: Executor) -> MetricsEndpoint:
    """Where a node's metrics can be asked for, once it is entered. `pool` looks at the disk that `directory` is on,
    which may take its time. Raises ConfigError without prometheus-client."""

    async def scrape() -> Scrape:
        free = await asyncio.get_running_loop().run_in_executor(pool, _free_bytes, directory)
        return Scrape(snapshot_of(node.machine, time.time()), free)

    return MetricsEndpoint(address, scrape)


def _free_bytes(directory: Path) -> int | None:
    try:
        return shutil.disk_usage(directory).free
    except OSError:
        return None
