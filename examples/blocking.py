"""The first blocks of one node, without asyncio: `python examples/blocking.py 127.0.0.1:18444 regtest`."""

import sys

import headway


def main(target: str, network: str) -> None:
    genesis = headway.load_network(network).rules.root.hash
    with headway.blocking.connect(target, network=network) as peer:
        print(f"{peer.info.user_agent} answers in {peer.ping():.3f} s")
        headers = peer.request_headers(genesis, timeout=30)
        print(f"{len(headers)} headers after genesis")
        stream = peer.request_blocks(headers[:16])
        for block in stream:
            print(f"{headway.hash_hex(block.hash)} {len(block)} bytes")
        print(f"{len(stream.missing)} blocks missing")
        for message in peer.messages(timeout=0):  # what the node said of its own accord; hears its pings, too
            print(f"told {message.command}")


if __name__ == "__main__":
    main(*sys.argv[1:])
