"""The harness by itself: each real Neo node starts, has a chain, gives or brings it, and ends, before any code of ours.

The frames that probe them are written by hand here, so that nothing of headway can hide what a node really says.
"""

from __future__ import annotations

import hashlib
import shutil
import signal
import struct
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from headway.types import Address
from tests.data import REPOSITORY, data_path
from tests.interop.mamba import Mamba
from tests.interop.neo_go import FAST, LIVE, NeoGo, restore
from tests.interop.neo_networks import LEGACY, SINGLE, UNIT, PrivateNetwork
from tests.interop.neo_one import TIP, NeoOne
from tests.interop.probes import LegacyProbe, Listener, N3Probe, dial, sha256d
from tests.interop.programs import Program
from tests.processes import processes_naming

pytestmark = pytest.mark.interop


def made(path: Path) -> Path:
    path.mkdir()
    return path


class TestNeoGo:
    def test_a_validator_makes_a_chain_that_goes_on_after_an_orderly_end(self, tmp_path: Path) -> None:
        with NeoGo(tmp_path, block_ms=LIVE) as node:
            assert node.hash_at(0) == SINGLE.genesis
            tip = node.wait_for_height(5)
            node.stop()
            assert not node.running
        with NeoGo(tmp_path) as node:
            assert node.height() >= tip.height
            assert node.hash_at(tip.height) == tip.hash
            assert hashlib.sha256(node.header(5)[:109]).digest()[::-1].hex() == tip.hash
            assert node.block(5) == node.header(5) + b"\0"  # no transactions
            assert processes_naming(tmp_path) == [node.pid]
        assert processes_naming(tmp_path) == []

    def test_by_hand_it_runs_until_it_is_interrupted(self) -> None:
        argv = [sys.executable, "-m", "tests.interop.neo_go", "0"]
        with Program("neo-go by hand", argv, cwd=REPOSITORY) as program:
            found = program.wait_for_line(
                r"^(127\.0\.0\.1:\d+) has block 50 and makes ten more a second; Ctrl-C ends it$"
            )
            with N3Probe(dial(Address.parse(found[1]).port)) as probe:
                probe.shake_hands(SINGLE.magic)
            program.signal(signal.SIGINT)
            assert program.wait() == 0

    def test_a_long_chain_is_made_at_once(self, tmp_path: Path) -> None:
        with NeoGo(tmp_path, block_ms=FAST) as node:
            assert node.wait_for_height(2_100).height == 2_100

    def test_killed_it_forgets_its_last_blocks_at_most(self, tmp_path: Path) -> None:
        with NeoGo(tmp_path, block_ms=FAST) as node:
            node.wait_for_height(300)
            early, late = node.hash_at(5), node.height()
            node.kill()
        with NeoGo(tmp_path) as node:
            assert 0 <= node.height() <= late + 1_000
            assert node.height() < 5 or node.hash_at(5) == early

    def test_restored_from_a_dump(self, tmp_path: Path) -> None:
        restore(tmp_path, data_path("neo", "n3-unittestnet-0-50.acc"), UNIT)
        with NeoGo(tmp_path, UNIT) as node:
            assert node.hash_at(0) == UNIT.genesis
            assert node.tip() == (50, "bf61f0199323577c31d499813409493c6a06bfc7eedd6aacea2d38490f3defbf")

    def test_it_brings_its_chain_from_another(self, tmp_path: Path) -> None:
        """What the serving tests rely on: told of a seed, it becomes a client that syncs and follows."""
        source, client = made(tmp_path / "source"), made(tmp_path / "client")
        with NeoGo(source, block_ms=LIVE) as first, NeoGo(client, seeds=[first.address]) as second:
            tip = first.wait_for_height(first.height() + 10)
            assert second.wait_for_height(tip.height) == tip
            assert second.peers() == ["/NEO-GO:0.120.0/"]
            assert first.wait_for_peers(1) == ["/NEO-GO:0.120.0/"]

    def test_copies_of_a_chain_are_sources_of_it(self, tmp_path: Path) -> None:
        with NeoGo(made(tmp_path / "a"), block_ms=FAST) as node:
            node.wait_for_height(50)
            node.stop()
        shutil.copytree(tmp_path / "a", tmp_path / "b")
        with NeoGo(tmp_path / "a") as a, NeoGo(tmp_path / "b") as b:
            assert a.tip() == b.tip()
            assert a.address != b.address

    @pytest.mark.parametrize("archival", [True, False])
    def test_its_version_frame(self, tmp_path: Path, archival: bool) -> None:
        """It speaks first, without waiting for ours, and answers a getheaders and the ping behind it in order."""
        restore(tmp_path, data_path("neo", "n3-unittestnet-0-50.acc"), UNIT)
        with NeoGo(tmp_path, UNIT, archival=archival) as node, N3Probe(dial(node.port)) as probe:
            version = probe.shake_hands(UNIT.magic)
            magic, number, _, _ = struct.unpack_from("<IIII", version)
            assert (magic, number) == (UNIT.magic, 0)
            capabilities = b"\x01" + struct.pack("<H", node.port) + b"\x10" + struct.pack("<I", 50)
            ending = b"\x03" + capabilities + b"\x11\0" if archival else b"\x02" + capabilities
            assert version[16:] == b"\x10/NEO-GO:0.120.0/" + ending
            probe.write(0x20, struct.pack("<Ih", 1, -1))
            probe.write(0x18, struct.pack("<III", 0, 0, 77))
            headers = probe.read_until(0x21)
            assert headers[0] == 50
            assert hashlib.sha256(headers[1:110]).digest()[::-1].hex() == node.hash_at(1)
            pong = struct.unpack("<III", probe.read_until(0x19))
            assert pong[0] == 50

    def test_as_a_client_it_asks_for_blocks_at_once_and_until_they_come(self, tmp_path: Path) -> None:
        """The height in our version is all that it needs; it repeats the request every tick, answered or not."""
        with (
            Listener() as listener,
            NeoGo(tmp_path, seeds=[f"127.0.0.1:{listener.port}"]),
            N3Probe(listener.accept()) as probe,
        ):
            probe.shake_hands(SINGLE.magic, height=50)
            for _ in range(3):
                assert probe.read_until(0x29) == struct.pack("<Ih", 1, -1)


class TestNeoOne:
    def test_it_has_the_chain_and_ends(self, tmp_path: Path) -> None:
        with NeoOne(tmp_path, 100) as node:
            assert node.hash_at(0) == LEGACY.genesis
            assert node.tip() == (100, node.hash_at(100))
            assert node.add(3).height == 103
            assert processes_naming(tmp_path) == [node.pid]
        assert processes_naming(tmp_path) == []

    def test_it_has_the_whole_chain(self, tmp_path: Path) -> None:
        with NeoOne(tmp_path) as node:
            assert node.tip() == (6_000, TIP)

    def test_it_brings_its_chain_from_another(self, tmp_path: Path) -> None:
        """Its own version and verack in one segment part the two of them (see below), so it dials until they hold."""
        with NeoOne(made(tmp_path / "source"), 60) as source, NeoOne(made(tmp_path / "client"), 0) as node:
            wanted = (59, source.hash_at(59))

            def is_behind() -> bool:
                if node.peers() != [source.port]:
                    node.connect(source.port)
                return node.tip() != wanted

            assert node.wait_while(is_behind)

    def test_its_frames(self, tmp_path: Path) -> None:
        """It speaks first; what it gives by hash ends before its tip; the tip comes when it is named."""
        with NeoOne(tmp_path, 10) as node, LegacyProbe(dial(node.port), LEGACY.magic) as probe:
            version = probe.shake_hands()
            assert version[22:] == b"\x1cNEO:neo-one-js:1.0.0-preview" + struct.pack("<IB", 10, 1)
            genesis = bytes.fromhex(node.hash_at(0))[::-1]
            probe.write("getheaders", b"\x01" + genesis + bytes(32))
            headers = probe.read_until("headers")
            assert headers[0] == 9
            fifth = bytes.fromhex(node.hash_at(5))[::-1]
            probe.write("getheaders", b"\x02" + fifth + genesis + bytes(32))
            assert probe.read_until("headers")[0] == 9  # of two hashes it takes the older one
            probe.write("getheaders", b"\x01" + fifth + bytes(32))
            assert probe.read_until("headers")[0] == 4
            probe.write("getblocks", b"\x01" + genesis + bytes(32))
            hashes = [bytes.fromhex(node.hash_at(height))[::-1] for height in range(1, 11)]
            assert probe.read_until("inv") == b"\x02\x09" + b"".join(hashes[:9])
            probe.write("getdata", b"\x02\x01" + hashes[9])
            block = probe.read_until("block")
            assert sha256d(block[:104]) == hashes[9]
            tip = node.add(1)
            assert probe.read_until("inv") == b"\x02\x01" + bytes.fromhex(tip.hash)[::-1]

    def test_it_takes_messages_of_one_segment_in_reverse(self, tmp_path: Path) -> None:
        """So a verack behind our version comes first, and a request behind our verack: both end the connection."""
        with NeoOne(tmp_path, 10) as node:
            with LegacyProbe(dial(node.port), LEGACY.magic) as probe:
                assert probe.read()[0] == "version"
                probe.write_together(("version", probe.version()), ("verack", b""))
                with pytest.raises(AssertionError, match="the node closed the connection"):
                    probe.read()
            with LegacyProbe(dial(node.port), LEGACY.magic) as probe:
                assert probe.read()[0] == "version"
                probe.write("version", probe.version())
                assert probe.read() == ("verack", b"")
                probe.write_together(("verack", b""), ("getaddr", b""))
                with pytest.raises(AssertionError, match="the node closed the connection"):
                    probe.read()

    def test_it_announces_no_block_to_a_peer_that_wants_no_relay(self, tmp_path: Path) -> None:
        with NeoOne(tmp_path, 10) as node, LegacyProbe(dial(node.port), LEGACY.magic) as probe:
            probe.shake_hands(relay=False)
            probe.write("mempool")
            assert probe.read_until("inv") == b"\x01\0"  # the handshake is through
            tip = node.add(1)
            probe.write("getblocks", b"\x01" + bytes.fromhex(node.hash_at(9))[::-1] + bytes(32))
            assert probe.read_until("inv") == b"\x02\x01" + bytes.fromhex(node.hash_at(10))[::-1]
            assert tip.height == 11  # which the first inv of a block, an answer, does not name

    def test_as_a_client_it_asks_for_hashes_after_its_last_block_but_one(self, tmp_path: Path) -> None:
        with Listener() as listener, NeoOne(tmp_path, 10) as node:
            node.connect(listener.port)
            with LegacyProbe(listener.accept(), LEGACY.magic) as probe:
                probe.shake_hands(height=20)
                assert probe.read_until("getblocks") == b"\x01" + bytes.fromhex(node.hash_at(9))[::-1] + bytes(32)


class TestMamba:
    @pytest.fixture
    def mamba(self) -> Iterator[Mamba]:
        with Mamba() as mamba:
            yield mamba

    def test_it_brings_headers_and_blocks_from_neo_go(self, mamba: Mamba, tmp_path: Path) -> None:
        restore(tmp_path, data_path("neo", "n3-unittestnet-0-50.acc"), UNIT)
        with NeoGo(tmp_path, UNIT, archival=False) as node:
            assert mamba.connect(node.port, UNIT.magic) == {"peer": "/NEO-GO:0.120.0/", "height": 50}
            expected = [node.hash_at(height) for height in range(51)]
            assert mamba.headers(0, 50) == expected
            assert mamba.blocks(0, 50) == expected
            assert mamba.ping() == 50

    def test_it_refuses_a_capability_that_it_does_not_know(self, mamba: Mamba, tmp_path: Path) -> None:
        with NeoGo(tmp_path) as node:
            assert mamba.connect(node.port, SINGLE.magic) == {"refused": ["HANDSHAKE_VERSION_ERROR"]}

    def test_it_decodes(self, mamba: Mamba, tmp_path: Path) -> None:
        restore(tmp_path, data_path("neo", "n3-unittestnet-0-50.acc"), UNIT)
        with NeoGo(tmp_path, UNIT) as node:
            block, header, name = node.block(1), node.header(1), node.hash_at(1)
        fields = mamba.decode("block", block)
        assert (fields["hash"], fields["height"], len(fields["transactions"])) == (name, 1, 2)
        assert bytes.fromhex(fields["again"]) == block
        assert bytes.fromhex(mamba.decode("header", header)["again"]) == header
        ping = struct.pack("<III", 1, 2, 3)
        assert mamba.decode("message", b"\0\x18\x0c" + ping) == {"type": 0x18, "payload": ping.hex()}


@pytest.mark.parametrize("network", [SINGLE, UNIT, LEGACY])
def test_network_file_is_toml(tmp_path: Path, network: PrivateNetwork) -> None:
    path = network.write_file(tmp_path / "private.toml", seeds=["127.0.0.1:1"], port=2)
    assert tomllib.loads(path.read_text()) == {
        "chain": network.chain,
        "magic": network.magic,
        "validators": len(network.committee),
        "committee": list(network.committee),
        "seeds": ["127.0.0.1:1"],
        "port": 2,
    }
