"""How a node of Bitcoin takes to a hostile peer: `python examples/hostile_peer.py 127.0.0.1:18444 regtest`.

For a node of your own on this machine: each attack comes from a loopback address of its own (127.0.0.2 and up, which
Linux has without asking), so that a ban for one does not end the others.
"""

import sys

import headway
from headway.testing import Corrupt, Step, TestPeer, craft_frame, damaged, regtest_chain
from headway.wire.messages import Headers, Message, Ping, Reject, Version

NO_WORK = damaged(next(regtest_chain(1)), "work")[:80]


def attacks(network: headway.Network) -> dict[str, Message | bytes | Step]:
    return {
        "garbage": bytes(range(256)) * 16,
        "wrong checksum": Corrupt(Ping(1), "checksum"),
        "oversized frame": Corrupt(Ping(1), "oversized"),
        "second version": Version(70016, 0, 0, 1, "/again/", 0),
        "header without work": Headers.fixed(NO_WORK, network.codec.parser, size=80),
        "1001 addresses": craft_frame(network, "addr", b"\xfd\xe9\x03" + bytes(30) * 1001),
    }


def main(target: str, name: str) -> None:
    network = headway.load_network(name)
    for number, (attack, step) in enumerate(attacks(network).items(), 2):
        with TestPeer.connect(target, network=network, source=f"127.0.0.{number}") as peer:
            peer.handshake()
            peer.script([step])
            peer.delay(1)
            words = {f" ({message.reason})" for message in peer.heard() if isinstance(message, Reject)}
            told = f"{peer.closed} after {peer.closed.seconds:.3f} s" if peer.closed else "stays"
        try:
            with TestPeer.connect(target, network=network, source=f"127.0.0.{number}") as peer:
                peer.handshake()
        except headway.HeadwayError:
            told += ", banned"
        print(f"{attack:20} {told}{''.join(sorted(words))}")


if __name__ == "__main__":
    main(*sys.argv[1:])
