"""What tests of the actions share: a regtest remote that answers as a test wants, in a thread of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from headway.aio.peer import Peer
from headway.networks.bitcoin import REGTEST
from headway.testing.chain import regtest_chain
from headway.types import Address
from headway.wire import messages as m
from tests import farend

CHAIN = list(regtest_chain(30))
PARSER = REGTEST.codec.parser
HASHES = [PARSER.block_header(raw).hash for raw in CHAIN]


def headers_of(raws: Sequence[bytes]) -> m.Headers:
    return m.Headers.fixed(b"".join(raw[:80] for raw in raws), PARSER, size=80)


@contextmanager
def remote(**callbacks: Callable[[Peer, Any], object]) -> Iterator[str]:
    """A node of regtest whose callbacks are those of `LocalConfig`; where it listens."""

    def silent(_peer: Peer, _message: m.Message) -> None:
        pass

    quiet: dict[str, Any] = dict.fromkeys(("on_getheaders", "on_getdata", "on_getaddr"), silent)
    with farend.served([], REGTEST, **(quiet | callbacks)) as address:
        yield str(address)


def answering(*messages: m.Message) -> Callable[[Peer, Any], None]:
    """A callback that says these, whatever was asked."""

    def answer(peer: Peer, _message: m.Message) -> None:
        for message in messages:
            peer.send(message)

    return answer


KNOWN = (Address("203.0.113.7", 18444, services=9, last_seen=1_700_000_000), Address("2001:db8::1", 8333))
