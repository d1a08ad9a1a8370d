"""Orders and their results."""

from __future__ import annotations

from typing import Any

from headway.node.orders import Disconnect, Load
from headway.node.outbox import Outbox


def test_orders_leave_in_order_and_once() -> None:
    outbox = Outbox()
    outbox.put(Disconnect(1))
    outbox.ask(lambda number: Load(number, 5), lambda _result, _now: None)
    outbox.put(Disconnect(2))
    assert outbox.take() == [Disconnect(1), Load(1, 5), Disconnect(2)]
    assert outbox.take() == []


def test_a_result_reaches_its_order_once() -> None:
    seen: list[tuple[Any, float]] = []
    outbox = Outbox()
    for position in (5, 6):
        outbox.ask(lambda number, at=position: Load(number, at), lambda result, now: seen.append((result, now)))  # type: ignore[misc]
    first, second = (order.order for order in outbox.take() if isinstance(order, Load))
    outbox.settle(second, b"six", 2.0)
    outbox.settle(first, b"five", 3.0)
    outbox.settle(first, b"again", 4.0)
    outbox.settle(99, b"never asked", 4.0)
    assert seen == [(b"six", 2.0), (b"five", 3.0)]
