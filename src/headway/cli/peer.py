"""`headway peer HOST:PORT`: one peer, what it says of itself, how fast it answers, and whether it gives headers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from headway.cli.options import common_options, network_option, peer_address
from headway.cli.output import Exit, Output

if TYPE_CHECKING:
    from headway.network import Network
    from headway.types import Address


@click.command()
@click.argument("address", metavar="HOST:PORT")
@network_option
@common_options
def peer(address: str, network: Network, output: Output) -> Exit:
    """Shake hands with one peer, ping it, and ask it for headers from genesis.

    Prints what it learnt, with the field names of getpeerinfo.
    """
    import asyncio

    output.result(asyncio.run(_peer(peer_address(address, network, "HOST:PORT"), network)))
    return Exit.DONE


async def _peer(address: Address, network: Network) -> dict[str, Any]:
    from dataclasses import replace

    from headway.aio.peer import connect
    from headway.errors import PeerGone, RequestTimeout
    from headway.types import BlockId

    genesis = BlockId(0, network.rules.parse_header(network.rules.genesis).hash)
    try:
        async with connect(address, network=network) as peer:
            await peer.ping()
            # Some nodes say "nothing follows" by silence: the fence tells.
            headers = await peer.request_headers(genesis, fence=True)
            follows = len(headers) and headers[0].prev_hash == genesis.hash
            info = replace(peer.info, synced_headers=len(headers) if follows else 0)
            return {**info.as_dict(), "headers": len(headers)}
    except (PeerGone, RequestTimeout) as error:
        raise type(error)(
            f"{error}. Is a node of {network.name} running there, and does it take inbound peers?"
        ) from None
