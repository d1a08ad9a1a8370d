"""`headway peer addresses HOST:PORT`: what a peer knows of others, in the form of a peers file (`--peers-file`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import click

from headway.cli.output import Exit, Output
from headway.cli.peer.names import utc
from headway.cli.peer.session import Ending, Target, dialled, ending_of, finish, peer_options
from headway.errors import RequestTimeout
from headway.peer.info import service_names
from headway.types import Address, network_of

if TYPE_CHECKING:
    import asyncio

    from headway.aio.peer import Peer
    from headway.wire.messages import Addr

TIMEOUT: Final = 60.0
"""Seconds. Core answers with its next gossip, on average every 30 seconds [AVG_ADDRESS_BROADCAST_INTERVAL]."""
LINGER: Final = 1.0
"""Seconds that we listen on after an answer: it may come in several messages."""
MAX_ADDRESSES: Final = 20_000
"""Most that we take from one peer, which may go on for ever: twenty messages full."""


@click.command()
@peer_options(timeout=TIMEOUT, many=True)
def addresses(target: Target, output: Output) -> Exit:
    """Ask one peer for addresses of others, and print them as a peers file: host:port, the rest in a comment.

    Silence is a lawful answer: then exit code 4, with what came unasked. Services and times are the peer's claims.
    """
    from headway.cli.running import run

    return run(lambda interrupted: _addresses(target, output, interrupted))


async def _addresses(target: Target, output: Output, interrupted: asyncio.Event) -> Exit:
    book = Book(output)
    ending = await ending_of(_ask(target, book), interrupted)
    if book.is_unanswered and ending.code is Exit.DONE:
        seconds = target.network.timing.addresses_timeout
        ending = Ending(Exit.INCOMPLETE, f"the peer did not answer getaddr within {seconds:g} s")
    if book.found or book.unusable:
        left_out = f", and {book.unusable:,} that cannot be dialled" if book.unusable else ""
        output.note(f"addresses told: {len(book.found):,}{left_out}")
    listed = list(map(address_data, book.found)) if output.json else []
    return finish(output, ending, {"addr": str(target.address), "addresses": listed}, text="")


async def _ask(target: Target, book: Book) -> None:
    import asyncio

    async with dialled(target, on_addr=book.take) as peer:
        try:
            await peer.request_addresses()
            await asyncio.sleep(LINGER)
        except RequestTimeout:
            book.is_unanswered = True


class Book:
    """Addresses in the order in which they came, each once."""

    def __init__(self, output: Output) -> None:
        self.found: dict[Address, None] = {}
        self.unusable = 0
        self.is_unanswered = False
        self._output = output

    def take(self, _peer: Peer | None, message: Addr) -> None:
        for address in message.addresses:
            if not _is_usable(address):
                self.unusable += 1
            elif address not in self.found and len(self.found) < MAX_ADDRESSES:
                self.found[address] = None
                self._output.item(address_data(address), text=address_line(address))


def _is_usable(address: Address) -> bool:
    """Whether it can be dialled by what we would print."""
    try:
        return Address.parse(str(address)) == address
    except ValueError:
        return False


def address_data(address: Address) -> dict[str, Any]:
    """For JSON, in the words of Bitcoin Core's getnodeaddresses."""
    return {
        "time": address.last_seen,
        "services": address.services,
        "servicesnames": service_names(address.services),
        "address": address.host,
        "port": address.port,
        "network": network_of(address),
    }


def address_line(address: Address) -> str:
    """A line of a peers file."""
    services = ", ".join(service_names(address.services)) or "no services"
    seen = utc(address.last_seen) if address.last_seen else "unknown"
    return f"{address!s:<24} # {services}; seen {seen}"
