"""The words of the protocol trace."""

from __future__ import annotations

import pytest

from headway.peer.trace import describe
from headway.types import Address, BlockId
from headway.wire import messages as m
from tests.toynet import GENESIS, PARSER, toy_chain, toy_headers


@pytest.mark.parametrize(
    ("message", "words"),
    [
        (m.Version(70016, 1, 0, 5, "/a:1/", 7), "version 70016 /a:1/ height 7"),
        (m.Verack(), "verack"),
        (m.GetHeaders((GENESIS, BlockId(1, bytes(32)))), "getheaders [2 hashes]"),
        (m.GetHeaders((), first_height=70), "getheaders [from 70]"),
        (m.GetBlocks((GENESIS,)), "getblocks [1 hashes]"),
        (m.GetBlockByIndex(5), "getblockbyindex [all from 5]"),
        (m.GetBlockByIndex(5, 16), "getblockbyindex [16 from 5]"),
        (toy_headers(toy_chain(3)), "headers [3]"),
        (m.Inv((m.InvEntry(2, bytes(32)),) * 4), "inv [4]"),
        (m.GetData(()), "getdata [0]"),
        (m.NotFound(()), "notfound [0]"),
        (m.Block(bytes(100), PARSER), "block [100 bytes]"),
        (m.Tx(bytes(10), PARSER), "tx [10 bytes]"),
        (m.Addr((Address("192.0.2.1", 1),)), "addr [1]"),
        (m.AddrV2((), ()), "addrv2 [0]"),
        (m.CmpctBlock(bytes(80), 0, (1, 2), (), PARSER), "cmpctblock [2 short ids, 0 whole]"),
        (m.GetBlockTxn(bytes(32), (1, 2, 3)), "getblocktxn [3]"),
        (m.BlockTxn(bytes(32), ()), "blocktxn [0]"),
        (m.MerkleBlock(bytes(80), 1, (bytes(32),), b"", PARSER), "merkleblock [1 hashes]"),
        (m.CFilter(0, bytes(32), b"1234"), "cfilter [4 bytes]"),
        (m.CFHeaders(0, bytes(32), bytes(32), (bytes(32),)), "cfheaders [1]"),
        (m.CFCheckpt(0, bytes(32), ()), "cfcheckpt [0]"),
        (m.FilterClear(), "filterclear"),
        (m.Alert(b"12"), "alert [2 bytes]"),
        (m.Reject("tx", 16, "bad"), "reject tx: bad"),
        (m.Unknown("strange", b"xyz"), "strange [3 bytes]"),
    ],
)
def test_a_message_is_its_command_and_its_size(message: m.Message, words: str) -> None:
    assert describe(message) == words


@pytest.mark.parametrize(
    "message",
    [
        m.Version(1, 0, 0, 1, "\x1b[2J\n\u202eevil" + "x" * 1_000, 0),
        m.Unknown("\x1b[31m\x00", b""),
        m.Reject("\r\n", 1, "\x07" * 500),
    ],
)
def test_no_text_of_a_remote_reaches_a_terminal_as_it_is(message: m.Message) -> None:
    words = describe(message)
    assert words.isprintable()
    assert len(words) < 200
