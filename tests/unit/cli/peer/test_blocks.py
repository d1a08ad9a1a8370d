"""`headway peer blocks`: verified before it is printed or written; what is missing or wrong is named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from headway.aio.peer import Peer
from headway.cli import main
from headway.cli.output import Exit
from headway.types import hash_hex
from headway.wire import messages as m
from tests.unit.cli.conftest import Served
from tests.unit.cli.peer.conftest import CHAIN, HASHES, PARSER, answering, remote

NEVER = ["bip30-duplicates", "coins", "fees", "relative-lock-times", "scripts", "signatures", "subsidy"]


def named(height: int) -> str:
    return f"{height}:{hash_hex(HASHES[height - 1])}"


def called(
    capsys: pytest.CaptureFixture[str], address: str, *words: str, code: Exit = Exit.DONE
) -> tuple[dict[str, Any], str]:
    """What the action prints with --json, and on stderr."""
    assert main(["peer", "blocks", address, "--network", "regtest", "--json", *words]) == code
    printed = capsys.readouterr()
    result = json.loads(printed.out)
    assert isinstance(result, dict)
    return result, printed.err


def block(height: int) -> m.Block:
    return m.Block(CHAIN[height - 1], PARSER)


def test_valid_blocks_are_lines_of_height_hash_and_size(served: Served, capsys: pytest.CaptureFixture[str]) -> None:
    raw = served.chain[6]
    name = hash_hex(PARSER.block_header(raw).hash)
    assert main(["peer", "blocks", served.address, f"7:{name}", "--network", "regtest"]) == Exit.DONE
    printed = capsys.readouterr()
    assert printed.out.split()[:4] == ["7", name, str(len(raw)), "bytes"]
    assert printed.err.startswith("1 valid block; unchecked: bip30-duplicates 1, coins 1")


def test_json_tells_what_came_and_what_could_not_be_checked(served: Served, capsys: pytest.CaptureFixture[str]) -> None:
    names = [hash_hex(PARSER.block_header(raw).hash) for raw in served.chain[:2]]
    result, _ = called(capsys, served.address, f"1:{names[0]}", names[1])
    assert " ".join(result) == "addr blocks missing refused unchecked"
    assert [(each["height"], each["hash"]) for each in result["blocks"]] == [(1, names[0]), (None, names[1])]
    assert result["unchecked"] == dict.fromkeys(NEVER, 2) | {"coinbase-height": 1}
    assert main(["peer", "blocks", served.address, f"1:{names[0]}", names[1], "--network", "regtest", "--jsonl"]) == 0
    assert [json.loads(line) for line in capsys.readouterr().out.splitlines()] == result["blocks"]


def test_blocks_are_written_each_to_its_file(
    served: Served, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = hash_hex(PARSER.block_header(served.chain[0]).hash)
    called(capsys, served.address, name, "--out", str(tmp_path / "new" / "directory"))
    [path] = (tmp_path / "new" / "directory").iterdir()
    assert path.name == f"{name}.blk"
    assert path.read_bytes() == served.chain[0]


def test_raw_blocks_are_back_to_back(served: Served, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = [hash_hex(PARSER.block_header(raw).hash) for raw in served.chain[:3]]
    result, _ = called(capsys, served.address, *names, "--raw", str(tmp_path / "raw"))
    assert (tmp_path / "raw").read_bytes() == b"".join(served.chain[:3])
    assert result["blocks"] == []


def test_block_that_the_peer_does_not_have_is_named_and_exit_1(
    served: Served, capsys: pytest.CaptureFixture[str]
) -> None:
    name = hash_hex(PARSER.block_header(served.chain[0]).hash)
    result, said = called(capsys, served.address, name, "7:" + "ab" * 32, code=Exit.FAILED)
    assert [each["hash"] for each in result["blocks"]] == [name]
    assert result["missing"] == [{"height": 7, "hash": "ab" * 32}]
    assert f"error: the peer does not have 7:{'ab' * 32}\n" in said


def test_mutated_block_is_neither_printed_nor_written_and_exit_5(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The bytes behind the header are other ones: the hash is right, and the block is not that of the hash."""
    mutated = bytearray(CHAIN[0])
    mutated[-1] ^= 1
    with remote(on_getdata=answering(m.Block(bytes(mutated), PARSER), block(2))) as address:
        result, said = called(capsys, address, named(1), named(2), "--out", str(tmp_path), code=Exit.INVALID_DATA)
    [refused] = result["refused"]
    assert (refused["hash"], refused["status"], refused["rule"]) == (hash_hex(HASHES[0]), "mutated", "bad-txnmrklroot")
    assert [each["hash"] for each in result["blocks"]] == [hash_hex(HASHES[1])]
    assert [path.name for path in tmp_path.iterdir()] == [f"{hash_hex(HASHES[1])}.blk"]
    assert f"error: block {named(1)} is mutated: bad-txnmrklroot" in said


def test_invalid_block_is_exit_5(capsys: pytest.CaptureFixture[str]) -> None:
    """The height with which a coinbase begins is not the height that was asked for."""
    with remote(on_getdata=answering(block(1))) as address:
        wrong = f"2:{hash_hex(HASHES[0])}"
        result, _ = called(capsys, address, wrong, code=Exit.INVALID_DATA)
    [refused] = result["refused"]
    assert (refused["height"], refused["status"], refused["rule"]) == (2, "invalid", "bad-cb-height")


def test_peer_that_goes_in_the_middle_is_exit_3_and_what_it_owed_is_missing(capsys: pytest.CaptureFixture[str]) -> None:
    def on_getdata(peer: Peer, _message: m.GetData) -> None:
        peer.send(block(1))
        peer.disconnect()

    with remote(on_getdata=on_getdata) as address:
        result, _ = called(capsys, address, named(1), named(2), code=Exit.NO_PEERS)
    assert len(result["blocks"]) == 1
    assert result["missing"] == [{"height": 2, "hash": hash_hex(HASHES[1])}]
    assert "the remote closed the connection" in result["error"]


@pytest.mark.parametrize("words", [[], ["7"], ["zz"], ["h:" + "00" * 32]])
def test_what_is_no_block_is_wrong_usage(words: list[str]) -> None:
    assert main(["peer", "blocks", "127.0.0.1", *words]) == Exit.USAGE
