"""Files from elsewhere and to elsewhere."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from headway.errors import ConfigError, StoreError
from headway.store.exchange import read_file, replace_file


def test_a_file_is_read_up_to_its_bound(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"12345")
    assert read_file(path, 5) == b"12345"
    with pytest.raises(ConfigError, match=f"the list {path} is longer than 4 bytes"):
        read_file(path, 4, "the list ")


def test_what_cannot_be_read_says_why(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=f"cannot read {tmp_path / 'absent'}: No such file"):
        read_file(tmp_path / "absent", 5)


def test_a_file_is_replaced_and_nothing_stays_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "file"
    for content in (b"old", b"new"):
        replace_file(path, content)
        assert path.read_bytes() == content
    assert list(tmp_path.iterdir()) == [path]


def test_what_cannot_be_written_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    replace_file(path, b"old")

    def fail(_fd: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(StoreError, match=r"cannot write .*No space left on device .free some space"):
        replace_file(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_directory_that_is_not_there_is_a_store_error(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="No such file"):
        replace_file(tmp_path / "absent" / "file", b"new")
