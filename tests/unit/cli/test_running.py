"""Running until done or until a signal."""

from __future__ import annotations

import asyncio
import signal

import click
import pytest

from headway.cli import ARGUMENTS
from headway.cli.output import Exit
from headway.cli.running import first_done, interruptible, resume_command, run
from tests.loopback import on_loop


async def never() -> None:
    await asyncio.Event().wait()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_asks_the_command_to_end_and_lets_it_finish(number: signal.Signals) -> None:
    async def command(interrupted: asyncio.Event) -> Exit:
        signal.raise_signal(number)
        await interrupted.wait()
        await asyncio.sleep(0)  # it may take its time
        return Exit.INTERRUPTED

    assert run(command) is Exit.INTERRUPTED


def test_second_signal_does_not_wait() -> None:
    async def command(interrupted: asyncio.Event) -> Exit:
        signal.raise_signal(signal.SIGINT)
        await interrupted.wait()
        signal.raise_signal(signal.SIGINT)
        await never()
        return Exit.DONE

    with pytest.raises(KeyboardInterrupt):
        run(command)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_work_without_a_loop_is_interrupted_by_either_signal(number: signal.Signals) -> None:
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt), interruptible():
        signal.raise_signal(number)
    assert signal.getsignal(signal.SIGTERM) is before


def test_command_that_ends_by_itself_gives_its_code() -> None:
    async def command(_interrupted: asyncio.Event) -> Exit:
        return Exit.NO_PEERS

    assert run(command) is Exit.NO_PEERS


@on_loop
async def test_first_that_is_done_decides_and_the_others_are_cancelled() -> None:
    ended: list[str] = []

    async def noting(name: str) -> None:
        try:
            await never()
        finally:
            ended.append(name)

    outcomes = {Exit.DONE: noting("done"), Exit.INTERRUPTED: asyncio.sleep(0), Exit.NO_PEERS: noting("peers")}
    assert await first_done(outcomes, meanwhile=noting("meanwhile"), within=None) is Exit.INTERRUPTED
    assert sorted(ended) == ["done", "meanwhile", "peers"]


@on_loop
async def test_time_that_is_up_first_is_none() -> None:
    assert await first_done({Exit.DONE: never()}, meanwhile=never(), within=0.01) is None


@on_loop
async def test_earlier_outcome_wins_when_two_are_done_at_once() -> None:
    outcomes = {Exit.DONE: asyncio.sleep(0), Exit.INTERRUPTED: asyncio.sleep(0)}
    assert await first_done(outcomes, meanwhile=never(), within=None) is Exit.DONE


@on_loop
async def test_error_of_an_outcome_is_raised() -> None:
    async def fails() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await first_done({Exit.DONE: fails(), Exit.INTERRUPTED: never()}, meanwhile=never(), within=None)


def test_resume_command_can_be_pasted_into_a_shell() -> None:
    context = click.Context(click.Command("headway"))
    context.meta[ARGUMENTS] = ("sync", "--datadir", "my chain")
    with context:
        assert resume_command() == "headway sync --datadir 'my chain'"


@on_loop
async def test_nothing_need_go_on_meanwhile() -> None:
    assert await first_done({Exit.DONE: asyncio.sleep(0), Exit.INTERRUPTED: never()}) is Exit.DONE
