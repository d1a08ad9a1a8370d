"""The head of the store's files: ours is taken, a torn one made anew, every other refused with what to do."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from zlib import crc32

import pytest

from headway.errors import StoreError
from headway.network import Network
from headway.store.disk import AppendFile, DamagedFile, Disk
from headway.store.format import FORMATS, HEAD_SIZE, head, open_head
from headway.types import BlockId
from tests.toynet import TOYNET, ToyRules, toy_chain, toy_hash

HEAD = head("headers", 44, TOYNET)


def opened(path: Path, content: bytes, network: Network = TOYNET, *, readonly: bool = False) -> AppendFile:
    path.joinpath("file").write_bytes(content)
    file = AppendFile(path / "file", Disk(), readonly=readonly)
    open_head(file, "headers", 44, network, readonly=readonly)
    return file


def test_a_head_has_96_bytes_and_begins_with_what_the_file_is() -> None:
    assert len(HEAD) == HEAD_SIZE == 96
    assert HEAD.startswith(b"headway headers\n")
    assert head("blocks", 48, TOYNET).startswith(b"headway blocks \n")


@pytest.mark.parametrize("kept", [0, 1, 16, 50, HEAD_SIZE - 1])
def test_a_head_that_was_torn_while_it_was_made_is_made_again(tmp_path: Path, kept: int) -> None:
    file = opened(tmp_path, HEAD[:kept])
    assert file.read(0, 200) == HEAD
    assert file.size == HEAD_SIZE


def test_zeros_in_place_of_the_head_are_mended_and_what_follows_is_kept(tmp_path: Path) -> None:
    with pytest.raises(DamagedFile, match="damaged in its first 96 bytes"):
        opened(tmp_path, bytes(HEAD_SIZE) + b"content", readonly=True)
    assert opened(tmp_path, bytes(HEAD_SIZE) + b"content").read(0, 200) == HEAD + b"content"


def test_what_follows_the_head_is_left_alone(tmp_path: Path) -> None:
    assert opened(tmp_path, HEAD + b"content").read(0, 200) == HEAD + b"content"


def test_a_reader_repairs_nothing(tmp_path: Path) -> None:
    assert opened(tmp_path, HEAD[:10], readonly=True).size == 10


def with_format(kind: str, version: int) -> bytes:
    """The head that a headway with this format would write."""
    changed = head(kind, 44, TOYNET)[:16] + version.to_bytes(4, "little") + head(kind, 44, TOYNET)[20:-4]
    return changed + crc32(changed).to_bytes(4, "little")


@pytest.mark.parametrize("rest", [bytes(76), HEAD[20:], with_format("headers", FORMATS["headers"] + 1)[20:]])
def test_a_newer_format_is_refused_whatever_follows_its_number(tmp_path: Path, rest: bytes) -> None:
    newer = HEAD[:16] + (FORMATS["headers"] + 1).to_bytes(4, "little") + rest
    with pytest.raises(StoreError, match=r"newer headway \(format 2, and this one reads 1\): upgrade headway"):
        opened(tmp_path, newer)
    assert (tmp_path / "file").read_bytes() == newer


def test_an_older_format_is_refused_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(with_format("blocks", FORMATS["blocks"] - 1))
    with pytest.raises(
        StoreError, match=r"older headway \(format 1, and this one reads 2\): move the directory of this"
    ):
        open_head(AppendFile(tmp_path / "file", Disk()), "blocks", 44, TOYNET, readonly=False)


def test_another_network_is_refused_with_its_name(tmp_path: Path) -> None:
    other = replace(TOYNET, name="othernet", magic=b"Ot")
    with pytest.raises(StoreError, match="holds toynet, not othernet: use --network toynet, or another --datadir"):
        opened(tmp_path, HEAD, other)


def test_another_magic_is_another_network_whatever_its_name(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="holds another network called toynet, not toynet"):
        opened(tmp_path, HEAD, replace(TOYNET, magic=b"Ot"))


def test_another_first_block_is_one_that_was_trusted_or_another_network_file(tmp_path: Path) -> None:
    block = toy_chain(1)[0]
    other = replace(TOYNET, rules=ToyRules(root=BlockId(0, toy_hash(block)), genesis=block[:44]))
    with pytest.raises(StoreError, match="a chain of toynet that begins at another block: use the --checkpoint and"):
        opened(tmp_path, HEAD, other)


@pytest.mark.parametrize("at", [*range(16), *range(20, HEAD_SIZE)])
def test_a_flipped_bit_is_damage_to_a_reader_and_mended_by_a_writer(tmp_path: Path, at: int) -> None:
    flipped = HEAD[:at] + bytes([HEAD[at] ^ 1 << at % 8]) + HEAD[at + 1 :]
    with pytest.raises(DamagedFile, match="damaged in its first 96 bytes: the next `headway sync` repairs it"):
        opened(tmp_path, flipped, readonly=True)
    file = AppendFile(tmp_path / "file", Disk())
    assert open_head(file, "headers", 44, TOYNET, readonly=False)
    assert file.read(0, 200) == HEAD
    assert not open_head(file, "headers", 44, TOYNET, readonly=False)


def test_more_damage_says_what_to_do_with_either_file(tmp_path: Path) -> None:
    for kind, advice in (("headers", "headers are fetched anew"), ("blocks", "blocks are fetched anew")):
        damaged = head(kind, 44, TOYNET)[:-2] + b"??"
        (tmp_path / "file").write_bytes(damaged)
        with pytest.raises(DamagedFile, match=advice):
            open_head(AppendFile(tmp_path / "file", Disk()), kind, 44, TOYNET, readonly=True)


@pytest.mark.parametrize("content", [b"x", b"x" * 500, head("blocks", 44, TOYNET), HEAD[:40] + b"?"])
def test_a_file_that_is_not_ours_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(StoreError, match="is no headers file of headway"):
        opened(tmp_path, content)


def test_another_record_size_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="records of 43 bytes, not 44"):
        opened(tmp_path, head("headers", 43, TOYNET))
