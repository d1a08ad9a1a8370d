"""What the tests of this directory share: a neutral story is told over every chain (`tests.link.NETWORKS`)."""

from __future__ import annotations

import pytest

from headway.network import Network
from tests.link import NETWORKS


@pytest.fixture(params=sorted(NETWORKS))
def network(request: pytest.FixtureRequest) -> Network:
    return NETWORKS[request.param]
