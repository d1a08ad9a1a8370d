"""The pytest plugin: fixtures for everybody who has headway and pytest installed.

    def test_my_node_answers_a_ping(test_peer, regtest_chain): ...
    def test_it_gets_past_stallers(simnet): simnet("stallers", seed=7)

It is loaded whenever pytest starts, also by those who never use it: so it imports nothing but pytest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from headway.testing.fixtures import PeerFactory
    from headway.testing.simnet import SimNet


@pytest.fixture(name="test_peer")
def _test_peer() -> Iterator[PeerFactory]:
    """Test peers: `test_peer.connect(address)`, `test_peer.listen()`. Closed when the test is over, however it ends."""
    from headway.testing.fixtures import PeerFactory  # noqa: PLC0415  (see above)

    with PeerFactory() as peers:
        yield peers


@pytest.fixture(name="regtest_chain", scope="session")
def _regtest_chain() -> Callable[..., list[bytes]]:
    """Chains of regtest with real work: `regtest_chain(20)` is a list of 20 raw blocks, made once."""
    from headway.testing.fixtures import regtest_chain  # noqa: PLC0415  (see above)

    return regtest_chain


@pytest.fixture(name="simnet", scope="session")
def _simnet() -> SimNet:
    """Networks in virtual time: `simnet(scenario, seed)` plays a scenario of headway, by its name, or one of yours."""
    from headway.testing.simnet import SimNet  # noqa: PLC0415  (see above)

    return SimNet()
