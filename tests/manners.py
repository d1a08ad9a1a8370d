"""Chains that a claim is about, where it is not about every chain: marks that narrow a test's `network`.

    @strict
    def test_a_dialler_waits(network: Network) -> None: ...

Used by the tests of `peer`, whose fixture `network` is every chain.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import pytest

from headway.network import Network
from tests.link import FORGIVING, NEO, STRICT


def _only(networks: Mapping[str, Network]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("network", networks.values(), ids=networks.keys())


forgiving: Final = _only(FORGIVING)
"""The manners of Bitcoin."""
strict: Final = _only(STRICT)
"""The manners of Neo."""
neo: Final = _only(NEO)
"""Both generations."""
neo3: Final = _only({"neo3": NEO["neo3"]})
neo2: Final = _only({"neo2": NEO["neo2"]})
all_but_n3: Final = _only({**FORGIVING, "neo2": NEO["neo2"]})
"""Those whose frames carry the network and a checksum, and who ask for blocks by hash."""
all_but_legacy: Final = _only({**FORGIVING, "neo3": NEO["neo3"]})
"""Where every ping has its pong."""
