"""One remote peer for programs without asyncio: plain sockets, in the thread of the caller. No protocol here.

    with headway.blocking.connect("203.0.113.7:8333") as peer:
        headers = peer.request_headers(genesis)

There is no helper thread: the remote is heard, and its pings are answered, while a call of yours runs. `peer.poll()` or
`peer.messages(timeout=0)` between calls keeps a peer that you want to keep.
"""

from headway.blocking.blocks import BlockStream as BlockStream
from headway.blocking.dial import connect as connect
from headway.blocking.peer import Peer as Peer
