"""How much memory a piece of a test takes: what Python allocates between two lines."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def traced() -> Iterator[Callable[[], tuple[int, int]]]:
    """Gives a function that says (bytes held now, bytes held at the most) of what was allocated in the `with` block."""
    tracemalloc.start()
    try:
        yield tracemalloc.get_traced_memory
    finally:
        tracemalloc.stop()
