"""Files as they are read: packed or not, damaged, and packed to burst."""

from __future__ import annotations

import lzma
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import pytest

from headway.cli.verify.report import Fault, Unreadable
from headway.cli.verify.source import Source
from headway.network import Network
from tests.toynet import TOYNET

CONTENT = bytes(range(256)) * 1_000


def source(tmp_path: Path, content: bytes) -> Source:
    (tmp_path / "file").write_bytes(content)
    return Source(tmp_path / "file")


def read(tmp_path: Path, content: bytes, size: int = 777) -> bytes:
    pieces = []
    with source(tmp_path, content).open() as file:
        while piece := file.read(size):
            assert len(piece) <= size
            pieces.append(piece)
    assert all(len(piece) == size for piece in pieces[:-1])
    return b"".join(pieces)


@pytest.mark.parametrize("content", [b"", b"a", CONTENT])
def test_plain_and_packed_files_read_alike(tmp_path: Path, content: bytes) -> None:
    assert read(tmp_path, content) == content
    assert read(tmp_path, lzma.compress(content)) == content
    assert read(tmp_path, lzma.compress(content), 1 << 20) == content


def test_streams_one_after_another_are_one_content(tmp_path: Path) -> None:
    packed = lzma.compress(CONTENT) + lzma.compress(b"") + lzma.compress(b"end")
    assert read(tmp_path, packed) == CONTENT + b"end"


def test_content_can_be_read_as_often_as_needed(tmp_path: Path) -> None:
    packed = source(tmp_path, lzma.compress(CONTENT))

    def halves(file: BinaryIO, network: Network) -> Iterator[bytes]:
        assert network is TOYNET
        yield file.read(len(CONTENT) // 2)
        yield file.read()

    assert packed.head(5) == CONTENT[:5]
    for _ in range(2):
        assert b"".join(packed.pieces(halves, TOYNET)) == CONTENT


def test_a_packed_file_cut_anywhere_is_truncated(tmp_path: Path) -> None:
    packed = lzma.compress(CONTENT)
    for size in range(6, len(packed), 5):
        with pytest.raises(Fault, match=r"truncated \(the \.xz ends before"):
            read(tmp_path, packed[:size])


@pytest.mark.parametrize("behind", [b"\0", b"garbage", b"\xfd7zXZ"])
def test_bytes_behind_a_packed_file_are_a_fault(tmp_path: Path, behind: bytes) -> None:
    with pytest.raises(Fault, match="trailing-bytes"):
        read(tmp_path, lzma.compress(CONTENT) + behind)


def test_a_damaged_packed_file_is_a_fault(tmp_path: Path) -> None:
    packed = bytearray(lzma.compress(CONTENT))
    packed[len(packed) // 2] ^= 1
    with pytest.raises(Fault, match="damaged-xz"):
        read(tmp_path, bytes(packed))


def test_a_small_file_that_unpacks_to_a_lot_takes_no_memory(tmp_path: Path) -> None:
    packed = source(tmp_path, lzma.compress(bytes(64 << 20)))
    tracemalloc.start()
    try:
        with packed.open() as file:
            while file.read(1 << 16):
                pass
        assert tracemalloc.get_traced_memory()[1] < 16 << 20  # the unpacker keeps 8 MiB
    finally:
        tracemalloc.stop()


def test_a_file_that_asks_for_too_much_memory_is_not_unpacked(tmp_path: Path) -> None:
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 512 << 20}]
    with pytest.raises(Unreadable, match="needs more than 128 MiB"):
        read(tmp_path, lzma.compress(b"a", filters=filters))


def test_what_is_no_file_or_is_not_there_is_unreadable(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="neither a file nor a directory"):
        Source(Path("/dev/null"))
    with pytest.raises(Unreadable, match=r"cannot read .*absent: No such file"):
        Source(tmp_path / "absent").head(1)
