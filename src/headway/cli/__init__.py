"""The command line: one file a command, loaded when it is called. Here: the group, and what errors mean to the shell.

A command returns its `Exit`; a `HeadwayError` that leaves it becomes one line on stderr and the code of `exit_code`.
`headway --help` loads click and nothing of the engine (a test lists the modules).
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

import click

from headway import __version__
from headway.cli.lazy import LazyGroup
from headway.cli.output import Exit, Output

if TYPE_CHECKING:
    from collections.abc import Sequence

COMMANDS = {
    "sync": "Bring headers and blocks into the data directory, verified; resumes.",
    "follow": "Print each block as it joins the best chain or leaves it.",
    "get": "Fetch a header, a block or a transaction, checked against the headers.",
    "verify": "Check a data directory, a block file, headers or one block.",
    "export": "Write stored blocks to a file.",
    "peer": "Talk to one peer: report, ping, headers, blocks, addresses, shell.",
    "peers": "The pool as a table, and the address book: find, ban, import, export.",
    "send": "Hand a transaction to peers, and tell who took it.",
    "serve": "Answer other nodes from the data directory.",
    "demo": "Sync from a network of peers on this machine, three of them faulty.",
    "simulate": "Play a node among honest and hostile peers in virtual time; a seed replays.",
}
"""Name -> short help. `headway.cli.NAME` holds the click command NAME."""


ARGUMENTS = "headway.cli.arguments"
"""Key in `Context.meta`: the command line as it was given, for the hint how to go on."""
JSON_WANTED = "headway.cli.json"
"""Key in `Context.meta`: the group prints a failure as JSON too when the command was asked for JSON."""


class _Commands(LazyGroup):
    """Keeps the command line as it was given, and turns errors into exit codes."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ctx.meta[ARGUMENTS] = tuple(args)
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except click.UsageError as error:
            if "--json" in ctx.meta[ARGUMENTS]:  # the option itself may not have been read yet
                Output(json=True).result({"error": error.format_message()})
            raise
        except Exception as error:
            code = exit_code(error)
            if code is None:
                raise
            output = Output(json=bool(ctx.meta.get(JSON_WANTED)))
            output.error(str(error))
            if output.json:
                output.result({"error": str(error)})
            return code


def exit_code(error: Exception) -> Exit | None:
    """What the shell is told about an error; None for one that is a fault of this program."""
    from headway import errors

    if isinstance(error, errors.ConfigError):
        return Exit.USAGE
    if isinstance(error, errors.RequestFailed | errors.HandshakeRejected):
        return Exit.NO_PEERS
    if isinstance(error, errors.RemoteProtocolError) and not isinstance(error, errors.FutureHeader):
        return Exit.INVALID_DATA
    if isinstance(error, errors.HeadwayError):
        return Exit.FAILED
    return None


@click.group(
    cls=_Commands,
    package="headway.cli",
    table=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, package_name="headway", message="headway %(version)s")
def headway() -> None:
    """Verified headers and blocks from the peers of a blockchain network, without a node."""


def main(args: Sequence[str] | None = None) -> int:
    """Run one command and give its exit code. The entry point `headway`."""
    try:
        code = headway.main(args, prog_name="headway", standalone_mode=False)
        if sys.stdout is not None:  # closed by whoever started us
            sys.stdout.flush()
    except click.ClickException as error:
        error.show()
        return Exit.USAGE if isinstance(error, click.UsageError) else Exit.FAILED
    except (click.Abort, KeyboardInterrupt):
        return Exit.INTERRUPTED
    except BrokenPipeError:
        # Whoever read our data has enough of it. Python would complain once more when it flushes stdout at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.FAILED
    return code if isinstance(code, int) else Exit.DONE
