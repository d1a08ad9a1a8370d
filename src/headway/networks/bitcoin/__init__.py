"""Bitcoin: five networks as values, by one codec, one handshake policy and one set of rules.

A network of your own is `dataclasses.replace(REGTEST, ...)`.
"""

from __future__ import annotations

from typing import Final

from headway.network import Limits, Network
from headway.networks.bitcoin import params
from headway.networks.bitcoin.codec import BitcoinCodec
from headway.networks.bitcoin.handshake import BitcoinHandshake
from headway.networks.bitcoin.params import BitcoinParams
from headway.networks.bitcoin.rules import BitcoinRules
from headway.networks.bitcoin.seeds import FixedSeeds
from headway.types import Services

__all__ = ["MAINNET", "REGTEST", "SIGNET", "TESTNET3", "TESTNET4", "BitcoinRules", "network_of"]


def network_of(facts: BitcoinParams) -> Network:
    """The `Network` value of a Bitcoin network with these facts."""
    limits = Limits(max_low_work_headers=facts.max_low_work_headers)
    return Network(
        name=facts.name,
        magic=facts.magic,
        port=facts.port,
        codec=BitcoinCodec(facts.magic, limits),
        handshake=BitcoinHandshake(),
        rules=BitcoinRules(facts),
        dns_seeds=facts.dns_seeds,
        fixed_seeds=FixedSeeds(facts.name, facts.port),
        seed_filter=Services.NETWORK | Services.WITNESS,
        required_services=Services.NETWORK | Services.WITNESS,
        minimum_chainwork=facts.minimum_chainwork,
        checkpoints=facts.checkpoints,
        presync=facts.presync,
        limits=limits,
    )


MAINNET: Final = network_of(params.MAINNET)
TESTNET3: Final = network_of(params.TESTNET3)
TESTNET4: Final = network_of(params.TESTNET4)
SIGNET: Final = network_of(params.SIGNET)
REGTEST: Final = network_of(params.REGTEST)
