"""What of ours takes the messages of one peer: callbacks, one after another, and whoever iterates over `messages()`.

Each has a bounded backlog. Not here: what follows from a full one, which is `peer`'s to say. Called by `peer` only.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from typing import TYPE_CHECKING, Any, Final

from headway.aio.backlog import Backlog
from headway.errors import RequestFailed
from headway.peer.events import PeerDisconnected
from headway.peer.inbox import size_of
from headway.wire import messages as m

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from headway.aio.config import Callback, LocalConfig
    from headway.aio.peer import Peer

logger = logging.getLogger(__name__)

CALLBACK_OF: Final[dict[type, str]] = {
    m.Headers: "on_headers",
    m.Block: "on_block",
    m.Inv: "on_inv",
    m.Tx: "on_tx",
    m.Addr: "on_addr",
    m.GetHeaders: "on_getheaders",
    m.GetData: "on_getdata",
    m.GetAddr: "on_getaddr",
    m.GetBlocks: "on_getblocks",
    PeerDisconnected: "on_disconnect",
}
"""Which field of `LocalConfig` takes a message."""


class Consumers:
    __slots__ = ("_calls", "_changed", "_config", "_is_calling", "_readers")

    def __init__(self, config: LocalConfig, changed: Callable[[], None]) -> None:
        """`changed()` is called when we are no longer behind, and when a backlog takes more again."""
        self._config = config
        self._changed = changed
        self._calls: Backlog[tuple[Callback, Any]] = Backlog(changed)
        self._readers: tuple[Backlog[m.Message], ...] = ()  # mostly empty, and then it costs an idle peer nothing
        self._is_calling = False

    @property
    def is_behind(self) -> bool:
        """A callback is running, or waits for its turn."""
        return self._is_calling or len(self._calls) > 0

    def full(self) -> list[Backlog[Any]]:
        """The backlogs that take no more."""
        backlogs: list[Backlog[Any]] = [self._calls, *self._readers]
        return [backlog for backlog in backlogs if backlog.is_full]

    def deliver(self, message: m.Message) -> None:
        """To the callback for it, and to all who iterate."""
        self._call_later(message)
        for reader in self._readers:
            reader.put(message, size_of(message))

    def end(self, event: PeerDisconnected, error: Callable[[], Exception] | None) -> None:
        """Nothing more comes. Readers end once they have taken the rest: quietly, or with `error`."""
        for reader in self._readers:
            reader.end(error() if error else None)
        self._call_later(event)
        self._calls.end()

    async def messages(self) -> AsyncGenerator[m.Message, None]:
        reader: Backlog[m.Message] = Backlog(self._changed)
        self._readers += (reader,)
        try:
            while (message := await reader.get()) is not None:
                yield message
        finally:
            self._readers = tuple(each for each in self._readers if each is not reader)
            self._changed()

    def next_call(self) -> asyncio.Future[None] | None:
        """Done once callbacks are due; None: there will be no more. (An idle peer holds this and no coroutine.)"""
        return None if self._calls.is_over else self._calls.arrival()

    async def run_callbacks(self, peer: Peer) -> None:
        """Those that are due, in order of arrival. The last of all is `on_disconnect`."""
        while self._calls:
            self._is_calling = True  # before it is taken: we are behind until it has returned
            await self._call(peer, *self._calls.take())
            if not self._calls:
                self._changed()
            await asyncio.sleep(0)  # a thousand quick callbacks in a row must not hold up other peers

    def _call_later(self, message: m.Message | PeerDisconnected) -> None:
        name = CALLBACK_OF.get(type(message))
        callback = getattr(self._config, name) if name else None
        if callback is not None:
            self._calls.put((callback, message), size_of(message))

    async def _call(self, peer: Peer, callback: Callback, message: Any) -> None:
        try:
            result = callback(peer, message)
            if inspect.isawaitable(result):
                await result
        except Exception as error:  # whatever a callback of the user raises ends its peer and no more
            self._calls.clear()
            if peer.disconnected is not None and isinstance(error, RequestFailed):
                logger.debug("%r went while a callback waited for it", peer)
            else:
                logger.exception("! %r: a callback raised", peer)
                peer.callback_failed(error)
        finally:
            self._is_calling = False
