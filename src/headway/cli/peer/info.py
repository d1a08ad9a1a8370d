"""`headway peer info HOST:PORT`: what a peer says of itself, how fast it answers, and whether it gives headers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from headway.cli.output import Exit, Output
from headway.cli.peer.session import Target, dialled, ending_of, finish, genesis_of, peer_options

if TYPE_CHECKING:
    import asyncio


@click.command()
@peer_options()
def info(target: Target, output: Output) -> Exit:
    """Shake hands with one peer, ping it, and ask it for headers from genesis.

    Prints what it learnt, with the field names of getpeerinfo.
    """
    from headway.cli.running import run

    return run(lambda interrupted: _info(target, output, interrupted))


async def _info(target: Target, output: Output, interrupted: asyncio.Event) -> Exit:
    found: dict[str, Any] = {}
    ending = await ending_of(_ask(target, found), interrupted)
    return finish(output, ending, found)


async def _ask(target: Target, found: dict[str, Any]) -> None:
    from dataclasses import replace

    genesis = genesis_of(target.network)
    async with dialled(target) as peer:
        if target.network.codec.answers_pings:
            await peer.ping()
        # Some nodes say "nothing follows" by silence: the fence tells.
        headers = await peer.request_headers(genesis, fence=True)
        follows = len(headers) and headers[0].prev_hash == genesis.hash
        report = replace(peer.info, synced_headers=len(headers) if follows else 0)
        found.update(report.as_dict(), headers=len(headers))
