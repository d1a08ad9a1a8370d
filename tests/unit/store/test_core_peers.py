"""Core's peers.dat and anchors.dat: each format read, ours written as Core's today, and nothing believed."""

from __future__ import annotations

import random
import struct
from hashlib import sha256
from ipaddress import IPv6Address
from pathlib import Path

import pytest
from btclib.p2p.addrv2 import BIP155Network, NetworkAddressV2
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headway.errors import ConfigError, StoreError
from headway.networks.bitcoin import MAINNET, REGTEST
from headway.node.addrbook import AddressBook
from headway.store import core_peers
from headway.store.core_peers import (
    CoreBook,
    read_anchors_dat,
    read_peers_dat,
    write_anchors_dat,
    write_peers_dat,
)
from headway.types import OURSELVES, Address, BookRecords, Net, PeerRecord
from headway.wire.host import overlay_name, stand_in

KEY = bytes(range(32))
ONION = overlay_name(Net.ONION, bytes(32))
I2P = overlay_name(Net.I2P, bytes(range(32)))


def sealed(content: bytes, magic: bytes = MAINNET.magic) -> bytes:
    return magic + content + sha256(sha256(magic + content).digest()).digest()


def read(tmp_path: Path, data: bytes) -> CoreBook:
    path = tmp_path / "peers.dat"
    path.write_bytes(data)
    return read_peers_dat(path, MAINNET)


# Files as Core would have written them, made here by hand.

V4 = bytes(10) + b"\xff\xff"


def old_address(ip: bytes, port: int = 8333, time: int = 1_700_000_000, services: int = 9) -> bytes:
    """CAddress of formats 0 to 2."""
    return struct.pack("<IIQ", 160_000, time, services) + ip + struct.pack(">H", port)


def new_address(network: int, data: bytes, port: int = 8333, time: int = 1_700_000_000, services: int = 9) -> bytes:
    """CAddress of formats 3 and 4; services below 253."""
    head = struct.pack("<IIBBB", 1 << 29 | 220_000, time, services, network, len(data))
    return head + data + struct.pack(">H", port)


def entry(address: bytes, source: bytes, success: int = 0, attempts: int = 0) -> bytes:
    return address + source + struct.pack("<qi", success, attempts)


def book(version: int, new: list[bytes], tried: list[bytes], buckets: dict[int, list[int]], count: int = 1024) -> bytes:
    mark = 1 << 30 if version else 0
    parts = [bytes((version, 32 + min(version, 4))), KEY, struct.pack("<iii", len(new), len(tried), count ^ mark)]
    parts += [*new, *tried]
    for bucket in range(count):
        parts += [struct.pack("<i", len(buckets.get(bucket, ())))]
        parts += [struct.pack("<i", index) for index in buckets.get(bucket, ())]
    return b"".join(parts) + (b"\7" * 32 if version >= 2 else b"")


@pytest.mark.parametrize("version", [0, 1, 2])
def test_the_older_formats_are_read(tmp_path: Path, version: int) -> None:
    source, seed = V4 + bytes((9, 9, 9, 9)), bytes.fromhex("fd6b88c08724") + bytes(10)
    new = [entry(old_address(V4 + bytes((8, 8, 8, 8))), source, attempts=2), entry(old_address(V4 + bytes(4)), source)]
    tried = [entry(old_address(bytes.fromhex("2a01") + bytes(13) + b"\1", 1), seed, 1_699_999_999)]
    found = read(tmp_path, sealed(book(version, new, tried, {3: [0, 1], 1_023: [0]})))
    assert found == CoreBook(
        BookRecords(
            KEY,
            (
                PeerRecord(Address("8.8.8.8", 8333), "9.9.9.9", buckets=(3, 1_023), missed=2),
                PeerRecord(Address("2a01::1", 1), "fd6b:88c0:8724::", tried=True, last_success=1_699_999_999),
            ),
        ),
        passed_over=1,
        asmap_version=b"\7" * 32 if version == 2 else bytes(32),
    )
    first = found.records.peers[0].address
    assert (first.services, first.last_seen) == (9, 1_700_000_000)


@pytest.mark.parametrize("version", [3, 4])
def test_the_newer_formats_are_read_with_hosts_of_every_network(tmp_path: Path, version: int) -> None:
    ipv4 = bytes((1, 4, 9, 9, 9, 9))
    new = [
        entry(new_address(4, bytes(32)), ipv4),
        entry(new_address(5, bytes(range(32)), port=0), bytes((4, 32)) + bytes(32)),
        entry(new_address(6, b"\xfc" + bytes(15)), bytes((2, 16)) + bytes.fromhex("fd6b88c08724") + bytes(10)),
        entry(new_address(99, b"future"), ipv4),
        entry(new_address(1, bytes((8, 8, 8, 8)), port=0), ipv4),
        entry(new_address(3, bytes(10)), ipv4),
        entry(old_address(V4 + bytes((8, 8, 4, 4))), bytes((99, 2, 0, 0))),
    ]
    found = read(tmp_path, sealed(book(version, new, [], {})))
    assert [(record.address, record.source) for record in found.records.peers] == [
        (Address(ONION, 8333), "9.9.9.9"),
        (Address(I2P, 0), ONION),
        (Address("fc00::", 8333), "fd6b:88c0:8724::"),
        (Address("8.8.4.4", 8333), OURSELVES),
    ]
    assert found.passed_over == 3


def test_an_empty_book_of_cores_own_tests_is_read(tmp_path: Path) -> None:
    """As test/functional/feature_addrman.py makes one: format 1, lowest compatible 3."""
    content = bytes((1, 32 + 3)) + (1).to_bytes(32, "little") + struct.pack("<iii", 0, 0, 1024 ^ 1 << 30)
    assert read(tmp_path, sealed(content + bytes(4 * 1024))).records == BookRecords((1).to_bytes(32, "little"))


def test_buckets_beyond_those_that_we_have_are_left_out(tmp_path: Path) -> None:
    new = [entry(old_address(V4 + bytes((8, 8, 8, 8))), V4 + bytes(4))]
    found = read(
        tmp_path, sealed(book(1, new, [], {0: [0, 5, -1], 2_000: [0], **{n: [0] for n in range(5, 20)}}, 2_048))
    )
    assert found.records.peers[0].buckets == (0, *range(5, 12))


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (b"", "its checksum is wrong"),
        (bytes(36), "its checksum is wrong"),
        (sealed(book(4, [], [], {}))[:-1] + b"\0", "its checksum is wrong"),
        (sealed(book(4, [], [], {}), REGTEST.magic), "of another network than bitcoin"),
        (sealed(b"\4\x1f" + bytes(100)), "compatible is 31"),
        (sealed(b"\5\x25" + bytes(100)), "newer Bitcoin Core .format 5, and this reads 4"),
        (sealed(b"\4\x24" + KEY + struct.pack("<iii", -1, 0, 0)), "new is -1"),
        (sealed(b"\4\x24" + KEY + struct.pack("<iii", 65_537, 0, 0)), "new is 65537, at most 65536"),
        (sealed(b"\4\x24" + KEY + struct.pack("<iii", 0, 16_385, 0)), "tried is 16385"),
        (sealed(b"\4\x24" + KEY + struct.pack("<iii", 0, 0, 0)), "buckets is"),
        (sealed(b"\4\x24" + KEY + struct.pack("<iii", 1, 0, 1024 ^ 1 << 30)), "disk version needs 4 bytes"),
        (sealed(book(4, [], [], {}) + b"x"), "too many"),
        (sealed(book(4, [entry(new_address(1, bytes(5)), bytes((1, 4, 1, 1, 1, 1)))], [], {})), "has 5 bytes, not 4"),
        (sealed(book(2, [entry(new_address(1, bytes(4)), V4 + bytes(4))], [], {})), "disk version is"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(tmp_path: Path, data: bytes, complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint):
        read(tmp_path, data)


def test_a_file_that_cannot_be_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(core_peers, "MAX_BYTES", 100)
    with pytest.raises(ConfigError, match="longer than 100 bytes"):
        read(tmp_path, bytes(101))
    with pytest.raises(ConfigError, match="cannot read"):
        read_peers_dat(tmp_path / "absent", MAINNET)
    with pytest.raises(StoreError, match="cannot write"):
        write_peers_dat(tmp_path / "absent" / "peers.dat", BookRecords(KEY), MAINNET)


# Both ways.

HOSTS = st.one_of(
    st.integers(0x01000000, 0x09FFFFFF).map(lambda n: ".".join(map(str, n.to_bytes(4, "big")))),
    st.integers(1, 0xFFFF).map(lambda n: f"2a01:{n:x}::1"),
    st.binary(min_size=32, max_size=32).map(lambda key: overlay_name(Net.ONION, key)),
    st.binary(min_size=32, max_size=32).map(lambda key: overlay_name(Net.I2P, key)),
    st.integers(1, 0xFFFF).map(lambda n: f"fc00:{n:x}::1"),
)
RECORDS = st.builds(
    PeerRecord,
    address=st.builds(
        Address,
        host=HOSTS,
        port=st.integers(1, 65_535),
        services=st.integers(0, 2**64 - 1),
        last_seen=st.integers(0, 2**32 - 1),
    ),
    source=HOSTS,
    tried=st.just(value=False),
    buckets=st.lists(st.integers(0, 1_023), max_size=8, unique=True).map(lambda found: tuple(sorted(found))),
    last_success=st.integers(0, 2**40 - 1),
    missed=st.integers(0, 2**31 - 1),
)
TRIED = RECORDS.map(
    lambda record: PeerRecord(record.address, record.source, tried=True, last_success=record.last_success)
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.lists(RECORDS, max_size=5), st.lists(TRIED, max_size=5), st.binary(min_size=32, max_size=32))
def test_what_is_written_is_read_again(
    tmp_path: Path, new: list[PeerRecord], tried: list[PeerRecord], asmap: bytes
) -> None:
    path, records = tmp_path / "peers.dat", BookRecords(KEY, (*new, *tried))
    assert write_peers_dat(path, records, MAINNET, asmap_version=asmap) == len(records.peers)
    found = read_peers_dat(path, MAINNET)
    assert found == CoreBook(records, 0, asmap)
    for theirs, ours in zip(found.records.peers, records.peers, strict=True):
        assert theirs.address.services == ours.address.services
        assert theirs.address.last_seen == ours.address.last_seen


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_file_with_anything_in_it_is_a_book_or_a_config_error(tmp_path: Path, data: st.DataObject) -> None:
    content = bytearray(book(4, [entry(new_address(4, bytes(32)), bytes((1, 4, 9, 9, 9, 9)))], [], {7: [0]}, 8))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        found = read(tmp_path, sealed(bytes(content)))
    except ConfigError:
        return
    assert len(found.records.peers) + found.passed_over <= 1


def test_what_core_cannot_hold_is_left_out_and_what_we_found_ourselves_told_of_itself(tmp_path: Path) -> None:
    records = BookRecords(
        KEY,
        (
            PeerRecord(Address("10.0.0.1", 8333), buckets=(1,)),
            PeerRecord(Address("seed.example", 8333), buckets=(1,)),
            PeerRecord(Address("8.8.8.8", 8333), OURSELVES, buckets=(1,)),
            PeerRecord(Address("8.8.4.4", 8333), "seed.example", buckets=(2,)),
        ),
    )
    path = tmp_path / "peers.dat"
    assert write_peers_dat(path, records, MAINNET) == 2
    seed = str(IPv6Address(stand_in("seed.example")))
    assert [record.source for record in read_peers_dat(path, MAINNET).records.peers] == ["8.8.8.8", seed]


def test_a_book_of_ours_goes_to_core_and_comes_back_to_the_same_places(tmp_path: Path) -> None:
    ours = AddressBook(random.Random(1))
    ours.handle_clock(1_700_000_000, 0.0)
    for number in range(3_000):
        source = Address(f"9.{number % 200}.1.1", 1)
        address = Address(f"8.{number >> 8}.{number & 255}.1", 8333, 9, 1_700_000_000)
        ours.learn([address], source, 0.0)
        if number % 5 == 0:
            ours.good(address, 0.0)
    path = tmp_path / "peers.dat"
    assert write_peers_dat(path, ours.records(), MAINNET) == len(ours)
    again = AddressBook(random.Random(2), records=read_peers_dat(path, MAINNET).records)
    places = {entry.address: (entry.tried, sorted(entry.places)) for entry in ours.entries()}
    assert {entry.address: (entry.tried, sorted(entry.places)) for entry in again.entries()} == places


# Anchors.


def test_anchors_are_written_as_core_writes_them(tmp_path: Path) -> None:
    """Against btclib's addrv2, behind the version that CAddress has on disk."""
    path = tmp_path / "anchors.dat"
    anchors = (Address("8.8.8.8", 8333, 9, 1_700_000_000), Address(ONION, 8333, 1033, 7))
    assert write_anchors_dat(path, (*anchors, Address("127.0.0.1", 1)), MAINNET) == 2
    version = (1 << 29 | 220_000).to_bytes(4, "little")
    content = b"\2" + b"".join(
        version + NetworkAddressV2(time, services, network, data, 8333).serialize()
        for time, services, network, data in (
            (1_700_000_000, 9, BIP155Network.IPV4, bytes((8, 8, 8, 8))),
            (7, 1033, BIP155Network.TORV3, bytes(32)),
        )
    )
    assert path.read_bytes() == sealed(content)
    assert read_anchors_dat(path, MAINNET) == anchors


@pytest.mark.parametrize(
    ("content", "complaint"),
    [(b"", "anchors needs"), (b"\xfd\xff\xff", "anchors is 65535"), (b"\0x", "too many"), (b"\1" + bytes(20), "needs")],
)
def test_damaged_anchors_are_a_config_error(tmp_path: Path, content: bytes, complaint: str) -> None:
    path = tmp_path / "anchors.dat"
    path.write_bytes(sealed(content))
    with pytest.raises(ConfigError, match=complaint):
        read_anchors_dat(path, MAINNET)


def test_anchors_that_nobody_could_dial_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "anchors.dat"
    path.write_bytes(sealed(b"\2" + new_address(99, b"future") + new_address(1, bytes((8, 8, 8, 8)))))
    assert read_anchors_dat(path, MAINNET) == (Address("8.8.8.8", 8333),)
