"""Neo N3: its networks as values, by one codec, one handshake policy and one set of rules.

A private network is `network_of(Neo3Params(...))`, or a file (`headway.networks.private`).
"""

from __future__ import annotations

from typing import Final

from headway.network import Limits, Network, Timing
from headway.networks.neo3 import params
from headway.networks.neo3.codec import Neo3Codec
from headway.networks.neo3.genesis import genesis_block
from headway.networks.neo3.handshake import Neo3Handshake
from headway.networks.neo3.params import Neo3Params
from headway.networks.neo3.rules import Neo3Rules

__all__ = ["MAINNET", "TESTNET", "Neo3Params", "Neo3Rules", "network_of"]

LIMITS: Final = Limits(
    max_payload=0x02000000,  # [C# Message.PayloadMaxSize]
    max_headers=2_000,  # [C# HeadersPayload.MaxHeadersCount]
    full_headers=1,  # nobody promises to fill a message, and who has no more says nothing: no number means the end
    max_inventory=500,  # [C# InvPayload.MaxHashesCount]
    max_getdata=500,
    max_addresses=200,  # [C# AddrPayload.MaxCountToSend]
    max_locator=16,  # one is enough: it asks by height
    max_blocks_in_flight=500,  # one getblockbyindex [C# InvPayload.MaxHashesCount, neo-go MaxBlocksCount]
    max_transaction=102_400,  # [C# Transaction.MaxTransactionSize]
    max_block_size=0x02000000,  # what consensus keeps far lower may change; the message that carries it does not
    typical_block_size=4_000,  # an empty one of 7 validators has 700 bytes; a transaction adds 300 or more
    max_low_work_headers=50_000_000,  # work is 1 a block; a block every 3 s makes ten million a year
)
TIMING: Final = Timing(
    handshake_timeout=30.0,  # neo-go and C# speak at once
    idle_timeout=120.0,  # four pings without a word; C# ends a silent link after 60 s
    ping_interval=30.0,  # [neo-go PingInterval]; C# ends a link that is silent for 60 s
    ping_timeout=90.0,  # [neo-go PingTimeout]
    headers_timeout=30.0,  # silence means no more, but a ping stands behind the question and ends the wait early
    addresses_timeout=30.0,
    batch_timeout=30.0,  # blocks come in order, so a pause this long is the end of what it has, or of the peer
)


def network_of(facts: Neo3Params) -> Network:
    """The `Network` value of a network of Neo N3 with these facts. Raises ValueError for keys that are none."""
    magic = facts.magic.to_bytes(4, "little")
    rules = Neo3Rules(
        first_block=genesis_block(facts.validators, state_root=facts.state_root),
        magic=magic,
        validators_count=len(facts.validators),
        state_root=facts.state_root,
    )
    return Network(
        name=facts.name,
        magic=magic,
        port=facts.port,
        codec=Neo3Codec(facts.magic, LIMITS, rules.parser),
        handshake=Neo3Handshake(facts.magic),
        rules=rules,
        dns_seeds=facts.dns_seeds,
        fixed_seeds=facts.fixed_seeds,
        limits=LIMITS,
        timing=TIMING,
        block_interval=15.0,
    )


MAINNET: Final = network_of(params.MAINNET)
TESTNET: Final = network_of(params.TESTNET)
