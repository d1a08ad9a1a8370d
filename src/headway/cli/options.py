"""Options that several commands share. Not here: what only one command knows.

Names of networks are resolved when a command is called, so that `--help` loads nothing of the engine.
"""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypedDict, TypeVar

import click

from headway.cli import JSON_WANTED
from headway.cli.output import Output

if TYPE_CHECKING:
    from headway.network import Network
    from headway.types import Address

F = TypeVar("F", bound=Callable[..., Any])
TIP: Final = "tip"
"""Where a height is asked for: that of the best chain's last block."""


class NetworkName(click.ParamType[Any]):
    """A network by its name, or by the file that describes it."""

    name = "network"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Network:
        from headway.errors import ConfigError
        from headway.network_file import load_network

        try:
            return load_network(value)
        except ConfigError as error:
            self.fail(str(error), param, ctx)


class Seconds(click.FloatRange):
    """A time that ends. (FloatRange lets "nan" pass, and infinity.)"""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        seconds = super().convert(value, param, ctx)
        if not math.isfinite(seconds):
            self.fail(f"{value!r} is no number of seconds", param, ctx)
        return float(seconds)


class Size(click.ParamType[Any]):
    """A number of bytes above 0: 550MB, 1.5 GB, 2GiB, 1000000."""

    name = "SIZE"
    UNITS: Final = {
        "": 1,
        **{f"{prefix}b": 1000 ** (number + 1) for number, prefix in enumerate("kmgt")},
        **{f"{prefix}ib": 1024 ** (number + 1) for number, prefix in enumerate("kmgt")},
    }

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        from decimal import Decimal

        found = re.fullmatch(r"(\d{1,15}(?:\.\d{1,9})?) ?([a-z]*)", str(value).strip().lower(), re.ASCII)
        if found is None or (unit := self.UNITS.get(found[2])) is None:
            self.fail(f"{value!r} is no size: a number, and kB, MB, GB or TB", param, ctx)
        size = int(Decimal(found[1]) * unit)
        if size < 1:
            self.fail(f"{value!r} is less than a byte", param, ctx)
        return size


def as_height(text: str) -> int | None:
    """None for what is no height."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 10 else None


def peer_address(text: str, network: Network, option: str) -> Address:
    """HOST:PORT, [V6]:PORT, or a host alone with the network's port. `option` names the culprit in the usage error."""
    from headway.types import Address

    try:
        return Address.parse(text, network.port)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint=option) from None


def bind_address(text: str, network: Network, option: str) -> Address:
    """As `peer_address`; port 0 means any free port."""
    return _listening_address(text, network.port, option)


def bind_addresses(texts: Sequence[str], network: Network, *, listen: bool) -> list[Address]:
    """Where --bind says; all addresses of this machine where --listen alone was given."""
    from headway.types import Address

    if texts or not listen:
        return [bind_address(each, network, "--bind") for each in texts]
    return [Address(host, network.port) for host in ("0.0.0.0", "::") if _has(host)]  # noqa: S104  (it is asked for)


def _has(host: str) -> bool:
    """Whether this machine has addresses of that kind."""
    import socket

    try:
        socket.create_server((host, 0), family=socket.AF_INET6 if ":" in host else socket.AF_INET).close()
    except OSError:
        return False
    return True


class Serving(TypedDict):
    """What `serving_options` adds, as `Node` takes it."""

    externalip: tuple[str, ...]
    maxuploadtarget: int
    maxinbound: int


def serving_options(function: F) -> F:
    """Adds what says how others are served; the command receives the fields of `Serving`."""
    external = click.option(
        "--externalip",
        multiple=True,
        metavar="HOST[:PORT]",
        help="Tell peers that we can be reached there; may be repeated.  [default: tell nobody]",
    )
    target = click.option(
        "--maxuploadtarget",
        type=Size(),
        callback=lambda _context, _parameter, size: size or 0,
        metavar="SIZE",
        help="Give away no more than so many bytes of old blocks in a day (5GB).  [default: no limit]",
    )
    inbound = click.option(
        "--maxinbound",
        type=click.IntRange(0, 100_000),
        metavar="N",
        default=117,
        show_default=True,
        help="Take so many connections of others; who has least reason to stay goes for one more.",
    )
    return external(target(inbound(function)))


def tx_cache_option(function: F) -> F:
    """Adds --tx-cache; the command receives `tx_cache: int`, bytes."""
    return click.option(
        "--tx-cache",
        type=Size(),
        callback=lambda _context, _parameter, size: size or 0,
        metavar="SIZE",
        help="Keep so many bytes of unconfirmed transactions (64MB), so that a new block comes by their ids alone "
        "(BIP152).  [default: none]",
    )(function)


def metrics_option(function: F) -> F:
    """Adds --metrics; the command receives `metrics: Address | None`."""

    def address(_context: click.Context, _parameter: click.Parameter, value: str | None) -> Address | None:
        return None if value is None else _listening_address(value, None, "--metrics")

    return click.option(
        "--metrics",
        metavar="HOST:PORT",
        envvar="HEADWAY_METRICS",
        callback=address,
        help="Where Prometheus may ask for metrics (GET /metrics); port 0: any.",
    )(function)


def _listening_address(text: str, default_port: int | None, option: str) -> Address:
    from headway.types import Address

    try:
        return Address.parse(text, default_port, to_listen=True)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint=option) from None


def network_option(function: F) -> F:
    """Adds --network; the command receives `network: Network`."""
    from headway.networks import names

    return click.option(
        "--network",
        type=NetworkName(),
        default="bitcoin",
        show_default=True,
        envvar="HEADWAY_NETWORK",
        help=f"{', '.join(names())}; or the path of a file that describes a private network.",
    )(function)


def proxy_options(function: F) -> F:
    """Adds --proxy and --onion; the command receives them as texts, for `Ways.of`."""
    proxy = click.option(
        "--proxy",
        metavar="HOST:PORT",
        envvar="HEADWAY_PROXY",
        help="Reach others through this SOCKS5 proxy, each under its own login; names are looked up at its other end.",
    )
    onion = click.option(
        "--onion",
        metavar="HOST:PORT",
        envvar="HEADWAY_ONION",
        help="Reach onion services through this one; 0: not at all.  [default: --proxy]",
    )
    return proxy(onion(function))


class Reach(TypedDict):
    """What `reach_options` adds besides --connect and --peers-file, as `Node` takes it."""

    addnode: tuple[str, ...]
    seednode: tuple[str, ...]
    asmap: Path | None
    dnsseed: bool
    proxy: str | None
    onion: str | None
    onlynet: tuple[str, ...]
    cjdnsreachable: bool


def reach_options(function: F) -> F:
    """Adds what says who is to be a peer, and how peers are reached; the command receives `connect: tuple[str, ...]`,
    `peers_file: Path | None`, and the fields of `Reach`."""
    from headway.ways import NETS

    options = (
        click.option("--connect", multiple=True, metavar="HOST:PORT", help="This peer and no others; may be repeated."),
        click.option("--addnode", multiple=True, metavar="HOST:PORT", help="This peer, too; may be repeated."),
        click.option(
            "--seednode",
            multiple=True,
            metavar="HOST:PORT",
            help="Ask this peer for addresses of others, and leave it; may be repeated.",
        ),
        click.option(
            "--peers-file",
            type=click.Path(dir_okay=False, path_type=Path),
            help="Addresses to begin with: host:port a line, # comments.",
        ),
        click.option(
            "--asmap",
            type=click.Path(dir_okay=False, path_type=Path),
            help="A map of autonomous systems, in Core's form: peers are then of different ones.",
        ),
        click.option(
            "--dnsseed/--no-dnsseed", default=True, show_default=True, help="Ask the DNS for peers to begin with."
        ),
        proxy_options,
        click.option(
            "--onlynet",
            multiple=True,
            type=click.Choice([str(net) for net in NETS]),
            help="Look for peers only there; may be repeated.  [default: all]",
        ),
        click.option("--cjdnsreachable", is_flag=True, help="This machine has an interface of CJDNS."),
    )
    for option in reversed(options):
        function = option(function)
    return function


def datadir_option(function: F) -> F:
    """Adds --datadir; the command receives `datadir: Path | None`."""
    return click.option(
        "--datadir",
        type=click.Path(file_okay=False, path_type=Path),
        envvar="HEADWAY_DATADIR",
        help="Directory of this network's headers and blocks.  [default: the user's data directory]",
    )(function)


def checkpoint_option(function: F) -> F:
    """Adds --checkpoint; the command receives `checkpoint: str | None`, for `trusting`."""
    return click.option(
        "--checkpoint",
        metavar="HEIGHT:HASH[:...]",
        help="Trust this block and begin behind it (chains of signed headers: HEIGHT:HASH:NEXT_CONSENSUS).",
    )(function)


def trusting(network: Network, checkpoint: str | None) -> Network:
    """The network as the user trusts it. Raises ConfigError for a checkpoint that it does not take."""
    from dataclasses import replace

    return network if checkpoint is None else replace(network, rules=network.rules.trusting(checkpoint))


def default_datadir(network: Network) -> Path:
    """Where a network's data lies when nothing else was said."""
    import platformdirs

    return Path(platformdirs.user_data_dir("headway", appauthor=False)) / network.name


def common_options(function: F) -> F:
    """Adds --json, -q, -v and --color; the command receives them as `output: Output`, ready for use."""

    @click.option("--json", "json_", is_flag=True, callback=_note_json, help="Print one JSON object on one line.")
    @click.option("-q", "--quiet", is_flag=True, help="No progress on stderr.")
    @click.option("-v", "--verbose", is_flag=True, help="Trace the protocol on stderr.")
    @click.option("--color", type=click.Choice(["auto", "always", "never"]), default="auto", help="Colours on stderr.")
    @functools.wraps(function)
    def command(
        *args: Any, json_: bool, quiet: bool, verbose: bool, color: str, jsonl: bool = False, **options: Any
    ) -> Any:
        if json_ and jsonl:
            raise click.UsageError("--json and --jsonl exclude each other")
        wants_color = {"auto": None, "always": True, "never": False}[color]
        output = Output(json=json_, jsonl=jsonl, quiet=quiet, verbose=verbose, color=wants_color)
        output.open_log()
        return function(*args, output=output, **options)

    return command  # type: ignore[return-value]  # the wrapper has the command's face minus what click supplies


def jsonl_option(function: F) -> F:
    """Adds --jsonl, for `common_options` below it: a command with many items prints each as a JSON line of its own."""
    return click.option("--jsonl", is_flag=True, help="Print a JSON object a line, as they come.")(function)


def _note_json(ctx: click.Context, _param: click.Parameter, value: bool) -> bool:
    ctx.meta[JSON_WANTED] = value
    return value
