"""Frames with one thing wrong, as our own decoders read them: what is wrong is what was asked for, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from headway.errors import CodecError, LocalProtocolError
from headway.network import Network
from headway.networks.bitcoin import MAINNET, REGTEST
from headway.testing.frames import DAMAGES, Damage, corrupt, craft_frame, payload_of
from headway.types import BlockId
from headway.wire.frames import HEADER_SIZE, Frame
from headway.wire.messages import GetBlockByIndex, GetHeaders, Message, Ping, Unknown, Verack
from tests.link import NEO
from tests.toynet import TOYNET

NETWORKS: dict[str, Network] = {"regtest": REGTEST, **NEO}
MESSAGE = GetHeaders((BlockId(7, b"\x07" * 32),), first_height=8)
WITH_CHECKSUM = pytest.mark.parametrize("network", [REGTEST, NEO["neo2"]], ids=["regtest", "neo2"])


def whole(network: Network, message: Message) -> bytes:
    return b"".join(bytes(chunk) for chunk in network.codec.open(inbound=False).encode(message))


def frames(network: Network, data: bytes) -> list[Frame]:
    wire = network.codec.open(inbound=True)
    wire.receive_data(data)
    return list(wire.frames())


@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
def test_a_frame_of_good_parts_is_what_the_codec_makes(network: Network) -> None:
    for message in (MESSAGE, Verack(), Ping(7)):
        assert craft_frame(network, message.command, payload_of(network, message)) == whole(network, message)


@WITH_CHECKSUM
def test_each_part_can_be_made_by_hand(network: Network) -> None:
    made = craft_frame(network, b"\xff\xfe", b"abc", magic=b"MAGI", length=9, checksum=b"sum!")
    assert made == b"MAGI" + b"\xff\xfe" + bytes(10) + b"\x09\0\0\0" + b"sum!" + b"abc"


def test_the_parts_of_an_n3_frame_are_its_own() -> None:
    assert craft_frame(NEO["neo3"], "ping", b"abc", length=500) == b"\x00\x18\xfd\xf4\x01abc"
    assert craft_frame(NEO["neo3"], b"\x77", b"") == b"\x00\x77\x00"


@pytest.mark.parametrize(
    ("network", "command", "parts"),
    [
        ("neo3", "ping", {"magic": b"abcd"}),
        ("neo3", "ping", {"checksum": b"abcd"}),
        ("neo3", "pingpong", {}),
        ("regtest", "x" * 13, {}),
        ("regtest", "ping", {"magic": b"abc"}),
        ("regtest", "ping", {"checksum": b"abc"}),
        ("regtest", "ping", {"length": 1 << 32}),
        ("regtest", "ping", {"length": -1}),
        ("toynet", "ping", {}),
    ],
)
def test_parts_that_a_frame_cannot_have_are_refused(network: str, command: str, parts: dict[str, Any]) -> None:
    with pytest.raises(LocalProtocolError):
        craft_frame({**NETWORKS, "toynet": TOYNET}[network], command, b"payload", **parts)


@pytest.mark.parametrize("how", DAMAGES)
def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(how: Damage) -> None:
    made = [corrupt(REGTEST, MESSAGE, how, seed=seed) for seed in (0, 0, 1, 2, 3)]
    assert made[0] == made[1]
    assert len(set(made)) > 1
    assert whole(REGTEST, MESSAGE) not in made


def test_a_wrong_magic_ends_the_stream() -> None:
    with pytest.raises(CodecError, match="wrong magic"):
        frames(REGTEST, corrupt(REGTEST, MESSAGE, "magic"))
    assert corrupt(REGTEST, MESSAGE, "magic")[4:] == whole(REGTEST, MESSAGE)[4:]


@WITH_CHECKSUM
@pytest.mark.parametrize("how", ["checksum", "command"])
def test_a_wrong_checksum_or_command_is_a_fault_of_one_frame(network: Network, how: Damage) -> None:
    bad, good = frames(network, corrupt(network, MESSAGE, how) + whole(network, MESSAGE))
    assert how in bad.fault
    assert good.fault == ""


def test_an_n3_command_of_nobody_is_unknown() -> None:
    [frame] = frames(NEO["neo3"], corrupt(NEO["neo3"], MESSAGE, "command"))
    message = NEO["neo3"].codec.open(inbound=True).decode(frame)
    assert isinstance(message, Unknown)
    assert message.payload == payload_of(NEO["neo3"], MESSAGE)


@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
def test_a_length_too_long_swallows_what_comes_next(network: Network) -> None:
    data = corrupt(network, MESSAGE, "length")
    assert frames(network, data) == []
    wire = network.codec.open(inbound=True)
    wire.receive_data(data + bytes(1_000))
    frame = next(wire.frames())
    assert (frame.command, bytes(frame.payload).startswith(payload_of(network, MESSAGE))) == (
        "getheaders",
        not frame.fault,
    )
    assert 1 <= frame.size - len(data) <= 1_000


@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
def test_an_oversized_frame_is_refused_by_its_length_alone(network: Network) -> None:
    with pytest.raises(CodecError, match="at most"):
        frames(network, corrupt(network, MESSAGE, "oversized"))


@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
def test_a_payload_can_be_cut_lengthened_or_flipped_in_a_good_frame(network: Network) -> None:
    payload = payload_of(network, MESSAGE)
    for seed in range(20):
        cut, long, flipped = (
            bytes(frames(network, corrupt(network, MESSAGE, how, seed=seed))[0].payload)
            for how in ("truncated", "trailing", "flipped")
        )
        assert payload.startswith(cut)
        assert len(cut) < len(payload)
        assert long.startswith(payload)
        assert 1 <= len(long) - len(payload) <= 100
        assert (int.from_bytes(payload, "big") ^ int.from_bytes(flipped, "big")).bit_count() == 1


def test_what_has_no_payload_cannot_be_cut_but_all_else() -> None:
    for how in DAMAGES:
        if how in {"truncated", "flipped"}:
            with pytest.raises(LocalProtocolError, match=f"verack has no payload that could be {how}"):
                corrupt(REGTEST, Verack(), how)
        else:
            assert len(corrupt(REGTEST, Verack(), how)) >= HEADER_SIZE


def test_damage_that_there_is_not_is_named_with_what_there_is() -> None:
    with pytest.raises(LocalProtocolError, match="no damage is named 'chksum'; there are magic, command, length"):
        corrupt(REGTEST, Ping(1), "chksum")  # type: ignore[arg-type]  # that is the point


def test_a_network_that_has_no_such_message_says_so() -> None:
    with pytest.raises(LocalProtocolError, match="Bitcoin has no getblockbyindex"):
        corrupt(MAINNET, GetBlockByIndex(1), "checksum")
