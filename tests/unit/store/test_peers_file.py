"""The plain text peers file: read as it is written, refused with the line that is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from headway.errors import ConfigError
from headway.store.peers_file import MAX_BYTES, read_peers_file, write_peers_file
from headway.types import Address


def read(tmp_path: Path, content: bytes) -> tuple[Address, ...]:
    path = tmp_path / "peers.txt"
    path.write_bytes(content)
    return read_peers_file(path, 8333)


def test_one_address_a_line_comments_and_empty_lines_left_out(tmp_path: Path) -> None:
    content = (
        b"# mine\n192.0.2.1:18333\n\n  192.0.2.2  # no port\n[2001:db8::1]:8334\r\nseed.example:1\n192.0.2.1:18333\n"
    )
    assert read(tmp_path, content) == (
        Address("192.0.2.1", 18333),
        Address("192.0.2.2", 8333),
        Address("2001:db8::1", 8334),
        Address("seed.example", 1),
    )


def test_empty_file_names_nobody(tmp_path: Path) -> None:
    assert read(tmp_path, b"") == ()


def test_wrong_line_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"peers\.txt, line 2: port 99999"):
        read(tmp_path, b"192.0.2.1\n192.0.2.1:99999\n")


def test_what_is_no_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is not text"):
        read(tmp_path, b"\xff\xfe")


def test_file_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        read_peers_file(tmp_path / "absent", 8333)


def test_longer_file_than_the_cap_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=f"longer than {MAX_BYTES}"):
        read(tmp_path, b"#" * (MAX_BYTES + 1))


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "peers.txt"
    addresses = (Address("192.0.2.1", 1), Address("2001:db8::1", 2), Address("a" * 52 + ".b32.i2p", 0))
    write_peers_file(path, addresses, "two lines\nof a head")
    assert read_peers_file(path, 8333) == addresses
    assert path.read_text().splitlines()[:3] == ["# two lines", "# of a head", "192.0.2.1:1"]
