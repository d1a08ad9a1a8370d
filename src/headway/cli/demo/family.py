"""The families of networks that the demo can show, and what makes a chain of each. Called by `demo`.

All that the demo knows of any chain stands here: a further one is a further entry of `FAMILIES`. What a family needs is
loaded when it is asked for, so that `--help` loads nothing of the engine.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from headway.network import Network
    from headway.testing.neo_chain import Generation

SIZES: Final = (20_000, 80_000)
"""Least and most bytes of a block of regtest: 2,000 of them are 100 MB."""
VALIDATORS: Final = 4
"""Who sign a chain of Neo: the fewest of whom one may be faulty, as on most private networks."""
TRANSACTIONS: Final = (10, 40)
"""Least and most of a block of Neo. Its signatures and their shape cost more than its bytes: with 5 kB each, 2,000 of
them take about as long as those of regtest."""


@dataclass(frozen=True, slots=True)
class Family:
    """One of them, ready to make its chain."""

    name: str
    """As it stands in `FAMILIES`."""
    network: Network
    """Private: nobody else is on it."""
    blocks: str
    """What they are called, for people."""
    block_size: int
    """Bytes on average, roughly."""
    make: Callable[[int], Iterator[bytes]] = field(repr=False)
    """Raw blocks after genesis, so many of them, the same ones every time."""
    about: tuple[str, ...] = ()
    """What else people should know of the chain, in lines."""


def _bitcoin() -> Family:
    from headway.networks.bitcoin import REGTEST
    from headway.testing.chain import regtest_chain

    return Family(
        "bitcoin", REGTEST, "regtest blocks", sum(SIZES) // 2, lambda length: regtest_chain(length, sizes=SIZES)
    )


def _neo3() -> Family:
    return _signed("neo3", "Neo N3 blocks", 5_000)


def _neo2() -> Family:
    family = _signed("neo2", "Neo Legacy blocks", 6_000)
    pause = f"pause: {family.network.timing.headers_timeout:g} s of silence say that there are no more headers"
    return replace(family, about=(*family.about, pause))


def _signed(generation: Generation, blocks: str, block_size: int) -> Family:
    """A chain that validators sign, others from its middle on."""
    from headway.testing.neo_chain import NeoChain, neo_network, validators

    first, second = validators(VALIDATORS), validators(VALIDATORS, salt=1)
    network = neo_network(generation, first)

    def make(length: int) -> Iterator[bytes]:
        chain = NeoChain(network, first, changes={length // 2: second}, transactions=TRANSACTIONS)
        return chain.blocks(length)

    about = (
        f"proof: {first.threshold} of {VALIDATORS} validators sign each block; half-way {VALIDATORS} others take over"
    )
    return Family(generation, network, blocks, block_size, make, (about,))


_Loader: TypeAlias = "Callable[[], Family]"

FAMILIES: Final[Mapping[str, _Loader]] = {"bitcoin": _bitcoin, "neo3": _neo3, "neo2": _neo2}
"""Value of `--network` -> what loads it."""
