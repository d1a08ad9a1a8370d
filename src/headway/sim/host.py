"""An actor on a simulated host: its connections are `Port`s in virtual time. Called by `scenario`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from headway.sim.actor import Honest, Talk
    from headway.sim.internet import Dial, Host, Internet
    from headway.sim.link import End
    from headway.types import Address, Instant

DIAL_TIMEOUT: Final = 10.0
"""Seconds after which an actor has done with a dial that nobody answers."""


class ActorHost:
    """One actor, listening at all addresses of its host; told to, it dials."""

    def __init__(self, internet: Internet, host: Host, actor: Honest, *, listens: bool = True) -> None:
        """`listens`: False where somebody else sits on the host, and the actor only stands for what he has."""
        self.internet = internet
        self.host = host
        self.actor = actor
        if listens:
            host.listener = self

    def accept(self, end: End) -> None:
        _Seat(self, end, inbound=True).begin()

    def dial(self, target: Address, *, again_after: float = 0.0) -> Dial:
        """Dial, and again so many seconds after each end of it (0: never)."""
        seat = _Seat(self, None, inbound=False, target=target, again=again_after)
        dial = self.internet.dial(self.host, target, seat)
        self.internet.simulation.later(DIAL_TIMEOUT, seat.hangs, dial)
        return dial


class _Seat:
    """One connection of the actor (`sim.actor.Port`, `sim.link.Party`, `sim.internet.Dialler`)."""

    __slots__ = ("_again", "_at", "_inbound", "_is_answered", "_simulation", "_talk", "_target", "end")

    def __init__(
        self, at: ActorHost, end: End | None, *, inbound: bool, target: Address | None = None, again: float = 0.0
    ) -> None:
        self._at = at
        self._simulation = at.internet.simulation
        self._inbound = inbound
        self._target = target
        self._again = again
        self._talk: Talk | None = None
        self._is_answered = False
        self.end = end

    def begin(self) -> None:
        assert self.end is not None, "it is connected"
        self.end.party = self
        self._talk = self._at.actor.connected(self, inbound=self._inbound, remote=self.end.other.address)

    # What the actor does.

    @property
    def now(self) -> Instant:
        return self._simulation.now

    @property
    def wall_time(self) -> float:
        return self._simulation.wall_time

    def send(self, data: bytes) -> None:
        if self.end is not None:
            self.end.send(data)

    def close(self) -> None:
        if self.end is not None:
            self.end.close()
            self._finish()

    def later(self, delay: float, action: Callable[..., None], *arguments: Any) -> None:
        self._simulation.later(delay, self._happen, action, arguments)

    def set_reading(self, *, reading: bool) -> None:
        if self.end is not None:
            self.end.set_reading(reading=reading)

    # What happens to it.

    def connected(self, end: End) -> None:
        self._is_answered = True
        self.end = end
        self.begin()

    def connect_failed(self, why: str) -> None:
        del why
        self._is_answered = True
        self._dial_again()

    def hangs(self, dial: Dial) -> None:
        """So long nobody has answered the dial."""
        if not self._is_answered and not dial.given_up:
            dial.give_up()
            self._dial_again()

    def receive(self, data: bytes) -> None:
        if self._talk is not None:
            self._at.actor.receive(self._talk, data)

    def receive_eof(self) -> None:
        self.close()

    def writable(self, queued: int) -> None:
        """An actor does not care how much waits."""

    def lost(self, why: str) -> None:
        del why
        self._finish()

    def _happen(self, action: Callable[..., None], arguments: tuple[Any, ...]) -> None:
        if self.end is not None:
            action(*arguments)

    def _finish(self) -> None:
        self.end = None
        talk, self._talk = self._talk, None
        if talk is not None:
            self._at.actor.ended(talk)
            self._dial_again()

    def _dial_again(self) -> None:
        if self._again and self._target is not None:
            self._simulation.later(self._again, self._redial, self._target)

    def _redial(self, target: Address) -> None:
        self._at.dial(target, again_after=self._again)
