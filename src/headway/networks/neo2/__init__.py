"""Neo Legacy (2.x): its networks as values, by one codec, one handshake policy and one set of rules.

A private network is `network_of(Neo2Params(...))`, or a file (`headway.networks.private`).
"""

from __future__ import annotations

from typing import Final

from headway.network import Limits, Network, Timing
from headway.networks.neo2 import params
from headway.networks.neo2.codec import Neo2Codec
from headway.networks.neo2.genesis import genesis_block
from headway.networks.neo2.handshake import Neo2Handshake
from headway.networks.neo2.params import Neo2Params
from headway.networks.neo2.rules import Neo2Rules
from headway.types import Services

__all__ = ["MAINNET", "TESTNET", "Neo2Params", "Neo2Rules", "network_of"]

LIMITS: Final = Limits(
    max_payload=0x02000000,  # [C# Message.PayloadMaxSize]
    max_headers=2_000,  # [C# HeadersPayload.MaxHeadersCount]
    full_headers=1,  # neo-one gives 500 at most and leaves its tip out: no number means that this was all
    max_inventory=500,  # [C# InvPayload.MaxHashesCount]
    max_getdata=500,
    max_addresses=200,  # [C# AddrPayload.MaxCountToSend]
    max_locator=16,  # [C# GetBlocksPayload]; servers look at the first alone
    max_blocks_in_flight=500,  # one getdata
    max_transaction=102_400,  # [C# Transaction.MaxTransactionSize]
    max_block_size=0x02000000,  # no rule bounds a block below the message that carries it
    typical_block_size=8_000,  # mainnet's busy blocks of 2018 have 3 to 7 kB, empty ones 700 bytes
    max_low_work_headers=20_000_000,  # work is 1 a block; a block every 15 s makes two million a year
)
TIMING: Final = Timing(
    handshake_timeout=30.0,  # as neo-one, and neo-go of 2019
    verack_pause=0.5,  # neo-one loses the verack when more comes in the same read
    idle_timeout=300.0,  # as neo-go of 2019; a network at rest still makes a block every 15 s, and announces it
    ping_timeout=10.0,  # of a ping that a user sends; who does not answer is left alone
    ping_interval=0.0,  # nobody has to answer a ping, and the oldest nodes fall over it
    headers_timeout=10.0,  # silence is how a node says that it has no more; nobody waits half a minute for that
    poll_interval=15.0,  # a block's time: no pong tells a height, and not every node announces
    addresses_timeout=10.0,  # the same
    batch_timeout=30.0,  # there is no notfound: a block that a node lacks shows as silence
)


def network_of(facts: Neo2Params) -> Network:
    """The `Network` value of a network of Neo Legacy with these facts. Raises ValueError for keys that are none."""
    magic = facts.magic.to_bytes(4, "little")
    return Network(
        name=facts.name,
        magic=magic,
        port=facts.port,
        codec=Neo2Codec(magic, LIMITS),
        handshake=Neo2Handshake(),
        rules=Neo2Rules(first_block=genesis_block(facts.validators)),
        dns_seeds=facts.dns_seeds,
        fixed_seeds=facts.fixed_seeds,
        required_services=Services.NETWORK,
        limits=LIMITS,
        wants_relay=True,  # neo-one announces no block to others
        timing=TIMING,
        block_interval=15.0,
    )


MAINNET: Final = network_of(params.MAINNET)
TESTNET: Final = network_of(params.TESTNET)
