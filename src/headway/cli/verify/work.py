"""Threads for what is heavy in chains whose headers carry a proof: the library of signatures frees the interpreter.

On other chains everything is done where it is asked for, one after another, as threads would only be in each other's
way. Called by the judges.
"""

from __future__ import annotations

import os
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final, TypeVar

from headway.errors import HeadwayError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from concurrent.futures import Future
    from types import TracebackType
    from typing import Self

    from headway.network import Network, Proof

T = TypeVar("T")
R = TypeVar("R")

_THREADS: Final = os.cpu_count() or 1
_AHEAD: Final = 4 * _THREADS
"""Items that are at work or done and not yet fetched: enough that no thread waits, few enough to hold them."""


class Workers:
    """Close it, or use it in a `with`."""

    def __init__(self, network: Network) -> None:
        rules = network.rules
        self._useful = rules.kept_size != rules.header_size  # what a tree does not keep of a header is its proof
        self._started: ThreadPoolExecutor | None = None

    def first_failure(self, proofs: Sequence[Proof]) -> tuple[int, str] | None:
        """Of which header the first proof is that does not hold, and what is wrong. None: all hold."""
        parts = [proofs[start::_THREADS] for start in range(min(_THREADS, len(proofs)))]
        if len(parts) < 2:
            return _check(proofs)
        return min(filter(None, self._threads().map(_check, parts)), default=None)

    def in_order(self, function: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
        """`map`, a few items ahead. An error of `items` is raised after the results of what came before it."""
        if not self._useful:
            yield from map(function, items)
            return
        pending: deque[Future[R]] = deque()
        ended: HeadwayError | None = None
        source = iter(items)
        try:
            while True:
                try:
                    pending.append(self._threads().submit(function, next(source)))
                except StopIteration:
                    break
                except HeadwayError as error:
                    ended = error
                    break
                if len(pending) > _AHEAD:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            for future in pending:
                future.cancel()
        if ended:
            raise ended

    def close(self) -> None:
        if self._started:
            self._started.shutdown(cancel_futures=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _threads(self) -> ThreadPoolExecutor:
        if self._started is None:
            self._started = ThreadPoolExecutor(_THREADS, "headway-verify")
        return self._started


def _check(proofs: Sequence[Proof]) -> tuple[int, str] | None:
    """Gives up at the first that fails."""
    return next(((proof.number, detail) for proof in proofs if (detail := proof.check())), None)
