"""How a node of Bitcoin takes to a hostile peer: `python examples/hostile_peer.py 127.0.0.1:18444`.

For a node of regtest on this machine: each attack comes from a loopback address of its own (127.0.0.2 and up, which
Linux has without asking), so that a ban for one does not end the others.
"""

import sys

from headway.networks.bitcoin import REGTEST
from headway.testing import Corrupt, Delay, Handshake, TestPeer, craft_frame, damaged, regtest_chain
from headway.wire.messages import Headers, Ping, Reject, Version

NO_WORK = damaged(next(regtest_chain(1)), "work")[:80]
ATTACKS = {
    "garbage": bytes(range(256)) * 16,
    "wrong checksum": Corrupt(Ping(1), "checksum"),
    "oversized frame": Corrupt(Ping(1), "oversized"),
    "second version": Version(70016, 0, 0, 1, "/again/", 0),
    "header without work": Headers.fixed(NO_WORK, REGTEST.codec.parser, size=80),
    "1001 addresses": craft_frame(REGTEST, "addr", b"\xfd\xe9\x03" + bytes(30) * 1001),
}

for number, (attack, step) in enumerate(ATTACKS.items(), 2):
    with TestPeer.connect(sys.argv[1], source=f"127.0.0.{number}") as peer:
        peer.script([Handshake(), step, Delay(1)])
        words = {message.reason for message in peer.heard() if isinstance(message, Reject)}
        print(f"{attack:20}", peer.closed or "stays", *words)
