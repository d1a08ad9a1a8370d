"""No test of the blocking peer leaves anything behind."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.farend import leaving_nothing


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    with leaving_nothing():
        yield
