"""A command that runs until it is done or a signal ends it: SIGINT and SIGTERM alike, state saved, exit code 130.

The first signal asks; a second one does not wait. Called by the commands that talk to peers; `interruptible` by those
that work without an event loop.
"""

from __future__ import annotations

import asyncio
import shlex
import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from headway.cli import ARGUMENTS

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
    from typing import Any

    from headway.cli.output import Exit


def run(command: Callable[[asyncio.Event], Coroutine[Any, Any, Exit]]) -> Exit:
    """Run `command(interrupted)` on an event loop; the event is set by the first signal."""

    async def listening() -> Exit:
        interrupted = asyncio.Event()
        loop = asyncio.get_running_loop()

        def interrupt() -> None:
            interrupted.set()
            for each in (signal.SIGINT, signal.SIGTERM):
                loop.remove_signal_handler(each)

        for each in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(each, interrupt)
        return await command(interrupted)

    return asyncio.run(listening())


async def first_done(
    outcomes: Mapping[Exit, Coroutine[Any, Any, object]],
    meanwhile: Coroutine[Any, Any, None] | None = None,
    within: float | None = None,
) -> Exit | None:
    """Run all until one of `outcomes` is done, and give its key; None when `within` seconds have passed first.

    The others are cancelled, and `meanwhile` too. What raises is raised here.
    """
    tasks = {asyncio.ensure_future(coroutine): outcome for outcome, coroutine in outcomes.items()}
    aside = [] if meanwhile is None else [asyncio.ensure_future(meanwhile)]
    try:
        done, _ = await asyncio.wait(tasks, timeout=within, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
        return next((outcome for task, outcome in tasks.items() if task in done), None)
    finally:
        for each in (*tasks, *aside):
            each.cancel()
        await asyncio.wait((*tasks, *aside))


@contextmanager
def interruptible() -> Iterator[None]:
    """SIGTERM ends what runs here as SIGINT does, by KeyboardInterrupt, so that nothing unfinished stays behind."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def unreachable(errors: Sequence[str]) -> str:
    """What is said when no peer is reachable. `errors`: `Node.last_errors`."""
    return "no peer is reachable: " + ("; ".join(errors) or "no address is known")


def resume_command() -> str:
    """The command line that goes on where this one ends."""
    return shlex.join(["headway", *click.get_current_context().meta[ARGUMENTS]])
