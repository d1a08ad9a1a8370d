"""Which files are files of blocks."""

from __future__ import annotations

from pathlib import Path

import pytest

from headway.errors import StoreError
from headway.store.files import file_name, file_sizes


def test_names_are_those_of_core_and_go_on_beyond_five_digits() -> None:
    assert [file_name(number) for number in (0, 7, 99_999, 100_000)] == [
        "blk00000.dat", "blk00007.dat", "blk99999.dat", "blk100000.dat",
    ]  # fmt: skip


def test_only_what_is_named_so_is_a_file_of_blocks(tmp_path: Path) -> None:
    for number, size in ((0, 0), (3, 5), (123_456, 1)):
        (tmp_path / file_name(number)).write_bytes(bytes(size))
    for name in (
        "blk.dat",
        "blk1.dat",
        "blk00001.dat.bak",
        "blkabcde.dat",
        "rev00000.dat",
        "blk0000².dat",
        "index.bin",
    ):
        (tmp_path / name).touch()
    assert file_sizes(tmp_path) == {0: 0, 3: 5, 123_456: 1}


def test_a_directory_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"cannot read .*absent: No such file"):
        file_sizes(tmp_path / "absent")
