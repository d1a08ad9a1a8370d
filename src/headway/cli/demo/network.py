"""The serving peers of the demo: who they are, their processes, and how they are ended. Called by `demo`."""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import PIPE
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from headway.cli.demo import peer
from headway.cli.demo.peer import Fault
from headway.errors import HeadwayError
from headway.types import Address

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    from headway.cli.demo.family import Family

NAMES: Final = {
    "alice": Fault.NONE,
    "bob": Fault.NONE,
    "carol": Fault.STALL,
    "dave": Fault.CORRUPT,
    "erin": Fault.LEAVE,
}
SHARE_BEFORE_FAULT: Final = {Fault.NONE: 0.0, Fault.STALL: 0.15, Fault.CORRUPT: 0.25, Fault.LEAVE: 0.35}
"""What part of its share of the chain a peer serves rightly. Faults come at different times. Of a chain of 200 blocks
even the last one comes within what each peer is asked for at first, so that a slow peer cannot miss it."""
START_TIMEOUT: Final = 30.0
"""Seconds for all processes to listen; a busy machine needs two."""
END_TIMEOUT: Final = 5.0
"""Seconds between asking a process to end and ending it."""


@dataclass(frozen=True, slots=True)
class ServingPeer:
    name: str
    fault: Fault
    address: Address


@asynccontextmanager
async def serving_peers(chain: Path, family: Family, length: int) -> AsyncIterator[list[ServingPeer]]:
    """All of them, each a process that serves the `length` blocks in the directory `chain`; ended on the way out.

    Raises HeadwayError when one does not start.
    """
    share = length // len(NAMES)
    async with AsyncExitStack() as stack:
        processes = [
            await stack.enter_async_context(
                _process(chain, family, fault, after=int(share * SHARE_BEFORE_FAULT[fault]))
            )
            for fault in NAMES.values()
        ]
        addresses = await _addresses(processes)
        yield [ServingPeer(*who, address) for who, address in zip(NAMES.items(), addresses, strict=True)]


@asynccontextmanager
async def _process(chain: Path, family: Family, fault: Fault, *, after: int) -> AsyncIterator[Process]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", peer.__name__, str(chain), family.name, fault, str(after)),
        stdin=PIPE,
        stdout=PIPE,
        stderr=PIPE,
        start_new_session=True,  # Ctrl-C on the terminal is for the demo alone, which ends its peers itself
    )
    try:
        yield process
    finally:
        await _end(process)


async def _addresses(processes: Sequence[Process]) -> list[Address]:
    """Where they listen, as they say themselves."""
    try:
        async with asyncio.timeout(START_TIMEOUT):
            return [await _address(process) for process in processes]
    except TimeoutError:
        raise HeadwayError(f"a serving process did not listen within {START_TIMEOUT:g} s: run the demo again") from None


async def _address(process: Process) -> Address:
    assert process.stdout is not None and process.stderr is not None, "both are pipes"  # noqa: PT018  they go together
    line = (await process.stdout.readline()).decode().strip()
    if not line:
        words = (await process.stderr.read()).decode(errors="replace").splitlines()
        raise HeadwayError(f"a serving process did not start: {words[-1] if words else 'it said nothing'}")
    return Address.parse(line)


async def _end(process: Process) -> None:
    """End a process, if need be by force, and wait until it has."""
    with suppress(ProcessLookupError):  # it has ended by itself
        process.terminate()
    try:
        await asyncio.wait_for(process.wait(), END_TIMEOUT)
    except TimeoutError:
        process.kill()
        await process.wait()
