"""Bitcoin's codec as a whole, against messages that real peers have sent."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator

import pytest

from headway.errors import CodecError, LocalProtocolError
from headway.network import Codec, Wire
from headway.networks import names, network_named
from headway.networks.bitcoin.codec import KNOWN_MAGICS, BitcoinCodec
from headway.networks.bitcoin.parser import PARSER
from headway.types import ZERO_HASH, BlockId, BlockRequest, hash_hex
from headway.wire import messages as m
from headway.wire.frames import Frame
from tests.data import data_path, read
from tests.pcap import runs

MAGICS = {name: magic for magic, name in KNOWN_MAGICS.items()} | {"mainnet": bytes.fromhex("f9beb4d9")}
MAINNET: Codec = BitcoinCodec(MAGICS["mainnet"])


def messages(wire: Wire, data: bytes) -> Iterator[tuple[Frame, m.Message]]:
    wire.receive_data(data)
    for frame in wire.frames():
        assert not frame.fault
        yield frame, wire.decode(frame)


def decoded(command: str, payload: bytes) -> m.Message:
    return MAINNET.open(inbound=False).decode(Frame(command, payload, 24 + len(payload)))


def encoded(message: m.Message, codec: Codec = MAINNET) -> bytes:
    return b"".join(codec.open(inbound=False).encode(message))


# --- recorded messages

CHANGED: dict[str, tuple[str, str]] = {
    # recorded payload, in hex: what comes back instead of it, and why
    "123456789abcdef00c": (
        "013456789abcdef00c",
        "sendcmpct: BIP152 knows an announce flag of 0 and 1, and whether it is zero is all that is kept of it",
    ),
}
"""Of the messages in `bitcoin/p2p` these alone cannot come back byte for byte."""
EXTENDED = "merkle300025-extended.raw"
"""No message as it travels: bcoin's own form of a merkleblock, with its transactions behind it."""
RECORDED = {
    # file of `bitcoin/p2p`: what shows that its bytes come back
    "framed-messages.jsonl": "test_recorded_frames_are_read_and_written_byte_for_byte",
    "bitnodes-bip144.pcap": "test_captured_traffic_is_read_and_written_byte_for_byte",
    "bitnodes-cache.pcap.xz": "test_captured_traffic_is_read_and_written_byte_for_byte",
    "bitnodes-inv.pcap": "test_captured_traffic_is_read_and_written_byte_for_byte",
    "payload-vectors.jsonl": "test_payload_vectors_are_read_and_written_byte_for_byte",
    "compact426884.raw": "test_compact.py",
    "compact898352.raw": "test_compact.py",
    "merkle300025.raw": "test_filters.py",
    EXTENDED: "test_bytes_behind_a_merkle_block_are_ignored_and_do_not_come_back",
}
NO_MESSAGES = ("reachable-nodes-", "seeds-nodes_")
"""Beginnings of the names of files that hold addresses, not messages."""


def test_every_recorded_file_has_its_test() -> None:
    found = {path.name for path in data_path("bitcoin", "p2p").iterdir() if not path.name.startswith(NO_MESSAGES)}
    assert found == set(RECORDED)
    assert {test for test in RECORDED.values() if test.startswith("test_") and not test.endswith(".py")} <= set(
        globals()
    )


def test_recorded_frames_are_read_and_written_byte_for_byte() -> None:
    commands: Counter[str] = Counter()
    changed: dict[str, str] = {}
    for line in data_path("bitcoin", "p2p", "framed-messages.jsonl").read_text().splitlines():
        item = json.loads(line)
        data = bytes.fromhex(item["message_hex"])
        codec = BitcoinCodec(MAGICS[item["network"]])
        ((frame, message),) = messages(codec.open(inbound=True), data)
        assert (frame.command, frame.size) == (item["command"], len(data))
        assert not isinstance(message, m.Unknown)
        again = encoded(message, codec)
        if again != data:
            changed[data[24:].hex()] = again[24:].hex()
        commands[frame.command] += 1
    assert changed == {payload: instead for payload, (instead, _) in CHANGED.items()}
    assert sum(commands.values()) == 19
    assert commands["headers"] == commands["version"] == 3


def test_bytes_behind_a_merkle_block_are_ignored_and_do_not_come_back() -> None:
    payload = read("bitcoin", "p2p", EXTENDED)
    message = decoded("merkleblock", payload)
    assert encoded(message)[24:] == read("bitcoin", "p2p", "merkle300025.raw") == payload[:409]
    assert len(payload) == 1_469


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        ("bitnodes-bip144.pcap", {"tx": 1}),
        ("bitnodes-inv.pcap", {"inv": 2}),
        ("bitnodes-cache.pcap.xz", {"inv": 3518, "ping": 126, "pong": 19, "addrv2": 5, "addr": 3}),
    ],
)
def test_captured_traffic_is_read_and_written_byte_for_byte(name: str, counts: dict[str, int]) -> None:
    """Every message of the captures; a stretch of a connection may end within a message."""
    commands: Counter[str] = Counter()
    for run in runs(read("bitcoin", "p2p", name)):
        again = b""
        for frame, message in messages(MAINNET.open(inbound=False), run):
            commands[frame.command] += 1
            again += encoded(message)
        assert run.startswith(again)
        rest = run[len(again) :]
        assert MAGICS["mainnet"].startswith(rest[:4])
        assert len(rest) < 24 or len(rest) < 24 + int.from_bytes(rest[16:20], "little")
    assert commands == counts


def test_captured_addresses_of_every_network_have_a_text() -> None:
    found: Counter[str] = Counter()
    for run in runs(read("bitcoin", "p2p", "bitnodes-cache.pcap.xz")):
        for _, message in messages(MAINNET.open(inbound=False), run):
            if isinstance(message, m.AddrV2):
                assert len(message.addresses) == len(message.entries)
                found.update(address.host.rpartition(".")[2] for address in message.addresses)
    assert found["onion"]


# The commands of the payload vectors, by the names that the file gives them.
COMMANDS = {
    "version_msg": "version",
    "tx": "tx",
    "block": "block",
    "reject_tx_conflict": "reject",
    "reject_tx_nonfinal": "reject",
    "merkle_block": "merkleblock",
    "cmptblock": "cmpctblock",
    "blocktxn": "blocktxn",
    "alert_hex": "alert",
}


def test_payload_vectors_are_read_and_written_byte_for_byte() -> None:
    for line in data_path("bitcoin", "p2p", "payload-vectors.jsonl").read_text().splitlines():
        item = json.loads(line)
        name, payload = item["name"], bytes.fromhex(item["payload_hex"])
        if name == "header" or name.startswith("block_900"):
            payload, command = b"\x01" + payload + b"\0", "headers"
        elif name == "from_sat":
            command = "version" if "network" in item["path"] else "getheaders"
        else:
            command = COMMANDS[name]
        message = decoded(command, payload)
        assert not isinstance(message, m.Unknown)
        assert encoded(message)[24:] == payload


def test_a_recorded_reject_says_why() -> None:
    vectors = data_path("bitcoin", "p2p", "payload-vectors.jsonl").read_text().splitlines()
    by_name = {item["name"]: bytes.fromhex(item["payload_hex"]) for item in map(json.loads, vectors)}
    reject = decoded("reject", by_name["reject_tx_conflict"])
    assert isinstance(reject, m.Reject)
    assert (reject.message, reject.code, reject.reason) == ("tx", 0x12, "txn-mempool-conflict")
    assert len(reject.data) == 32


def test_real_blocks_travel_as_they_are() -> None:
    manifest = json.loads(read("bitcoin", "blocks", "manifest.json"))
    item = next(item for item in manifest if item["height"] == 413567)
    raw = read("bitcoin", "blocks", item["file"])
    wire = MAINNET.open(inbound=False)
    wire.expect_block = True
    ((_, block),) = messages(wire, encoded(m.Block(raw, PARSER)))
    assert isinstance(block, m.Block)
    assert block.raw == raw
    assert hash_hex(block.hash) == item["hash"]


# --- the wire


def test_an_unknown_command_is_a_message_too() -> None:
    wire = MAINNET.open(inbound=False)
    ((_, message),) = messages(wire, encoded(m.Unknown("sendshrimps", b"\x01\x02")))
    assert message == m.Unknown("sendshrimps", b"\x01\x02")


def test_an_unknown_command_that_no_frame_can_carry_is_our_mistake() -> None:
    with pytest.raises(LocalProtocolError, match="not a command"):
        encoded(m.Unknown("far too long a command", b""))


def test_a_frame_with_a_fault_is_no_message() -> None:
    with pytest.raises(CodecError, match="wrong checksum"):
        MAINNET.open(inbound=False).decode(Frame("ping", b"", 32, fault="wrong checksum 00000000"))


def test_large_payloads_are_not_copied() -> None:
    raw = bytes(1_000_000)
    header, payload = MAINNET.open(inbound=False).encode(m.Block(raw, PARSER))
    assert len(header) == 24
    assert payload is raw


def test_a_peer_of_another_network_is_told_apart_by_name() -> None:
    wire = BitcoinCodec(MAGICS["regtest"]).open(inbound=True)
    wire.receive_data(encoded(m.Verack()))
    with pytest.raises(CodecError, match="this peer is of the network bitcoin"):
        next(wire.frames())


# --- how Bitcoin asks

HASH = bytes(range(32))


def test_everything_is_asked_for_by_hash_and_with_its_witness() -> None:
    wire = MAINNET.open(inbound=False)
    locator = (BlockId(7, HASH), BlockId(0, ZERO_HASH))
    assert wire.ask_headers(locator, HASH) == m.GetHeaders(locator, HASH)
    requests = [BlockRequest(None, hash=HASH), BlockRequest(None, hash=ZERO_HASH)]
    assert wire.ask_blocks(requests) == [m.GetData((m.InvEntry(0x40000002, HASH), m.InvEntry(0x40000002, ZERO_HASH)))]
    assert wire.ask_transaction(HASH) == m.GetData((m.InvEntry(0x40000001, HASH),))
    assert wire.ask_addresses() == m.GetAddr()


def test_what_cannot_be_asked_is_refused_when_it_is_asked() -> None:
    wire = MAINNET.open(inbound=False)
    for ask in (
        lambda: wire.ask_headers((BlockId(0, HASH),) * 102, ZERO_HASH),
        lambda: wire.ask_headers((BlockId(0, b"short"),), ZERO_HASH),
        lambda: wire.ask_headers((), b"short"),
        lambda: wire.ask_blocks([BlockRequest(None, hash=b"short")]),
        lambda: wire.ask_transaction(b"short"),
    ):
        with pytest.raises(LocalProtocolError):
            ask()


def test_the_codec_says_what_it_speaks() -> None:
    assert MAINNET.protocol_version == 70016
    assert MAINNET.parser is PARSER


def test_the_known_magics_are_those_of_the_networks() -> None:
    for network in map(network_named, names()):
        if isinstance(network.codec, BitcoinCodec):
            assert network.codec.magic == network.magic
            assert KNOWN_MAGICS[network.magic] == network.name


def test_negotiation_changes_nothing() -> None:
    wire = MAINNET.open(inbound=False)
    before = wire.encode(m.Ping(1))
    wire.negotiated(m.Version(70016, 0, 0, 0, "", 0))
    assert wire.encode(m.Ping(1)) == before


def test_a_message_of_other_chains_cannot_be_encoded() -> None:
    with pytest.raises(LocalProtocolError, match="Bitcoin has no getblockbyindex"):
        encoded(m.GetBlockByIndex(5))
