"""`headway send`: each way in which it ends, and what it says then. The peers are test peers, on loopback."""

from __future__ import annotations

import io
import json
import signal
from collections.abc import Iterator
from typing import Any

import pytest

from headway.cli import main
from headway.cli.output import Exit
from headway.networks import network_named
from headway.testing import PeerFactory, TestPeer
from headway.testing.peer import Listener
from headway.types import hash_hex
from headway.wire.messages import GetData, Inv, InvEntry, InvType, Tx, Verack, WtxidRelay
from tests.chain_builder import transaction, tx_input, tx_output
from tests.interop.cli import Headway
from tests.loopback import listen

WITNESSED = transaction([tx_input(bytes(range(36)))], [tx_output(1, b"")], witness=[(b"a", b"b")])
TRANSACTIONS = {
    "regtest": WITNESSED,
    "neo2": bytes([0x80]) + bytes(5),  # contract: version, no attributes, inputs, outputs, witnesses
    "neo3": bytes(25) + b"\1" + bytes(21) + b"\0" + b"\0" + b"\1\0\0",
}
TXID = hash_hex(network_named("regtest").codec.parser.transaction(WITNESSED).txid)
KEYS = "network txid bytes announced_to taken_by returned_by"


@pytest.fixture
def peers() -> Iterator[PeerFactory]:
    with PeerFactory() as factory:
        yield factory


def sending(*listeners: Listener, words: tuple[str, ...] = ()) -> Headway:
    """The command, on its way to send to these."""
    named = [word for listener in listeners for word in ("--connect", str(listener.address))]
    return Headway("send", WITNESSED.hex(), "--network", "regtest", *named, "--json", *words)


def accepted(listener: Listener, **version: Any) -> TestPeer:
    peer = listener.accept(timeout=30)
    peer.handshake(timeout=30, relay=True, **version)
    return peer


def take(peer: TestPeer, kind: InvType | None = None) -> bytes:
    """Hear of the transaction, and ask for it: as it was announced, or for this form."""
    (entry,) = peer.expect(Inv, timeout=30).entries
    peer.send(GetData((entry if kind is None else InvEntry(kind, entry.hash),)))
    return bytes(peer.expect(Tx, timeout=30))


def heard(peer: TestPeer, command: str) -> int:
    return sum(line.split()[:2] == ["<", command] for line in peer.transcript.lines)


@pytest.mark.parametrize("network", TRANSACTIONS)
def test_the_one_peer_that_is_named_takes_it(network: str, peers: PeerFactory) -> None:
    listener, raw = peers.listen(network), TRANSACTIONS[network]
    with Headway("send", raw.hex(), "--network", network, "--connect", str(listener.address), "--json") as command:
        peer = accepted(listener)
        assert take(peer, InvType.WITNESS_TX if network == "regtest" else None) == raw
        result = command.result()
        assert " ".join(result) == KEYS
        txid = hash_hex(network_named(network).codec.parser.transaction(raw).txid)
        assert (result["network"], result["txid"], result["bytes"]) == (network, txid, len(raw))
        assert result["announced_to"] == result["taken_by"] == [str(listener.address)]
        assert result["returned_by"] == []
        assert command.lines[:-1] == [
            f"sending {txid}, {len(raw)} bytes. Only its form was checked",
            f"announced to {listener.address}",
            f"taken by {listener.address}",
        ]
    peer.expect_closed(timeout=30)
    assert heard(peer, "getheaders") == 0, "no chain is brought for this"


def test_what_another_peer_announces_has_come_back(peers: PeerFactory) -> None:
    listeners = [peers.listen(), peers.listen()]
    with sending(*listeners, words=("--peers", "1")) as command:
        ends = [accepted(listener) for listener in listeners]
        by_address = dict(zip(map(str, (each.address for each in listeners)), ends, strict=True))
        first = command.wait_for_line(r"^announced to (\S+)$")[1]
        taker = by_address.pop(first)
        ((last, other),) = by_address.items()
        assert take(taker, InvType.WITNESS_TX) == WITNESSED
        command.wait_for_line(f"^taken by {first}$")
        other.send(Inv((InvEntry(InvType.TX, network_named("regtest").codec.parser.transaction(WITNESSED).txid),)))
        command.wait_for_line(f"^announced back by {last}$")
        result = command.result()
        assert (result["announced_to"], result["taken_by"], result["returned_by"]) == ([first], [first], [last])


def test_who_knows_wtxids_is_told_by_that_and_others_get_the_form_that_they_ask_for(peers: PeerFactory) -> None:
    modern, old = peers.listen(), peers.listen()
    parsed = network_named("regtest").codec.parser.transaction(WITNESSED)
    with sending(modern, old) as command:
        peer = modern.accept(timeout=30)
        peer.send(peer.version(relay=True), WtxidRelay(), Verack())
        assert peer.expect(Inv, timeout=30).entries == (InvEntry(InvType.WTX, parsed.wtxid),)
        peer.send(GetData((InvEntry(InvType.WTX, parsed.wtxid),)))
        assert bytes(peer.expect(Tx, timeout=30)) == WITNESSED
        assert take(accepted(old, protocol=70015), InvType.TX) == parsed.stripped != WITNESSED
        command.result()


def test_peers_that_do_not_ask_are_exit_4_with_what_that_means(peers: PeerFactory) -> None:
    listener = peers.listen()
    with sending(listener, words=("--timeout", "1")) as command:
        accepted(listener).expect(Inv, timeout=30)
        result = command.result(code=Exit.INCOMPLETE)
        assert result["announced_to"] == [str(listener.address)]
        assert result["error"].startswith(
            "none of 1 peer took it within 1 s. A peer does not ask for what it has, nor "
        )
        assert f"error: {result['error']}" in command.lines


def test_peers_that_want_no_transactions_are_exit_3(peers: PeerFactory) -> None:
    listener = peers.listen()
    with sending(listener, words=("--timeout", "1")) as command:
        peer = listener.accept(timeout=30)
        peer.handshake(timeout=30, relay=False)
        result = command.result(code=Exit.NO_PEERS)
        assert (result["announced_to"], result["error"].partition(",")[0]) == ([], "ready peers: 1")
    peer.expect_closed(timeout=30)
    assert heard(peer, "inv") == 0


def test_dead_peers_are_exit_3_long_before_the_time_is_over(capsys: pytest.CaptureFixture[str]) -> None:
    listener, address = listen()
    listener.close()
    code = main(["send", WITNESSED.hex(), "--network", "regtest", "--connect", str(address), "--json"])
    assert code == Exit.NO_PEERS
    result = json.loads(capsys.readouterr().out)
    assert result["error"].startswith(f"no peer is reachable: {address}: ")
    assert (result["txid"], result["taken_by"]) == (TXID, [])


def test_interrupted_it_says_how_to_go_on(peers: PeerFactory) -> None:
    listener = peers.listen()
    with sending(listener) as command:
        accepted(listener).expect(Inv, timeout=30)
        command.wait_for_line("^announced to ")
        command.signal(signal.SIGINT)
        assert command.result(code=Exit.INTERRUPTED)["taken_by"] == []
        assert any(
            line.startswith(f"interrupted. Send it again with: headway send {WITNESSED.hex()}")
            for line in command.lines
        )


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("zz", "'z' is no hex digit"),
        ("abc", "3 hex digits are no whole number of bytes"),
        ("", "0 bytes are no transaction of regtest"),
        (WITNESSED.hex()[:-2], f"{len(WITNESSED) - 1} bytes are no transaction of regtest"),
        (WITNESSED.hex() + "00", "tx has 1 bytes too many"),
    ],
)
def test_what_is_no_transaction_is_exit_2(text: str, complaint: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["send", text, "--network", "regtest", "--json"]) == Exit.USAGE
    assert complaint in json.loads(capsys.readouterr().out)["error"]


def test_stdin_is_read_for_a_dash_and_no_more_of_it_than_a_transaction_may_have(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    listener, address = listen()
    listener.close()
    words = ["send", "-", "--network", "regtest", "--connect", str(address), "--json"]
    text = WITNESSED.hex()
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{text[:10]}\n  {text[10:]}\n"))
    assert main(words) == Exit.NO_PEERS
    assert json.loads(capsys.readouterr().out)["txid"] == TXID
    endless = io.StringIO("00" * 5_000_000)
    monkeypatch.setattr("sys.stdin", endless)
    assert main(words) == Exit.USAGE
    assert (
        "a transaction of 4000500 bytes: regtest takes 4000000 at most" in json.loads(capsys.readouterr().out)["error"]
    )
    assert endless.tell() < 8_100_000
