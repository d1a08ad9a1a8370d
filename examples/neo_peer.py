"""A conversation with a Neo node, step by step as in the Neo document: `python examples/neo_peer.py HOST:PORT NETWORK`.

NETWORK is a name, such as neo3, or the path of the file that describes a private network.
"""

import asyncio
import sys

import headway
from headway.wire.messages import Headers


async def main(target: str, name: str) -> None:
    network = headway.load_network(name)
    connection = await headway.open_connection(headway.Address.parse(target, network.port))

    config = headway.LocalConfig(
        network=network,
        user_agent="NEO-PY",
        services=headway.Services.NETWORK,
        nonce=1200,
        protocol_version=0,
        relay=False,
        port=10332,
        start_height=local_height,
        on_headers=on_headers,
    )
    peer = headway.Peer(connection, inbound=False, config=config)
    try:
        await peer.run()  # shakes hands; from then on the peer lives by itself
        print(f"{peer.info.subver} has {peer.info.startingheight} blocks")
        genesis_hash = network.rules.root.hash
        await peer.request_headers(genesis_hash)  # done when they are here and on_headers has run
    finally:
        await peer.close()


def on_headers(peer: headway.Peer, headers: Headers) -> None:
    """The peer calls it whenever headers come."""
    print(f"peer {peer.id} sent {len(headers)} headers")
    for header in headers[:10]:
        print(f"{header.height:>8} {headway.hash_hex(header.hash)}")


def local_height() -> int:
    """Whoever keeps our blocks would know."""
    return 10


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
