# ruff: noqa: SLF001  # it drives the peers that it has accepted
"""What a listener of test peers does at once, whoever waits for the rest: it accepts, and an actor plays on all of it.

`Listener` (`peer`) and `AsyncListener` (`aio`) are this and the calls that take time.
"""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from headway.errors import ConfigError, ExpectationFailed, LocalProtocolError, PeerGone
from headway.testing.face import Face, Watched
from headway.testing.stories import POLL
from headway.types import Address

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from headway.network import Network
    from headway.sim.actor import Honest
    from headway.types import Instant

P = TypeVar("P", bound=Face)

MAX_PLAYED: Final = 1_000
"""Connections in one play: whoever dials then has to wait for the next."""
_SHOWN: Final = 3
"""Transcripts in the words of a failure."""


class ListenerFace(Generic[P]):
    """Where a node under test can dial us. At the end of its `with` it is closed, and so are the peers it accepted."""

    def __init__(self, kind: type[P], network: Network, host: str, port: int) -> None:
        self._kind = kind
        self._network = network
        self._socket = _listening_socket(host, port)
        name = self._socket.getsockname()
        self.address: Final = Address(name[0], name[1])
        self._accepted: list[P] = []
        self._actors: dict[P, Honest] = {}
        self._playing: dict[P, Generator[Instant, None, object]] = {}
        self._is_busy = False

    def close(self) -> None:
        """Listen no more: who dials now is refused. The peers stay."""
        self._socket.close()

    def _close_all(self) -> None:
        self.close()
        for peer in self._accepted:
            peer.close()

    def _accept_now(self, *, auto_pong: bool = True) -> P | None:
        """A connection that has been made; None: there is none."""
        if self._socket.fileno() == -1:
            return None
        try:
            accepted, _ = self._socket.accept()
        except BlockingIOError:
            return None
        peer = self._kind(accepted, network=self._network, inbound=True, auto_pong=auto_pong)
        self._accepted.append(peer)
        return peer

    def _nobody(self, timeout: float) -> ExpectationFailed:
        return ExpectationFailed(f"nobody connected to {self.address} within {timeout:g} s")

    @property
    def _watched(self) -> list[Watched]:
        """What to wait for."""
        own = [Watched(self._socket.fileno(), reads=True, writes=False)] if self._socket.fileno() != -1 else []
        return [*own, *(peer._watched for peer in self._playing)]

    def _steps(
        self, actor: Honest, timeout: float, until: Callable[[], bool] | None
    ) -> Generator[Instant, None, list[P]]:
        """A play: the instants until which to wait."""
        __tracebackhide__ = True
        if self._is_busy:
            raise LocalProtocolError(f"{self.address} is played by an actor already: one at a time")
        self._is_busy = True
        had = [peer for peer in self._accepted if self._actors.get(peer) is actor and not peer.closed]
        end = time.monotonic() + timeout
        self._playing = {peer: peer._acts(actor, timeout) for peer in had}
        try:
            while True:
                while len(had) < MAX_PLAYED and (peer := self._next_for(actor)) is not None:
                    had.append(peer)
                    self._playing[peer] = peer._acts(actor, end - time.monotonic())
                dues = self._act()
                now = time.monotonic()
                if until is not None and until():
                    return had
                if now >= end and until is None:
                    return had
                if now >= end:
                    raise _not_happened(timeout, had)
                yield min([end, *dues, *([now + POLL] if until is not None else [])])
        finally:
            for steps in self._playing.values():
                steps.close()
            self._playing.clear()
            self._is_busy = False

    def _next_for(self, actor: Honest) -> P | None:
        try:
            peer = self._accept_now()
        except PeerGone:  # so soon
            return self._next_for(actor)
        if peer is not None:
            self._actors[peer] = actor
        return peer

    def _act(self) -> list[Instant]:
        """Everybody goes on: until when each of them waits."""
        dues = []
        for peer, steps in list(self._playing.items()):
            due = next(steps, None)
            if due is None:
                del self._playing[peer]
            else:
                dues.append(due)
        return dues


def _not_happened(timeout: float, had: list[P]) -> ExpectationFailed:
    what = f"what the actor played for has not happened: {timeout:g} s are over, {len(had)} connections were made"
    shown = [f"{peer!r}\n{peer.transcript.tail()}" for peer in had[-_SHOWN:]]
    return ExpectationFailed("\n".join([what, *shown]))


def _listening_socket(host: str, port: int) -> socket.socket:
    """Raises ConfigError that says why nobody can listen there."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listening = socket.create_server((host, port), family=family)
    except OSError as error:
        raise ConfigError(f"cannot listen on {host}:{port}: {error.strerror or error}") from None
    listening.setblocking(False)
    return listening
