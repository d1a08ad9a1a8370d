"""Who waits for one peer, and for what: a reply settles its own request, and all fail at once when the peer goes.

Called by `peer` only.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Container

T = TypeVar("T")


class Waiters:
    __slots__ = ("_changed", "_replies", "_tasks")

    def __init__(self, changed: Callable[[], None]) -> None:
        """`changed()` is called when somebody begins or ends to wait."""
        self._changed = changed
        self._tasks: dict[asyncio.Future[Any], asyncio.Task[Any] | None] = {}
        self._replies: dict[int, asyncio.Future[Any]] | None = None  # by request; None: there are none

    def __len__(self) -> int:
        return len(self._tasks)

    def is_waiting(self, task: asyncio.Task[Any] | None) -> bool:
        return task in self._tasks.values()

    async def wait(self, future: asyncio.Future[T]) -> T:
        """Await what only the peer can bring."""
        self._tasks[future] = asyncio.current_task()
        self._changed()
        try:
            return await future
        finally:
            del self._tasks[future]
            if not self._tasks:
                self._tasks.clear()  # gives back the room that an empty dictionary keeps
            self._changed()

    def expect(self, request: int) -> asyncio.Future[Any]:
        """The future reply to a request."""
        reply: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        if self._replies is None:
            self._replies = {}
        self._replies[request] = reply
        return reply

    def settle(self, request: int, answer: Any) -> None:
        """The reply has come. Nothing happens when nobody expects it any more."""
        if (reply := self._take(request)) is not None and not reply.done():
            reply.set_result(answer)

    def expire(self, request: int, error: Exception) -> None:
        """No reply will come."""
        if (reply := self._take(request)) is not None and not reply.done():
            reply.set_exception(error)

    def forget(self, request: int) -> bool:
        """Expect no reply any more; True when one was expected until now."""
        return self._take(request) is not None

    def _take(self, request: int) -> asyncio.Future[Any] | None:
        reply = (self._replies or {}).pop(request, None)
        self._replies = self._replies or None
        return reply

    def fail_all(self, error: Callable[[], Exception]) -> None:
        """The peer has gone."""
        for future in self._tasks:
            if not future.done():
                future.set_exception(error())

    def fail_those(self, tasks: Container[asyncio.Task[Any] | None], error: Callable[[], Exception]) -> None:
        """These tasks would wait for ever."""
        for future, task in self._tasks.items():
            if task in tasks and not future.done():
                future.set_exception(error())
