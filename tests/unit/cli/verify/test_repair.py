"""What `headway verify --repair` takes out of a directory, and what it leaves there."""

from __future__ import annotations

from pathlib import Path

import pytest

from headway.cli import main
from headway.cli.output import Exit
from headway.cli.verify.repair import repair_directory
from headway.cli.verify.report import Unreadable
from headway.errors import StoreError
from headway.networks import network_named
from headway.store import Store
from headway.testing.chain import store_chain
from tests.chain_builder import block_hash, regtest_chain

REGTEST = network_named("regtest")
CHAIN = regtest_chain(12, transactions_per_block=1)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    with Store.open(tmp_path / "data", REGTEST) as store:
        list(store_chain(store, CHAIN))
    return tmp_path / "data"


def flip(path: Path, at: int) -> None:
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)


def at_of(path: Path, block: bytes) -> int:
    return (path / "blocks/blk00000.dat").read_bytes().index(block)


def stored(path: Path) -> list[int]:
    with Store.open(path, REGTEST, readonly=True) as store:
        return list(store.stored_positions())


def test_a_sound_directory_is_left_as_it_is(path: Path) -> None:
    before = {file: file.read_bytes() for file in path.rglob("*") if file.is_file()}
    assert repair_directory(path, REGTEST) == []
    assert {file: file.read_bytes() for file in path.rglob("*") if file.is_file()} == before


def test_damaged_blocks_are_taken_out_and_the_rest_is_valid(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for block in (CHAIN[2], CHAIN[7]):
        flip(path / "blocks/blk00000.dat", at_of(path, block) + 150)
    assert main(["verify", str(path), "--network", "regtest"]) == Exit.INVALID_DATA
    assert f"`headway verify --repair {path}` takes out what is damaged" in capsys.readouterr().err
    assert main(["verify", str(path), "--network", "regtest", "--repair"]) == Exit.DONE
    first = f"3:{block_hash(CHAIN[2])[::-1].hex()}"
    assert f"repaired: took out 2 damaged blocks, {first} the first: `headway sync`" in capsys.readouterr().err
    assert stored(path) == [1, 2, 4, 5, 6, 7, 9, 10, 11, 12]
    assert main(["verify", str(path), "--network", "regtest"]) == Exit.DONE
    with Store.open(path, REGTEST) as store:
        store.put_block(3, CHAIN[2])
    assert repair_directory(path, REGTEST) == []
    assert stored(path) == [1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12]


def test_a_block_that_was_stored_wrong_is_taken_out_too(path: Path) -> None:
    with Store.open(path, REGTEST) as store:
        store.drop_block(5)
        store.put_block(5, CHAIN[4][:-1] + b"?")
    (done,) = repair_directory(path, REGTEST)
    assert done.startswith("took out 1 damaged blocks, 5:")


def test_blocks_whose_file_is_gone_are_given_up(path: Path) -> None:
    (path / "blocks/blk00000.dat").unlink()
    assert repair_directory(path, REGTEST) == [
        "12 stored blocks are missing or damaged on disk and will be fetched again"
    ]
    assert repair_directory(path, REGTEST) == []
    assert stored(path) == []
    assert main(["verify", str(path), "--network", "regtest"]) == Exit.DONE


def test_blocks_of_condemned_headers_are_left_alone(path: Path) -> None:
    with Store.open(path, REGTEST) as store:
        store.mark_invalid(block_hash(CHAIN[9]))
    flip(path / "blocks/blk00000.dat", at_of(path, CHAIN[10]) + 150)
    assert repair_directory(path, REGTEST) == []


def test_what_opening_repairs_is_told_first(path: Path) -> None:
    with (path / "headers.bin").open("ab") as file:
        file.write(b"torn")
    flip(path / "blocks/blk00000.dat", at_of(path, CHAIN[2]) + 150)
    torn, taken = repair_directory(path, REGTEST)
    assert torn.startswith("cut 4 bytes")
    assert taken.startswith("took out 1 damaged")


def test_a_directory_in_use_is_left_alone(path: Path) -> None:
    with Store.open(path, REGTEST), pytest.raises(StoreError, match="in use by another headway"):
        repair_directory(path, REGTEST)


def test_what_is_no_data_directory_is_not_made_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(Unreadable, match=r"there is no headers\.bin in it"):
        repair_directory(tmp_path, REGTEST)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").touch()
    assert main(["verify", str(tmp_path / "file"), "--network", "regtest", "--repair"]) == Exit.USAGE
    assert "--repair is for data directories" in capsys.readouterr().err
