"""The native twin of the kernel for tests that hold it against the reference; not there, they skip (fail in CI)."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from tests.data import absent

try:
    native: Any = importlib.import_module("headway_kernel")
except ImportError:
    native = None


def require_native() -> None:
    """End the running test where the native kernel is not installed."""
    if native is None:
        absent("the native kernel is not installed")


def outcome(function: Callable[..., Any], *arguments: Any) -> Any:
    """What a call returns, or the type of the error that it raises."""
    try:
        return function(*arguments)
    except (ValueError, OverflowError, IndexError) as error:
        return type(error)
