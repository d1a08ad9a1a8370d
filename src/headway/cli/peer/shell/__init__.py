"""`headway peer shell HOST:PORT`: type messages, and see the protocol go by; or the same from a pipe, as a script.

What is shown is the library's own trace, and what is sent goes through the library's own peer. Here: the commands.
How words become messages (`words`), how a message is told (`fields`), the terminal (`console`, `editor`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from headway.cli.output import Exit, Output
from headway.cli.peer.session import Target, dialled, ending_of, finish, peer_options

if TYPE_CHECKING:
    import asyncio
    from typing import Any


@click.command()
@peer_options(many=True)
def shell(target: Target, output: Output) -> Exit:
    """Type messages to one peer, and see every message in both directions.

    `>` is sent, `<` received, `=` a state, `-` a timeout, `!` a fault, `x` the end. `help` lists what can be typed.

    From a pipe or a file it runs line by line, and at its end waits until the peer has answered a last ping and is
    silent. Exit code 1 when a line could not be done, 3 when the peer has gone.
    """
    from headway.cli.running import run

    return run(lambda interrupted: _shell(target, output, interrupted))


async def _shell(target: Target, output: Output, interrupted: asyncio.Event) -> Exit:
    from headway.cli.peer.shell.console import Console
    from headway.cli.peer.shell.conversation import NAMES, Conversation, showing_trace

    found: dict[str, Any] = {}
    failures = 0
    async with Console(output, NAMES) as console:

        async def work() -> None:
            nonlocal failures
            async with dialled(target) as peer:
                conversation = Conversation(peer, target.network, console)
                try:
                    await conversation.hold()
                finally:
                    failures = conversation.failures
                    found.update(peer.info.as_dict())

        with showing_trace(console.show):
            ending = await ending_of(work(), interrupted)
    if ending.code is Exit.DONE and failures and not console.is_terminal:
        ending = ending._replace(code=Exit.FAILED)
    return finish(output, ending, found, text="")
