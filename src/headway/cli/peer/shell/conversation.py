"""One conversation of a user with a peer: each typed line is done, what comes is remembered for `last` and `wait`.

Called by `shell` only.
"""

from __future__ import annotations

import asyncio
import logging
import shlex
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar, Final

from headway.cli.output import Exit, table
from headway.cli.peer.shell.fields import lines_of
from headway.cli.peer.shell.words import MESSAGES, decoded, message_from, raw_message, usage
from headway.cli.running import first_done
from headway.errors import CodecError, LocalProtocolError
from headway.peer.log import trace

if TYPE_CHECKING:
    from headway.aio.peer import Peer
    from headway.cli.peer.shell.console import Console
    from headway.network import Network
    from headway.wire import messages as m

QUIET: Final = 0.5
"""Seconds without a message after the last pong that count as the end of all answers."""
MAX_REMEMBERED: Final = 64
"""Commands of which the last message is kept: a peer may invent as many as it likes."""
MILLI: Final = 1e3

QUIT: Final = "quit"
HELP: Final = {
    "help [MESSAGE]": "this list, or how a message is typed",
    "ping": "measure a round trip (`ping N` sends one with the nonce N)",
    "raw COMMAND [HEX]": "any payload under any command",
    "last [COMMAND]": "the last message that came, field by field",
    "decode [COMMAND] HEX": "what bytes say: whole frames, or the payload of a command",
    "info": "what the peer said of itself, and the traffic so far",
    "wait COMMAND|SECONDS": "for a message after the last one sent, or for a time; of use in scripts",
    QUIT: "the end (so is Ctrl-D)",
}
"""What can be typed besides messages."""
NAMES: Final = sorted({*MESSAGES, *(words.split()[0] for words in HELP)})
"""First words of all that can be typed."""


@contextmanager
def showing_trace(show: Callable[[str], None]) -> Iterator[None]:
    """The protocol trace of this thread, which has one peer, goes to `show`; no trace goes anywhere else."""

    ours = threading.get_ident()

    class Shown(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.thread == ours:
                number, _, line = record.getMessage().partition(" ")
                show(line if number.isdigit() else f"{number} {line}")

    before = trace.handlers[:], trace.level, trace.propagate
    trace.handlers[:], trace.propagate = [Shown()], False
    trace.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        trace.handlers[:], trace.propagate = before[0], before[2]
        trace.setLevel(before[1])


class Conversation:
    def __init__(self, peer: Peer, network: Network, console: Console) -> None:
        self.failures = 0
        """Lines that could not be done."""
        self._peer = peer
        self._network = network
        self._console = console
        self._last: dict[str, m.Message] = {}
        self._heard = asyncio.Condition()
        self._since_sent: set[str] = set()
        self._count = 0

    async def hold(self) -> None:
        """Do all lines. Raises PeerGone when the peer ends it first."""
        await first_done({Exit.DONE: self._talk(), Exit.NO_PEERS: self._listen()})

    async def _talk(self) -> None:
        async for line in self._console.lines():
            try:
                words = shlex.split(line, comments=True)
                if words[:1] == [QUIT]:
                    return
                if words:
                    await self._do(words)
            except (ValueError, LocalProtocolError, CodecError) as error:
                self.failures += 1
                self._console.complain(str(error))
        if not self._console.is_terminal:
            await self._settle()

    async def _listen(self) -> None:
        async for message in self._peer.messages():
            async with self._heard:
                self._last.pop(message.command, None)  # the newest stands last
                if len(self._last) >= MAX_REMEMBERED:
                    del self._last[next(iter(self._last))]
                self._last[message.command] = message
                self._since_sent.add(message.command)
                if len(self._since_sent) > MAX_REMEMBERED:
                    self._since_sent.clear()
                self._count += 1
                self._heard.notify_all()

    async def _settle(self) -> None:
        """Until the peer has answered: most answer in order, so a pong comes last; some do not, so a silence, too."""
        await self._peer.ping()
        count = -1
        loop = asyncio.get_running_loop()
        give_up_at = loop.time() + self._network.timing.ping_timeout
        while count != self._count and loop.time() < give_up_at:
            count = self._count
            await asyncio.sleep(QUIET)

    async def _do(self, words: Sequence[str]) -> None:
        command = words[0]
        if command == "ping" and len(words) == 1:
            self._since_sent.clear()
            self._console.show(f"  round trip {await self._peer.ping() * MILLI:.3f} ms")
        elif command == "wait":
            await self._wait(words)
        elif action := self._ACTIONS.get(command):
            action(self, words)
        elif command in MESSAGES:
            self._send(message_from(words, self._network))
        else:
            raise ValueError(f"{command[:80]!r} is no message and no command; try: help")

    def _send(self, message: m.Message) -> None:
        self._since_sent.clear()
        self._peer.send(message)

    def _raw(self, words: Sequence[str]) -> None:
        self._send(raw_message(words))

    def _help(self, words: Sequence[str]) -> None:
        if len(words) > 1 and words[1] in MESSAGES:
            self._console.show(usage(words[1]))
            return
        for line in table(HELP).splitlines():
            self._console.show(line)
        self._console.show("and every message, with its fields in order:")
        for command in MESSAGES:
            self._console.show(f"  {usage(command)}")

    def _tell_last(self, words: Sequence[str]) -> None:
        command = words[1] if len(words) > 1 else next(reversed(self._last), None)
        if command not in self._last:
            raise ValueError(f"no {command or 'message'} has come yet")
        self._tell(self._last[command])

    def _decode(self, words: Sequence[str]) -> None:
        for message in decoded(words, self._network):
            self._tell(message)

    def _tell(self, message: m.Message) -> None:
        for line in lines_of(message):
            self._console.show(line)

    def _info(self, words: Sequence[str]) -> None:
        del words
        for line in table(self._peer.info.as_dict()).splitlines():
            self._console.show(line)

    async def _wait(self, words: Sequence[str]) -> None:
        match words:
            case [_, what] if what.replace(".", "", 1).isdigit():
                await asyncio.sleep(float(what))
            case [_, command]:
                seconds = self._network.timing.headers_timeout
                try:
                    async with asyncio.timeout(seconds), self._heard:
                        await self._heard.wait_for(lambda: command in self._since_sent)
                except TimeoutError:
                    raise ValueError(f"no {command} came within {seconds:g} s") from None
            case _:
                raise ValueError("usage: wait COMMAND, or wait SECONDS")

    _ACTIONS: ClassVar[Mapping[str, Callable[[Conversation, Sequence[str]], Any]]] = {
        "raw": _raw,
        "help": _help,
        "last": _tell_last,
        "decode": _decode,
        "info": _info,
    }
