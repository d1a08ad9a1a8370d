"""The checksum of a block that we asked for is left out, and nothing but the damaged frame is lost by it.

Tests 16 and 36 of the forty under these conditions: header hash, encodings, exact end,
merkle root, coinbase, and the witness rules. Each class of byte positions of a block is damaged here.
"""

from __future__ import annotations

from typing import ClassVar, Final

import pytest

from headway import kernel
from headway.network import BlockStatus
from headway.networks.bitcoin import REGTEST
from headway.networks.bitcoin.parser import PARSER
from headway.networks.bitcoin.transaction import Transaction
from headway.peer import events as e
from headway.sim.actor import Talk
from headway.sim.scenario import MAIN, ChainPlan, Cue
from headway.sync.scheduler import MAX_DAMAGED
from headway.testing.chain import HEADER_SIZE, regtest_chain
from headway.types import BlockRequest, Raw
from headway.wire import messages as m
from headway.wire.frames import HEADER_SIZE as FRAME_HEADER
from tests.conformance.test_blocks import Peer, Play, role
from tests.link import Remote, of, ready

SIZES: Final = (3_000, 5_000)
CHAIN: Final = list(regtest_chain(3, sizes=SIZES))
BLOCK: Final = CHAIN[-1]
REQUEST: Final = BlockRequest(PARSER.block_header(BLOCK), 3)


def verdict(raw: Raw) -> BlockStatus:
    return REGTEST.rules.verify_block(REQUEST, None, raw).status


def classes_of(block: bytes) -> dict[str, int]:
    """A byte position of each class: in the header, around the transactions, in each part of one with a witness."""
    first, *others = PARSER.transactions(block)
    last = next((each for each in reversed(others) if each.raw[4:6] == b"\0\1"), first)
    places = {"version": 0, "parent": 4, "root": 36, "time": 68, "bits": 72, "nonce": 76, "count": HEADER_SIZE}
    for name, transaction in (("coinbase", first), ("last", last)):
        start = block.rindex(transaction.raw)
        places |= {f"{name} {part}": start + at for part, at in parts_of(transaction).items()}
    return places | {"end": len(block) - 1}


def parts_of(transaction: Transaction) -> dict[str, int]:
    """Of a transaction with a witness and fewer than 253 of everything: where its parts begin."""
    raw = bytes(transaction.raw)
    script = transaction.inputs[0].script
    after_inputs = 7 + sum(36 + 1 + len(each.script) + 4 for each in transaction.inputs)
    after_outputs = after_inputs + 1 + sum(8 + 1 + len(each.script) for each in transaction.outputs)
    return {
        "version": 0,
        "marker": 4,
        "flag": 5,
        "number of inputs": 6,
        "spent txid": 7,
        "spent output": 39,
        "length of a script": 43,
        "script": 44 if script else 43,
        "sequence": 44 + len(script),
        "number of outputs": after_inputs,
        "value": after_inputs + 1,
        "output script": after_inputs + 10,
        "number of witness items": after_outputs,
        "length of a witness item": after_outputs + 1,
        "witness item": after_outputs + 2,
        "locktime": len(raw) - 4,
    }


CLASSES: Final = classes_of(BLOCK)


def test_verification_alone_notices_every_changed_bit_of_a_block() -> None:
    """With segwit, and in a block of the time before, which has no commitment and so must have no witness."""
    old = bytes(PARSER.stripped(next(regtest_chain(1, sizes=(0, 0)))))
    request = BlockRequest(PARSER.block_header(old), 1)
    assert verdict(BLOCK) is BlockStatus.VALID
    for at in range(len(BLOCK)):
        for bit in range(8):
            damaged = BLOCK[:at] + bytes([BLOCK[at] ^ 1 << bit]) + BLOCK[at + 1 :]
            assert verdict(damaged) is not BlockStatus.VALID, (at, bit)
    for at in range(len(old)):
        damaged = old[:at] + bytes([old[at] ^ 0x10]) + old[at + 1 :]
        assert REGTEST.rules.verify_block(request, None, damaged).status is not BlockStatus.VALID, at


@pytest.mark.parametrize("at", CLASSES.values(), ids=CLASSES)
def test_bytes_that_are_missing_or_too_many_are_noticed(at: int) -> None:
    assert verdict(BLOCK[:at] + BLOCK[at + 1 :]) is not BlockStatus.VALID
    assert verdict(BLOCK[:at] + b"\0" + BLOCK[at:]) is not BlockStatus.VALID
    assert verdict(BLOCK[:at]) is not BlockStatus.VALID
    assert verdict(BLOCK + b"\0") is not BlockStatus.VALID


# The connection: whose checksum is left out.


def asking(*, verifies: bool = True) -> Remote:
    remote = ready(REGTEST, verifies_blocks=verifies)
    remote.peer.request_blocks([REQUEST], 1.0)
    return remote


def give(remote: Remote, raw: bytes, damaged: bytes | None = None) -> list[e.PeerEvent]:
    """Send a block in two pieces; `damaged`: these are its bytes, its checksum is that of `raw`."""
    frame = remote.encode(m.Block(raw, PARSER))
    frame = frame[:FRAME_HEADER] + (raw if damaged is None else damaged)
    remote.peer.receive_data(frame[:500], 1.0)
    remote.peer.receive_data(frame[500:], 1.0)
    return remote.events()


def test_an_asked_block_keeps_the_checksum_for_who_verifies_it() -> None:
    (received,) = of(e.BlockReceived, give(asking(), BLOCK))
    assert received.request == REQUEST
    assert received.block.unchecked == kernel.checksum(BLOCK)
    assert not received.block.is_damaged


def test_who_verifies_nothing_gets_checked_blocks_alone() -> None:
    (received,) = of(e.BlockReceived, give(asking(verifies=False), BLOCK))
    assert received.block.unchecked == b""
    remote = asking(verifies=False)
    assert of(e.BlockReceived, give(remote, BLOCK, BLOCK[:-1] + b"\7")) == []
    assert remote.peer.stats.dropped_frames == 1


def test_a_block_that_nobody_asked_for_is_checked_first() -> None:
    other, remote = CHAIN[0], asking()
    assert of(e.BlockReceived, give(remote, other, other[:-1] + b"\7")) == []
    assert remote.peer.stats.dropped_frames == 1
    (received,) = of(e.BlockReceived, give(remote, other))
    assert (received.request, received.block.is_damaged) == (None, False)


@pytest.mark.parametrize("at", CLASSES.values(), ids=CLASSES)
def test_what_is_damaged_is_dropped_at_once_or_known_as_damaged(at: int) -> None:
    """In the header it is another block, which nobody asked for."""
    remote = asking()
    received = of(e.BlockReceived, give(remote, BLOCK, BLOCK[:at] + bytes([BLOCK[at] ^ 1]) + BLOCK[at + 1 :]))
    if at < HEADER_SIZE:
        assert (received, remote.peer.stats.dropped_frames) == ([], 1)
    else:
        assert [each.block.is_damaged for each in received] == [True]
    assert remote.peer.state is e.PeerState.READY


def test_small_blocks_and_other_messages_are_always_checked() -> None:
    small = next(regtest_chain(1, sizes=(0, 0)))
    remote = ready(REGTEST, verifies_blocks=True)
    remote.peer.request_blocks([BlockRequest(PARSER.block_header(small), 1)], 1.0)
    frame = remote.encode(m.Block(small, PARSER))
    for piece in (frame[:100], frame[100:]):
        remote.peer.receive_data(piece, 1.0)
    (received,) = of(e.BlockReceived, remote.events())
    assert received.block.unchecked == b""
    headers = remote.encode(m.Unknown("headers", bytes(2_000)))
    remote.peer.receive_data(headers[:-1] + b"\7", 1.0)
    assert remote.peer.stats.dropped_frames == 1


# The sync: what becomes of it.


class BadLine(Peer):
    """Its line damages a byte of each block, the first time that it gives it: at another place in each."""

    first: ClassVar[int] = 0

    def give_block(self, talk: Talk, raw: bytes) -> None:
        height = self.chain.heights[PARSER.block_header(raw).hash]
        places = [*classes_of(raw).values()][self.first :]
        if self.heights.count(height) > 1 or height > len(places):
            super().give_block(talk, raw)
            return
        at = FRAME_HEADER + places[height - 1]
        frame = b"".join(map(bytes, talk.wire.encode(m.Block(raw, PARSER))))
        talk.send_raw(frame[:at] + bytes([frame[at] ^ 1]) + frame[at + 1 :])


class WorseLine(Peer):
    """Its line damages the last byte of each block, each time."""

    is_honest: ClassVar[bool] = False

    def give_block(self, talk: Talk, raw: bytes) -> None:
        frame = b"".join(map(bytes, talk.wire.encode(m.Block(raw, PARSER))))
        talk.send_raw(frame[:-1] + bytes([frame[-1] ^ 1]))


class Forger(Peer):
    """Damages one block itself, and its checksum is that of the damaged bytes."""

    is_honest: ClassVar[bool] = False

    def give_block(self, talk: Talk, raw: bytes) -> None:
        at = classes_of(raw)["last witness item"]
        talk.send(m.Block(raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :], PARSER))


FORGIVEN: Final = MAX_DAMAGED - 1


@pytest.mark.parametrize("first", range(0, len(CLASSES), FORGIVEN))
def test_damaged_blocks_are_asked_again_and_nobody_is_blamed(first: int) -> None:
    """Conformance test 16, with every class of positions."""
    actor = type("BadLine", (BadLine,), {"first": first})
    play = Play({"peer": role(actor)}, chains={MAIN: ChainPlan(FORGIVEN, sizes=SIZES)})
    play.play()
    assert (play.blamed(), play.lost()) == ([], [])
    assert play.run.node.machine.sync.chain.first_missing == FORGIVEN + 1
    (peer,) = play.actors("peer")
    damaged = min(FORGIVEN, len(CLASSES) - first)
    assert [peer.heights.count(height) for height in range(1, FORGIVEN + 1)] == [
        2 if height <= damaged else 1 for height in range(1, FORGIVEN + 1)
    ]


def test_a_line_that_damages_sixteen_blocks_of_a_connection_brings_nothing() -> None:
    """Conformance test 16: who has it is left, without blame, long before any clock."""
    cast = {"bad": role(WorseLine), "late": role(is_dark=True)}
    chains = {MAIN: ChainPlan(60, sizes=SIZES)}
    play = Play(cast, chains=chains, cues=(Cue((50.0, 50.0), "light", "late"),))
    assert play.play() < 120.0
    at, why = play.lost()[0]
    assert at < 5.0
    assert "16 blocks came damaged" in why
    assert play.blamed() == []


def test_a_mutated_block_with_the_right_checksum_is_its_senders_fault() -> None:
    """Conformance test 36."""
    chains = {MAIN: ChainPlan(60, sizes=SIZES)}
    play = Play({"bad": role(Forger), "good": role(count=2)}, chains=chains)
    play.play()
    assert [event.address for event in play.blamed()] == list(play.run.actors["bad"][0].host.addresses)
