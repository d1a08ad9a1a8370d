"""`headway export`: what is stored, in a file that `headway verify` accepts, whole or not at all."""

from __future__ import annotations

import json
import re
import signal
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from headway.chain import records
from headway.cli import main
from headway.cli.export import Wanted, _target, export, stored_range
from headway.cli.output import Exit
from headway.cli.verify import judge
from headway.errors import ConfigError, HeadwayError, StoreError
from headway.networks import network_named
from headway.store import Store
from headway.testing.chain import regtest_chain, store_chain
from headway.types import BlockId, hash_hex
from tests.sealednet import PARSER, SEALED, sealed_chain, sealed_headers, trusted_at

REGTEST = network_named("regtest")
CHAIN = list(regtest_chain(40))
"""From height 1."""
SEALED_CHAIN = sealed_chain(30)


@pytest.fixture(scope="module")
def datadir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("chain")
    with Store.open(path, REGTEST) as store:
        list(store_chain(store, CHAIN))
    return path


def run(datadir: Path, *words: str | Path) -> int:
    return main(["export", "--network", "regtest", "--datadir", str(datadir), "--format", "acc", *map(str, words)])


def blocks_of(content: bytes, first: int = 0) -> list[bytes]:
    """The blocks of a dump, which says of itself that it begins at `first`."""
    at = 4
    if first:
        assert int.from_bytes(content[:4], "little") == first
        at = 8
    blocks = []
    for _ in range(int.from_bytes(content[at - 4 : at], "little")):
        length = int.from_bytes(content[at : at + 4], "little")
        blocks.append(content[at + 4 : at + 4 + length])
        at += 4 + length
    assert at == len(content)
    return blocks


def test_a_stored_chain_comes_out_block_by_block_and_is_verified(
    datadir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "chain.acc"
    assert run(datadir, file, "--json") == Exit.DONE
    printed = capsys.readouterr()
    content = file.read_bytes()
    assert blocks_of(content) == [REGTEST.rules.genesis_block, *CHAIN]
    tip = REGTEST.codec.parser.block_header(CHAIN[-1]).hash
    assert json.loads(printed.out) == {
        "network": "regtest",
        "format": "acc",
        "from": 0,
        "to": 40,
        "hash": hash_hex(tip),
        "blocks": 41,
        "bytes": len(content),
    }
    assert printed.err == "exported 41 of 41 blocks\n"
    report = judge(file, REGTEST, None, 2e9)
    assert report.valid
    assert (report.blocks, report.tip) == (41, BlockId(40, tip))


@pytest.mark.parametrize(("first", "last"), [(1, 40), (5, 9), (40, 40), (7, None), (None, 7)])
def test_a_part_of_the_chain_says_where_it_begins(
    datadir: Path, tmp_path: Path, first: int | None, last: int | None
) -> None:
    file = tmp_path / "part.acc"
    options = [word for name, height in (("--from", first), ("--to", last)) if height for word in (name, str(height))]
    assert run(datadir, file, *options) == Exit.DONE
    whole = [REGTEST.rules.genesis_block, *CHAIN]
    assert blocks_of(file.read_bytes(), first or 0) == whole[first or 0 : (last or 40) + 1]
    report = judge(file, REGTEST, None, 2e9)
    assert report.valid
    assert report.tip is not None
    assert report.tip.height == (last or 40)


def test_one_block_from_genesis_is_a_dump(datadir: Path, tmp_path: Path) -> None:
    assert run(datadir, tmp_path / "genesis.acc", "--to", "0") == Exit.DONE
    assert judge(tmp_path / "genesis.acc", REGTEST, None, 2e9).blocks == 1


def test_a_dash_is_stdout_which_then_holds_nothing_else(
    datadir: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert run(datadir, "-") == Exit.DONE
    printed = capfdbinary.readouterr()
    assert blocks_of(printed.out)[1:] == CHAIN
    assert printed.err == b"exported 41 of 41 blocks\n"
    assert run(datadir, "-", "--json") == Exit.USAGE
    assert b"cannot both go to stdout" in capfdbinary.readouterr().err


def test_a_file_that_exists_is_replaced_only_by_force(
    datadir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "chain.acc"
    file.write_bytes(b"dear to somebody")
    assert run(datadir, file) == Exit.FAILED
    assert "--force" in capsys.readouterr().err
    assert file.read_bytes() == b"dear to somebody"
    assert run(datadir, file, "--force") == Exit.DONE
    assert len(blocks_of(file.read_bytes())) == 41
    assert list(tmp_path.glob(".*")) == []


def test_a_block_that_is_damaged_on_disk_leaves_no_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Store.open(tmp_path / "damaged", REGTEST) as store:
        list(store_chain(store, CHAIN))
    file = tmp_path / "damaged/blocks/blk00000.dat"
    content = bytearray(file.read_bytes())
    content[content.index(CHAIN[30]) + 40] ^= 1  # in its header
    file.write_bytes(content)
    assert run(tmp_path / "damaged", tmp_path / "chain.acc") == Exit.FAILED
    assert re.search(r"block 31 is damaged \(.*blk00000\.dat is .*verify --repair", capsys.readouterr().err)
    assert [path.name for path in tmp_path.iterdir() if "acc" in path.name] == []


def written(file: Path, *, then: Callable[[], object]) -> None:
    """Something is written, and before it is all, something happens."""
    with _target(str(file), force=False) as stream:
        stream.write(b"ours")
        then()


def test_whoever_ends_it_half_way_leaves_nothing_behind(tmp_path: Path) -> None:
    for end in (signal.SIGTERM, signal.SIGINT):
        with pytest.raises(KeyboardInterrupt):
            written(tmp_path / "chain.acc", then=partial(signal.raise_signal, end))
    assert list(tmp_path.iterdir()) == []
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


def test_a_file_that_came_meanwhile_is_not_replaced(tmp_path: Path) -> None:
    file = tmp_path / "chain.acc"
    with pytest.raises(HeadwayError, match="exists"):
        written(file, then=lambda: file.write_bytes(b"theirs"))
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"theirs"]


def test_where_nothing_can_be_written_is_told(
    datadir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(datadir, tmp_path / "absent" / "chain.acc") == Exit.FAILED
    assert "chain.acc" in capsys.readouterr().err


@pytest.mark.parametrize(
    "options", [["--from", "41"], ["--to", "41"], ["--from", "9", "--to", "8"], ["--from", "-1"], ["--format", "blk"]]
)
def test_heights_that_are_not_there_are_wrong_usage(datadir: Path, tmp_path: Path, options: list[str]) -> None:
    assert run(datadir, tmp_path / "chain.acc", *options) == Exit.USAGE
    assert not (tmp_path / "chain.acc").exists()


def test_no_directory_is_a_failure(tmp_path: Path) -> None:
    assert run(tmp_path / "absent", tmp_path / "chain.acc") == Exit.FAILED


@pytest.fixture
def gapped(tmp_path: Path) -> Iterator[Store]:
    """Headers to 30, and all blocks but 12 and those from 25 on."""
    with Store.open(tmp_path / "gapped", SEALED) as store:
        append(store, SEALED_CHAIN)
        for height, block in enumerate(SEALED_CHAIN, 1):
            if height != 12 and height < 25:
                store.put_block(PARSER.block_header(block).hash, block)
        yield store


def append(store: Store, blocks: list[bytes]) -> None:
    raw = records.pack(sealed_headers(blocks), 0)
    store.tree.restore(raw)
    store.append_headers(raw)


def test_the_range_ends_where_a_block_is_not_stored(gapped: Store) -> None:
    assert stored_range(gapped, None, None) == Wanted(0, 11)
    assert stored_range(gapped, 13, None) == Wanted(13, 24)
    assert stored_range(gapped, 14, 20) == Wanted(14, 20)
    assert Wanted(14, 20).count == 7


@pytest.mark.parametrize(("first", "last", "missing"), [(None, 12, 12), (5, 20, 12), (12, None, 12), (20, 30, 25)])
def test_a_block_that_was_asked_for_and_is_not_stored_is_told(
    gapped: Store, first: int | None, last: int | None, missing: int
) -> None:
    with pytest.raises(StoreError, match=f"block {missing} is not stored"):
        stored_range(gapped, first, last)


def test_a_chain_from_a_trusted_block_begins_behind_it(tmp_path: Path) -> None:
    network = trusted_at(BlockId(10, PARSER.block_header(SEALED_CHAIN[9]).hash))
    with Store.open(tmp_path, network) as store:
        append(store, SEALED_CHAIN[10:])
        for block in SEALED_CHAIN[10:]:
            store.put_block(PARSER.block_header(block).hash, block)
        assert stored_range(store, None, None) == Wanted(11, 30)
        with pytest.raises(ConfigError, match="heights 11 to 30"):
            stored_range(store, 10, None)


def export_sealed(datadir: Path, file: Path) -> int:
    """The command with a network that has no name."""
    assert export.callback
    options: dict[str, Any] = {"first": None, "last": None, "force": False, "format_": "acc", "checkpoint": None}
    common: dict[str, Any] = {"json_": False, "quiet": True, "verbose": False, "color": "never"}
    code: int = export.callback(file=str(file), network=SEALED, datadir=datadir, **options, **common)
    return code


def test_blocks_of_a_chain_whose_headers_vary_come_out_as_they_came(gapped: Store, tmp_path: Path) -> None:
    gapped.put_block(PARSER.block_header(SEALED_CHAIN[11]).hash, SEALED_CHAIN[11])
    assert export_sealed(gapped.path, tmp_path / "sealed.acc") == Exit.DONE
    assert blocks_of((tmp_path / "sealed.acc").read_bytes())[1:] == SEALED_CHAIN[:24]
    report = judge(tmp_path / "sealed.acc", SEALED, None, 2e9)
    assert (report.valid, report.blocks) == (True, 25)


@pytest.fixture
def pruned(tmp_path: Path) -> Path:
    """The chain without its first 30 blocks."""
    path = tmp_path / "pruned"
    with Store.open(path, REGTEST, prune=1) as store:
        list(store_chain(store, CHAIN))
        store.prune(31)
    return path


def test_a_pruned_directory_is_written_from_where_it_begins(pruned: Path, tmp_path: Path) -> None:
    file = tmp_path / "chain.acc"
    assert run(pruned, file) == Exit.DONE
    assert blocks_of(file.read_bytes(), first=31) == CHAIN[30:]


def test_a_block_that_was_pruned_is_said_to_be_so(
    pruned: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(pruned, tmp_path / "chain.acc", "--from", "30") == Exit.FAILED
    assert f"block 30 was pruned from {pruned}, which has those from 31 on" in capsys.readouterr().err
