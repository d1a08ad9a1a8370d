"""What waits for a slow consumer is bounded; what events look like as messages."""

from __future__ import annotations

import pytest

from headway.peer import events
from headway.peer.events import PeerDisconnected, PeerEvent, Reason, RequestKind
from headway.peer.inbox import MAX_BYTES, MAX_MESSAGES, Inbox, message_of, size_of
from headway.types import Address, BlockId, BlockRequest
from headway.wire import messages as m
from tests.toynet import PARSER, toy_chain, toy_headers


def test_items_come_in_order() -> None:
    inbox: Inbox[int] = Inbox()
    assert len(inbox) == 0
    with pytest.raises(IndexError):
        inbox.take()
    inbox.put(1, 10)
    inbox.put(2, 10)
    assert [inbox.take(), inbox.take(), len(inbox)] == [1, 2, 0]


def test_full_by_number_until_half_was_taken() -> None:
    inbox: Inbox[int] = Inbox()
    full = []
    for number in range(MAX_MESSAGES):
        inbox.put(number, 1)
        full.append(inbox.is_full)
    assert full == [False] * (MAX_MESSAGES - 1) + [True]
    full = []
    for _ in range(MAX_MESSAGES // 2):
        inbox.take()
        full.append(inbox.is_full)
    assert full == [True] * (MAX_MESSAGES // 2 - 1) + [False]


def test_full_by_bytes_until_half_was_taken() -> None:
    inbox: Inbox[str] = Inbox()
    full = []
    for half in ("one", "other"):
        inbox.put(half, MAX_BYTES // 2)
        full.append(inbox.is_full)
    inbox.take()
    assert [*full, inbox.is_full] == [False, True, False]


def test_clear_drops_what_waits_and_it_goes_on() -> None:
    inbox: Inbox[int] = Inbox()
    inbox.put(1, MAX_BYTES)
    inbox.clear()
    assert not inbox.is_full
    inbox.put(2, 1)
    assert inbox.take() == 2


HEADERS, BLOCK, TX = toy_headers(toy_chain(1)), m.Block(toy_chain(1)[0], PARSER), m.Tx(b"tx", PARSER)
ADDRESS, REQUEST = Address("192.0.2.7", 4444), BlockRequest(None, hash=bytes(32))


@pytest.mark.parametrize(
    ("event", "message"),
    [
        (events.HeadersReceived(HEADERS, None), HEADERS),
        (events.HeadersReceived(HEADERS, 1, fenced=True), None),
        (events.BlockReceived(BLOCK, None), BLOCK),
        (events.BlocksNotFound((REQUEST,)), m.NotFound((m.InvEntry(m.InvType.BLOCK, bytes(32)),))),
        (events.AddressesReceived((ADDRESS,), None), m.Addr((ADDRESS,))),
        (events.TransactionReceived(TX, TX.txid, 1), TX),
        (events.TransactionReceived(None, TX.txid, 1), m.NotFound((m.InvEntry(m.InvType.TX, TX.txid),))),
        (events.InvReceived((m.InvEntry(1, bytes(32)),)), m.Inv((m.InvEntry(1, bytes(32)),))),
        (events.MessageReceived(m.GetAddr()), m.GetAddr()),
        (events.PongReceived(0.1, 1), None),
        (events.RequestTimedOut(1, RequestKind.PING, ends_peer=True), None),
        (PeerDisconnected(Reason.IDLE, "quiet"), None),
    ],
    ids=lambda value: type(value).__name__,
)
def test_event_is_shown_as_the_message_that_it_tells_of(event: PeerEvent, message: m.Message | None) -> None:
    assert message_of(event) == message


HASH = bytes(32)
WHOLE = m.PrefilledTransaction(0, m.Tx(bytes(1_000_000), PARSER))


@pytest.mark.parametrize(
    ("message", "least"),
    [
        (toy_headers(toy_chain(10)), 10 * 44),
        (m.Block(bytes(1_000), PARSER), 1_000),
        (m.Tx(bytes(1_000), PARSER), 1_000),
        (m.Inv((m.InvEntry(1, HASH),) * 100), 100 * 32),
        (m.Addr((ADDRESS,) * 1_000), 1_000 * 200),
        (m.AddrV2((m.NetAddressV2(99, bytes(512), 1, 0, 0),) * 1_000, ()), 1_000 * 512),
        (m.CmpctBlock(bytes(80), 0, (1,) * 60_000, (WHOLE,), PARSER), 60_000 * 40 + 1_000_000),
        (m.GetBlockTxn(HASH, tuple(range(60_000))), 60_000 * 40),
        (m.BlockTxn(HASH, (WHOLE.transaction,) * 3), 3 * 1_000_000),
        (m.FilterLoad(bytes(36_000), 1, 0, 0), 36_000),
        (m.MerkleBlock(bytes(80), 1, (HASH,) * 1_000, bytes(1_000), PARSER), 1_000 * 65),
        (m.CFilter(0, HASH, bytes(100_000)), 100_000),
        (m.CFHeaders(0, HASH, HASH, (HASH,) * 2_000), 2_000 * 65),
        (m.CFCheckpt(0, HASH, (HASH,) * 10_000), 10_000 * 65),
        (m.Reject("tx", 1, "", bytes(100_000)), 100_000),
        (m.Reject("tx", 1, "x" * 100_000), 100_000),
        (m.Alert(bytes(100_000)), 100_000),
        (m.Unknown("x", bytes(1_000)), 1_000),
        (m.GetHeaders((BlockId(0, HASH),) * 101), 101 * 32),
        (PeerDisconnected(Reason.IDLE, "quiet"), 1),
    ],
    ids=lambda value: type(value).__name__,
)
def test_size_is_not_less_than_what_a_message_holds(message: m.Message, least: int) -> None:
    assert size_of(message) >= least
