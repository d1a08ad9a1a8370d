"""What the actions of `headway peer` share: their options, the connection, and how they end.

An action prints what it got, whatever came then: the end of the peer, a signal, invalid data. Called by the actions.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple, TypeVar

import click

from headway.cli.options import Seconds, common_options, jsonl_option, network_option, peer_address, proxy_options
from headway.cli.output import Exit, Output
from headway.ways import DIRECT, Ways

if TYPE_CHECKING:
    import asyncio
    from collections.abc import AsyncIterator, Coroutine, Mapping
    from typing import Unpack

    from headway.aio.config import Keywords
    from headway.aio.peer import Peer
    from headway.network import Network
    from headway.types import Address, BlockId

F = TypeVar("F", bound=Callable[..., Any])

TIMEOUT = 30.0
"""Seconds that a person waits for an answer; nodes among themselves are more patient (`network.Timing`)."""


class Target(NamedTuple):
    """Whom to talk to."""

    address: Address
    network: Network
    """With the durations that the user wants."""
    ways: Ways = DIRECT


class Ending(NamedTuple):
    """What came of an action."""

    code: Exit
    error: str | None = None


def peer_options(*, timeout: float = TIMEOUT, many: bool = False) -> Callable[[F], F]:
    """Adds HOST:PORT and the options of every action; the command receives `target` and `output`. `many`: --jsonl."""

    def decorate(function: F) -> F:
        @click.argument("host", metavar="HOST:PORT")
        @network_option
        @click.option(
            "--timeout",
            "seconds",
            type=Seconds(0, min_open=True),
            metavar="SECONDS",
            help=f"How long to wait for an answer.  [default: {timeout:g}, and longer through a proxy]",
        )
        @proxy_options
        @(jsonl_option if many else _nothing)
        @common_options
        @functools.wraps(function)
        def command(
            *args: Any,
            host: str,
            network: Network,
            seconds: float | None,
            proxy: str | None,
            onion: str | None,
            **options: Any,
        ) -> Any:
            address = peer_address(host, network, "HOST:PORT")
            ways = Ways.of(proxy=proxy, onion=onion)
            patience = ways.patience(address)
            chain = patient(network, timeout * patience if seconds is None else seconds, patience)
            return function(*args, target=Target(address, chain, ways), **options)

        return command  # type: ignore[return-value]  # the wrapper has the command's face minus what click supplies

    return decorate


def _nothing(function: F) -> F:
    return function


def raw_option(help_text: str) -> Callable[[F], F]:
    """Adds --raw FILE|-, for `open_raw`."""
    path = click.Path(dir_okay=False, allow_dash=True)
    return click.option("--raw", type=path, metavar="FILE|-", help=help_text)


def open_raw(path: str | None, output: Output) -> BinaryIO | None:
    """Where raw bytes go, until the command ends; a file is made when something comes. Raises UsageError."""
    if path is None:
        return None
    if path == "-" and (output.json or output.jsonl):
        raise click.UsageError("--raw - and JSON both want stdout: give --raw a file")
    return click.get_current_context().with_resource(click.open_file(path, "wb", lazy=True))  # type: ignore[return-value]  # "wb"


def patient(network: Network, timeout: float, patience: float = 1.0) -> Network:
    """The network with `timeout` seconds for every answer; those that we do not wait for may take `patience` times as
    long as usual."""
    from dataclasses import replace

    timing = network.timing.stretched(patience)
    timing = replace(
        timing,
        connect_timeout=min(timing.connect_timeout, timeout),
        handshake_timeout=timeout,
        ping_timeout=timeout,
        headers_timeout=min(timing.headers_timeout, timeout) if network.codec.silence_is_answer else timeout,
        addresses_timeout=timeout,
        batch_timeout=timeout,
    )
    return replace(network, timing=timing)


def genesis_of(network: Network) -> BlockId:
    return network.rules.root


@asynccontextmanager
async def dialled(target: Target, **identity: Unpack[Keywords]) -> AsyncIterator[Peer]:
    """A ready peer. Errors of the connection say what to look at."""
    from headway.aio.config import LocalConfig
    from headway.aio.dial import connected
    from headway.errors import PeerGone, ProxyFailed, RequestTimeout

    config = LocalConfig(network=target.network, **identity)
    async with AsyncExitStack() as stack:
        try:
            peer = await stack.enter_async_context(connected(target.address, config, target.ways))
        except ProxyFailed as error:
            raise ProxyFailed(f"{error}. Is a SOCKS5 proxy running there?") from None
        except (PeerGone, RequestTimeout) as error:
            name = target.network.name
            raise type(error)(f"{error}. Is a node of {name} running there, and does it take inbound peers?") from None
        yield peer


async def ending_of(work: Coroutine[Any, Any, None], interrupted: asyncio.Event) -> Ending:
    """Do `work`, to its end or until a signal. What it got must not be lost by its error, so that is not raised on."""
    from headway.cli import exit_code
    from headway.cli.running import first_done
    from headway.errors import HeadwayError

    try:
        code = await first_done({Exit.DONE: work, Exit.INTERRUPTED: interrupted.wait()})
    except HeadwayError as error:
        return Ending(exit_code(error) or Exit.FAILED, str(error))
    except BrokenPipeError:
        raise
    except OSError as error:  # a file of ours; what befalls a connection comes as PeerGone
        return Ending(Exit.FAILED, f"cannot write: {error.strerror}")
    assert code is not None, "nobody looks at the clock"
    return Ending(code)


def finish(output: Output, ending: Ending, data: Mapping[str, Any], *, text: str | None = None) -> Exit:
    """Print what came of an action, and give its exit code. Without any data, only JSON is printed."""
    if ending.error is not None:
        output.error(ending.error)
        data = {**data, "error": ending.error} if output.json else data
    output.result(data, text=text if data else "")
    return ending.code
