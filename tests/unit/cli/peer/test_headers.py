"""`headway peer headers`: each header judged as far as its context is known, and where a peer's headers are refused."""

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
from tests.unit.cli.peer.conftest import CHAIN, HASHES, PARSER, answering, headers_of, remote


def called(capsys: pytest.CaptureFixture[str], address: str, *more: str, code: Exit = Exit.DONE) -> dict[str, Any]:
    """What the action prints with --json."""
    assert main(["peer", "headers", address, "--network", "regtest", "--json", *more]) == code
    result = json.loads(capsys.readouterr().out)
    assert isinstance(result, dict)
    return result


def test_headers_are_lines_of_height_hash_and_time(served: Served, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["peer", "headers", served.address, "--network", "regtest"]) == Exit.DONE
    printed = capsys.readouterr()
    lines = [line.split() for line in printed.out.splitlines()]
    assert [line[0] for line in lines] == [str(height) for height in range(1, served.height + 1)]
    assert lines[-1][1] == served.tip
    assert all(len(line) == 3 for line in lines)
    assert printed.err == f"60 headers, the last one 60:{served.tip}; unchecked: nothing\n"


def test_json_is_one_object_and_jsonl_a_line_a_header(served: Served, capsys: pytest.CaptureFixture[str]) -> None:
    result = called(capsys, served.address, "--count", "3")
    assert " ".join(result) == "addr from tip count unchecked headers"
    assert [header["height"] for header in result["headers"]] == [1, 2, 3]
    assert (result["count"], result["unchecked"], result["from"]["height"]) == (3, {}, 0)
    assert result["tip"] == {"height": 3, "hash": result["headers"][-1]["hash"]}
    assert main(["peer", "headers", served.address, "--network", "regtest", "--jsonl", "--count", "3"]) == Exit.DONE
    assert [json.loads(line) for line in capsys.readouterr().out.splitlines()] == result["headers"]


def test_raw_headers_are_those_that_verify_reads(
    served: Served, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "headers.bin"
    assert "headers" not in called(capsys, served.address, "--raw", str(path))
    assert path.read_bytes() == b"".join(raw[:80] for raw in served.chain)


def test_count_beyond_one_message_asks_on_until_nothing_follows(capsys: pytest.CaptureFixture[str]) -> None:
    def on_getheaders(peer: Peer, message: m.GetHeaders) -> None:
        """Ten at a time."""
        known = HASHES.index(message.locator[0].hash) + 1 if message.locator[0].hash in HASHES else 0
        peer.send(headers_of(CHAIN[known : known + 10]))

    with remote(on_getheaders=on_getheaders) as address:
        assert called(capsys, address)["count"] == 10
        assert called(capsys, address, "--count", "25")["tip"] == {"height": 25, "hash": hash_hex(HASHES[24])}
        assert called(capsys, address, "--count", "99")["tip"]["height"] == 30


def test_start_with_a_height_leaves_less_unchecked_than_a_hash_alone(
    served: Served, capsys: pytest.CaptureFixture[str]
) -> None:
    start = hash_hex(PARSER.block_header(served.chain[19]).hash)
    known = called(capsys, served.address, "--from", f"20:{start}", "--count", "5")
    assert [header["height"] for header in known["headers"]] == [21, 22, 23, 24, 25]
    assert known["unchecked"] == {"median-time": 5}
    unknown = called(capsys, served.address, "--from", start, "--count", "5")
    assert [header["height"] for header in unknown["headers"]] == [None] * 5
    assert unknown["unchecked"] == {"median-time": 5, "version": 5}
    assert unknown["tip"]["hash"] == known["tip"]["hash"]


def test_genesis_named_by_its_hash_is_known_to_be_genesis(served: Served, capsys: pytest.CaptureFixture[str]) -> None:
    genesis = hash_hex(PARSER.block_header(served.chain[0]).prev_hash)
    assert called(capsys, served.address, "--from", genesis, "--count", "1")["tip"]["height"] == 1


def test_nothing_after_the_tip_is_no_error(served: Served, capsys: pytest.CaptureFixture[str]) -> None:
    result = called(capsys, served.address, "--from", f"60:{served.tip}")
    assert (result["headers"], result["tip"]) == ([], {"height": 60, "hash": served.tip})


def test_block_that_the_peer_does_not_have_is_exit_1(capsys: pytest.CaptureFixture[str]) -> None:
    with remote(on_getheaders=answering(headers_of(CHAIN))) as address:
        result = called(capsys, address, "--from", "ab" * 32, code=Exit.FAILED)
    assert f"the peer does not have the block {'ab' * 32}" in result["error"]
    assert result["headers"] == []


def test_header_that_breaks_a_rule_is_exit_5_and_the_good_ones_are_kept(capsys: pytest.CaptureFixture[str]) -> None:
    forged = bytearray(CHAIN[5][:80])
    forged[72:76] = b"\xff\xff\x7f\x1f"  # other bits: less work than regtest's rules give
    with remote(on_getheaders=answering(headers_of([*CHAIN[:5], bytes(forged)]))) as address:
        result = called(capsys, address, code=Exit.INVALID_DATA)
    assert result["count"] == 5
    assert result["tip"] == {"height": 5, "hash": hash_hex(HASHES[4])}
    assert "header 6:" in result["error"]


def test_peer_that_goes_in_the_middle_is_exit_3_and_what_came_is_kept(capsys: pytest.CaptureFixture[str]) -> None:
    def on_getheaders(peer: Peer, message: m.GetHeaders) -> None:
        if message.locator[0].hash in HASHES:
            peer.disconnect()
        else:
            peer.send(headers_of(CHAIN[:10]))

    with remote(on_getheaders=on_getheaders) as address:
        result = called(capsys, address, "--count", "20", code=Exit.NO_PEERS)
    assert (result["count"], len(result["headers"])) == (10, 10)
    assert "the remote closed the connection" in result["error"]


@pytest.mark.parametrize("words", [["--from", "7"], ["--count", "0"], ["--from", "x:" + "00" * 32]])
def test_wrong_options_are_wrong_usage(words: list[str]) -> None:
    assert main(["peer", "headers", "127.0.0.1", *words]) == Exit.USAGE
