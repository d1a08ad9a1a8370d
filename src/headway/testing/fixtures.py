"""What the fixtures of `plugin` give: test peers that are closed when the test is over, and chains made once.

Loaded when a test first asks for one of them.
"""

from __future__ import annotations

from contextlib import ExitStack
from functools import lru_cache
from typing import TYPE_CHECKING, Final, Self

from headway.testing.chain import GENESIS, SMALL
from headway.testing.chain import regtest_chain as make_chain
from headway.testing.peer import TestPeer
from headway.testing.stories import TIMEOUT

if TYPE_CHECKING:
    from headway.network import Network
    from headway.testing.peer import Listener
    from headway.types import Address

KEPT_CHAINS: Final = 64
"""Chains kept for the next test that asks for the same."""


class PeerFactory:
    """Gives test peers; closes them, and what listens, at the end of its `with`."""

    def __init__(self) -> None:
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._stack.close()

    def connect(
        self,
        target: str | Address,
        *,
        network: Network | str = "regtest",
        timeout: float = TIMEOUT,
        source: str = "",
        auto_pong: bool = True,
    ) -> TestPeer:
        """As `TestPeer.connect`."""
        peer = TestPeer.connect(target, network=network, timeout=timeout, source=source, auto_pong=auto_pong)
        return self._stack.enter_context(peer)

    def listen(self, network: Network | str = "regtest", *, port: int = 0) -> Listener:
        """As `TestPeer.listen`; what it accepts is closed, too."""
        return self._stack.enter_context(TestPeer.listen(network, port=port))


def regtest_chain(
    length: int, *, salt: int = 0, parent: bytes = GENESIS, sizes: tuple[int, int] = SMALL
) -> list[bytes]:
    """As `chain.regtest_chain`, as a list. The same arguments cost nothing the second time."""
    return list(_made(length, salt, parent, sizes))


@lru_cache(KEPT_CHAINS)
def _made(length: int, salt: int, parent: bytes, sizes: tuple[int, int]) -> tuple[bytes, ...]:
    return tuple(make_chain(length, salt=salt, parent=parent, sizes=sizes))
