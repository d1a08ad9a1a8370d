"""The kept chain: found again as it was made, or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from headway.cli.demo.chain import KeptChain, find_chain, make_chain, place_of
from headway.cli.demo.family import FAMILIES
from headway.errors import StoreError
from headway.store import Store

LENGTH = 30
BITCOIN = FAMILIES["bitcoin"]()


@pytest.fixture
def kept(tmp_path: Path) -> KeptChain:
    assert list(make_chain(tmp_path, BITCOIN, LENGTH)) == [20, 30]
    found = find_chain(tmp_path, BITCOIN, LENGTH)
    assert found is not None
    return found


def files_of(path: Path) -> list[str]:
    return sorted(each.relative_to(path).as_posix() for each in path.rglob("*") if each.is_file())


def test_a_chain_that_was_made_is_found(kept: KeptChain, tmp_path: Path) -> None:
    assert kept.path == place_of(tmp_path, BITCOIN, LENGTH)
    assert kept.tip.height == LENGTH
    with Store.open(kept.path, BITCOIN.network, readonly=True) as store:
        blocks = [store.get_block(position) for position in range(1, LENGTH + 1)]
    assert sum(len(block) for block in blocks if block is not None) == kept.block_bytes
    assert 20_000 * LENGTH < kept.block_bytes < 80_000 * LENGTH


def test_a_chain_is_the_same_every_time(kept: KeptChain, tmp_path: Path) -> None:
    list(make_chain(tmp_path / "again", BITCOIN, LENGTH))
    again = find_chain(tmp_path / "again", BITCOIN, LENGTH)
    assert again is not None
    assert (again.tip, again.block_bytes) == (kept.tip, kept.block_bytes)


def test_nothing_is_found_where_nothing_was_made(tmp_path: Path) -> None:
    assert find_chain(tmp_path, BITCOIN, LENGTH) is None
    assert find_chain(tmp_path / "absent", BITCOIN, LENGTH) is None


def test_a_chain_of_another_length_is_another_chain(kept: KeptChain, tmp_path: Path) -> None:
    assert kept.tip.height == LENGTH
    assert find_chain(tmp_path, BITCOIN, LENGTH + 1) is None


def test_chains_of_all_families_lie_side_by_side(kept: KeptChain, tmp_path: Path) -> None:
    found = {kept}
    for name in sorted(FAMILIES.keys() - {BITCOIN.name}):
        family = FAMILIES[name]()
        list(make_chain(tmp_path, family, LENGTH))
        chain = find_chain(tmp_path, family, LENGTH)
        assert chain is not None
        assert chain.tip.height == LENGTH
        found.add(chain)
    assert len({chain.path for chain in found}) == len({chain.tip for chain in found}) == len(FAMILIES)
    assert find_chain(tmp_path, BITCOIN, LENGTH) == kept


@pytest.mark.parametrize("name", ["headers.bin", "blocks/index.bin", "blocks/blk00000.dat", "sha256"])
@pytest.mark.parametrize("damage", ["flipped", "cut", "gone"])
def test_a_damaged_chain_is_not_found_and_is_made_anew(kept: KeptChain, tmp_path: Path, name: str, damage: str) -> None:
    file = kept.path / name
    content = file.read_bytes()
    match damage:
        case "flipped":
            middle = len(content) // 2
            file.write_bytes(content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :])
        case "cut":
            file.write_bytes(content[:-1])
        case _:
            file.unlink()
    assert find_chain(tmp_path, BITCOIN, LENGTH) is None
    list(make_chain(tmp_path, BITCOIN, LENGTH))
    assert find_chain(tmp_path, BITCOIN, LENGTH) == kept


def test_making_that_is_ended_early_leaves_nothing(tmp_path: Path) -> None:
    heights = make_chain(tmp_path, BITCOIN, LENGTH)
    assert next(heights) == 20
    assert files_of(tmp_path)
    heights.close()
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_is_an_error_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError, match=str(tmp_path / "file")):
        list(make_chain(tmp_path / "file", BITCOIN, LENGTH))
