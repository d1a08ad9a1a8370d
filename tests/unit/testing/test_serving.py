"""A served chain on every network: what it answers, and what it does wrong when it is told to."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from headway.errors import LocalProtocolError
from headway.network import Network
from headway.networks.bitcoin import REGTEST
from headway.sim.actor import MAX_BLOCKS_INV
from headway.testing.chain import regtest_chain
from headway.testing.damage import damaged
from headway.testing.neo_chain import NeoChain
from headway.testing.serving import ServedChain
from headway.types import UNKNOWN_HEIGHT, BlockId, Hash
from headway.wire import messages as m
from tests.link import NEO, NEO_SIGNERS
from tests.meeting import Meeting
from tests.tape import THEIRS

BLOCK = m.InvType.BLOCK
CHAINS: dict[str, tuple[Network, list[bytes]]] = {
    "regtest": (REGTEST, list(regtest_chain(12))),
    **{name: (network, list(NeoChain(network, NEO_SIGNERS).blocks(12))) for name, network in NEO.items()},
}
every_chain = pytest.mark.parametrize(("network", "blocks"), CHAINS.values(), ids=CHAINS)
BITCOIN = CHAINS["regtest"][1]


def hash_of(network: Network, block: bytes) -> Hash:
    return network.codec.parser.block_header(block).hash


def block_id(block: bytes, network: Network = REGTEST) -> BlockId:
    return BlockId(UNKNOWN_HEIGHT, hash_of(network, block))


def answer(served: ServedChain, question: m.Message) -> Any:
    """The only one."""
    [message] = served.answers(question)
    return message


def entry(block: bytes, network: Network = REGTEST, kind: int = m.InvType.WITNESS_BLOCK) -> m.GetData:
    return m.GetData((m.InvEntry(kind, hash_of(network, block)),))


@every_chain
def test_headers_follow_what_the_remote_has(network: Network, blocks: list[bytes]) -> None:
    served = ServedChain(network, blocks)
    question: dict[str, Any] = {"first_height": 5} if network is NEO["neo3"] else {}
    headers = answer(served, m.GetHeaders((block_id(blocks[3], network),), **question))
    assert [header.hash for header in headers] == [hash_of(network, block) for block in blocks[4:]]
    assert b"".join(bytes(chunk) for chunk in network.codec.open(inbound=True).encode(headers))


@every_chain
def test_who_has_everything_gets_an_answer_where_silence_is_none(network: Network, blocks: list[bytes]) -> None:
    answers = list(ServedChain(network, blocks).answers(m.GetHeaders((block_id(blocks[-1], network),))))
    assert [len(message) for message in answers if isinstance(message, m.Headers)] == (
        [] if network.codec.silence_is_answer else [0]
    )


def test_a_locator_is_read_from_its_newest_known_block() -> None:
    served = ServedChain(REGTEST, BITCOIN)
    locator = (BlockId(UNKNOWN_HEIGHT, b"\1" * 32), block_id(BITCOIN[9]), block_id(BITCOIN[2]))
    assert len(answer(served, m.GetHeaders(locator))) == 2
    assert len(answer(served, m.GetHeaders(locator[:1]))) == 12


def test_a_stop_is_the_last_of_an_answer_and_one_behind_is_none() -> None:
    served = ServedChain(REGTEST, BITCOIN)
    locator = (block_id(BITCOIN[3]),)
    assert len(answer(served, m.GetHeaders(locator, stop=hash_of(REGTEST, BITCOIN[6])))) == 3
    assert len(answer(served, m.GetHeaders(locator, stop=hash_of(REGTEST, BITCOIN[1])))) == 8
    assert len(answer(served, m.GetHeaders(locator, stop=b"\1" * 32))) == 8


def test_an_answer_is_no_longer_than_was_asked_for_or_is_allowed() -> None:
    network, blocks = CHAINS["neo3"]
    assert len(answer(ServedChain(network, blocks), m.GetHeaders((), first_height=1, count=4))) == 4
    few = replace(REGTEST, limits=replace(REGTEST.limits, max_headers=5))
    assert len(answer(ServedChain(few, BITCOIN), m.GetHeaders((REGTEST.rules.root,)))) == 5


def test_getblocks_is_answered_by_hashes() -> None:
    served = ServedChain(REGTEST, BITCOIN)
    inv = answer(served, m.GetBlocks((block_id(BITCOIN[9]),)))
    assert inv == m.Inv(tuple(m.InvEntry(BLOCK, hash_of(REGTEST, block)) for block in BITCOIN[10:]))
    assert list(served.answers(m.GetBlocks((block_id(BITCOIN[-1]),)))) == []
    assert served.announcement() == m.Inv((inv.entries[-1],))


def test_getblocks_is_answered_by_500_at_most() -> None:
    long = list(regtest_chain(MAX_BLOCKS_INV + 5, sizes=(0, 0)))
    assert len(answer(ServedChain(REGTEST, long), m.GetBlocks((REGTEST.rules.root,))).entries) == MAX_BLOCKS_INV


@every_chain
def test_every_block_is_given_whole_genesis_too(network: Network, blocks: list[bytes]) -> None:
    served = ServedChain(network, blocks)
    kind = m.InvType.WITNESS_BLOCK if network is REGTEST else BLOCK
    for block in (network.rules.genesis_block, *blocks):
        assert bytes(answer(served, entry(block, network, kind))) == block
    assert served.asked == dict.fromkeys(range(13), 1)
    assert served.height == 12


def test_who_asks_without_witness_gets_none() -> None:
    given = bytes(answer(ServedChain(REGTEST, BITCOIN), entry(BITCOIN[4], kind=BLOCK)))
    assert given == REGTEST.codec.parser.stripped(BITCOIN[4])
    assert len(given) < len(BITCOIN[4])


def test_blocks_are_given_by_their_heights() -> None:
    network, blocks = CHAINS["neo3"]
    served = ServedChain(network, blocks)
    asked = [bytes(each) for each in served.answers(m.GetBlockByIndex(3, 4)) if isinstance(each, m.Block)]
    assert asked == blocks[2:6]
    assert len(list(served.answers(m.GetBlockByIndex(10)))) == 3
    assert list(served.answers(m.GetBlockByIndex(99))) == []


@every_chain
def test_a_block_that_is_not_there_is_said_not_to_be(network: Network, blocks: list[bytes]) -> None:
    missing = (m.InvEntry(BLOCK, b"\1" * 32), m.InvEntry(BLOCK, b"\2" * 32))
    assert answer(ServedChain(network, blocks), m.GetData(missing)) == m.NotFound(missing)


def test_nothing_else_is_answered() -> None:
    served = ServedChain(REGTEST, BITCOIN)
    transactions = m.GetData((m.InvEntry(m.InvType.TX, b"\1" * 32),))
    for message in (m.Ping(1), m.GetAddr(), m.MemPool(), m.Inv(()), THEIRS, m.Verack(), transactions):
        assert list(served.answers(message)) == []


@every_chain
def test_it_can_be_played_as_any_actor_to_whoever_comes(network: Network, blocks: list[bytes]) -> None:
    served = ServedChain(network, blocks, withheld={2})
    for inbound in (True, False):
        meeting = Meeting(served, inbound=inbound)
        meeting.shake()
        assert meeting.heights(meeting.ask_blocks(1, 2, 3)) == [1, 3]
        assert [len(each) for each in meeting.ask_headers() if isinstance(each, m.Headers)] == [12]
        assert meeting.is_answered()
    assert served.asked == {1: 2, 2: 2, 3: 2}


# What it does wrong.


@every_chain
def test_a_block_can_be_withheld(network: Network, blocks: list[bytes]) -> None:
    served = ServedChain(network, blocks, withheld={3})
    question = entry(blocks[2], network, BLOCK)
    assert [list(served.answers(question)) for _ in range(2)] == [[], []]
    assert len(list(served.answers(entry(blocks[3], network, BLOCK)))) == 1
    assert served.asked == {3: 2, 4: 1}


def test_a_block_can_be_another() -> None:
    bad = damaged(BITCOIN[2], "transaction")
    served = ServedChain(REGTEST, BITCOIN, instead={3: bad, 4: b"short"})
    assert bytes(answer(served, entry(BITCOIN[2]))) == bad
    assert bytes(answer(served, entry(BITCOIN[3], kind=BLOCK))) == b"short"


def test_a_header_can_be_another_and_its_block_has_two_names() -> None:
    bad = damaged(BITCOIN[4], "work")[:80]
    served = ServedChain(REGTEST, BITCOIN, headers={5: bad})
    headers = answer(served, m.GetHeaders((REGTEST.rules.root,)))
    assert [at for at, header in enumerate(headers) if header.raw != BITCOIN[at][:80]] == [4]
    assert headers.raw_at(4) == bad
    assert answer(served, m.GetBlocks((block_id(BITCOIN[3]),))).entries[0].hash == headers[4].hash
    assert len(answer(served, m.GetHeaders((BlockId(UNKNOWN_HEIGHT, headers[4].hash),)))) == 7
    for name in (entry(BITCOIN[4]), m.GetData((m.InvEntry(m.InvType.WITNESS_BLOCK, headers[4].hash),))):
        assert bytes(answer(served, name)) == BITCOIN[4]


def test_a_network_that_begins_later_cannot_be_served() -> None:
    network = NEO["neo3"]
    trusted = f"7:{'ab' * 32}:NUbWdFGSJ2mWMqo5ygraQsb2U1TzWuwchi"
    late = replace(network, rules=network.rules.trusting(trusted))
    with pytest.raises(LocalProtocolError, match="begins at a block that nobody can serve"):
        ServedChain(late, [])
