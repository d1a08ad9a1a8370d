"""Orders on their way to the driver, and what is to happen when their results come back. Called by `node.machine`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

    from headway.node.orders import Order
    from headway.types import Instant

Settle: TypeAlias = "Callable[[Any, Instant], None]"


class Outbox:
    def __init__(self) -> None:
        self._orders: list[Order] = []
        self._waiting: dict[int, Settle] = {}  # outstanding orders: as many as the window and the clients' reads allow
        self._next = 1

    def put(self, order: Order) -> None:
        """An order without a result."""
        self._orders.append(order)

    def ask(self, make: Callable[[int], Order], settle: Settle) -> None:
        """An order with a result: `make` gets its number, `settle` the result and the time."""
        number, self._next = self._next, self._next + 1
        self._waiting[number] = settle
        self._orders.append(make(number))

    def settle(self, number: int, result: Any, now: Instant) -> None:
        """The result of an order. A number that is not outstanding is ignored."""
        if settle := self._waiting.pop(number, None):
            settle(result, now)

    def take(self) -> list[Order]:
        orders, self._orders = self._orders, []
        return orders
