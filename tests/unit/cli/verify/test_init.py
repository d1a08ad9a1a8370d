"""`headway verify` as people call it: what it prints and how it exits, over real data and damaged copies of it."""

from __future__ import annotations

import json
import lzma
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from headway.cli import main
from headway.cli.output import Exit
from headway.networks import network_named
from headway.store import Store
from tests.chain_builder import SPACING, assemble, block_hash, block_time, coinbase, regtest_chain
from tests.damage import BLOCK_DAMAGE, BLOCK_FILE_DAMAGE, HEADER_DAMAGE, SPARSE_DAMAGE
from tests.data import data_path, read

KEYS = ["valid", "headers", "blocks", "tip", "unchecked", "error"]
STATIC = {"scripts", "signatures", "coins", "fees", "subsidy", "relative-lock-times", "bip30-duplicates"}


Verify = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture
def verify(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Verify:
    """Runs the command with --json on a file, or on bytes; gives the exit code and the object that it printed."""

    def run(what: Path | bytes, network: str = "bitcoin", *options: str | int) -> tuple[int, dict[str, Any]]:
        path = tmp_path / "file" if isinstance(what, bytes) else what
        if isinstance(what, bytes):
            path.write_bytes(what)
        code = main(["verify", str(path), "--network", network, "--json", *map(str, options)])
        printed = capsys.readouterr().out
        assert printed.endswith("\n")
        (line,) = printed.splitlines()
        data = json.loads(line)
        assert list(data) == KEYS
        return code, data

    return run


class HeaderFile(NamedTuple):
    """A file of the data, and what is to be found in it."""

    name: str
    network: str
    from_height: int | None
    headers: int
    tip: int
    unchecked: set[str]


WHOLE: set[str] = set()
RUN = {"link", "median-time"}
SPARSE = {"link", "median-time", "retarget"}
HEADER_FILES = [
    HeaderFile("mainnet-headers-0-10236.bin.xz", "bitcoin", None, 10_237, 10_236, WHOLE),
    HeaderFile("mainnet-headers-0-10236.bin.xz", "bitcoin", 0, 10_237, 10_236, WHOLE),
    HeaderFile("testnet3-headers-0-9999.bin.xz", "testnet3", None, 10_000, 9_999, WHOLE),
    HeaderFile("signet-headers-0-2015.bin.xz", "signet", None, 2_016, 2_015, WHOLE),
    HeaderFile("mainnet-headers-300000-300499.bin.xz", "bitcoin", 300_000, 500, 300_499, RUN | {"bits", "retarget"}),
    HeaderFile("mainnet-headers-822528-830592.bin.xz", "bitcoin", 822_528, 8_065, 830_592, RUN | {"retarget"}),
    HeaderFile("mainnet-headers-900000-900002.bin", "bitcoin", 900_000, 3, 900_002, RUN | {"bits"}),
    HeaderFile("mainnet-retarget-headers.bin.xz", "bitcoin", None, 850, 878_976, SPARSE),
    HeaderFile("testnet3-checkpoint-headers.bin.xz", "testnet3", None, 1_792, 3_612_672, SPARSE),
    HeaderFile("signet-checkpoint-headers.bin.xz", "signet", None, 114, 229_824, SPARSE),
]


@pytest.mark.parametrize("file", HEADER_FILES, ids=lambda file: f"{file.name} from {file.from_height}")
def test_every_header_file_is_valid_and_what_it_does_not_allow_is_counted(verify: Verify, file: HeaderFile) -> None:
    options = () if file.from_height is None else ("--from-height", file.from_height)
    code, data = verify(data_path("bitcoin", file.name), file.network, *options)
    assert code == Exit.DONE
    assert data["valid"] is True
    assert data["error"] is None
    assert (data["headers"], data["blocks"], data["tip"]["height"]) == (file.headers, 0, file.tip)
    assert set(data["unchecked"]) == file.unchecked


def test_retargets_of_sparse_headers_are_checked_wherever_both_ends_are_there(verify: Verify) -> None:
    _, data = verify(data_path("bitcoin", "mainnet-retarget-headers.bin.xz"))
    assert data["unchecked"]["retarget"] == 436 - 413


def test_headers_of_unknown_height_are_held_to_what_needs_no_height(verify: Verify) -> None:
    code, data = verify(data_path("bitcoin", "mainnet-headers-822528-830592.bin.xz"))
    assert code == Exit.DONE
    assert data["tip"]["height"] is None
    assert data["unchecked"]["bits"] == data["unchecked"]["version"] == 8_065


@pytest.mark.parametrize(
    ("name", "headers", "tip"),
    [
        ("mainnet-0-438.blk.dat.xz", 439, 438),
        ("altmainnet-1-2016.blk.dat.xz", 2_016, 2_016),
        ("altchain-blk-0-to-4.blk.dat", 5, 4),
    ],
)
def test_block_files_from_genesis_are_checked_in_full(verify: Verify, name: str, headers: int, tip: int) -> None:
    code, data = verify(data_path("bitcoin", "blocks", name))
    assert code == Exit.DONE
    assert (data["headers"], data["blocks"], data["tip"]["height"]) == (headers, headers, tip)
    assert data["unchecked"] == dict.fromkeys(STATIC, headers)


@pytest.mark.parametrize("name", ["altchain-blk-3A.blk.dat", "altchain-blk-4A.blk.dat", "altchain-blk-5A.blk.dat"])
def test_a_block_without_its_parent_is_checked_by_itself(verify: Verify, name: str) -> None:
    code, data = verify(data_path("bitcoin", "blocks", name))
    assert code == Exit.DONE
    assert data["blocks"] == 1
    assert data["unchecked"]["link"] == data["unchecked"]["median-time"] == 1


@pytest.mark.parametrize("order", ["trunk first", "rival first"])
def test_of_two_branches_the_one_with_more_work_has_the_tip(verify: Verify, order: str) -> None:
    trunk = read("bitcoin", "blocks", "altchain-blk-0-to-4.blk.dat")
    rival = b"".join(read("bitcoin", "blocks", f"altchain-blk-{number}A.blk.dat") for number in (4, 3, 5))
    code, data = verify(trunk + rival if order == "trunk first" else rival + trunk)
    assert code == Exit.DONE
    assert (data["headers"], data["blocks"]) == (8, 8)
    assert data["tip"]["height"] == 5
    assert data["tip"]["hash"] == "00000000195f85184e77c18914bd0febd11278d950f5e4731a38f71ed79f044e"
    assert set(data["unchecked"]) == STATIC


def in_frames(network: str, blocks: list[str]) -> bytes:
    raw = map(bytes.fromhex, blocks)
    return b"".join(network_named(network).magic + len(block).to_bytes(4, "little") + block for block in raw)


def test_a_real_regtest_chain_and_its_reorganisation_are_valid(verify: Verify) -> None:
    blocks = read("bitcoin", "regtest-blocks.txt").decode().split()
    code, data = verify(in_frames("regtest", blocks), "regtest")
    assert (code, data["blocks"], data["tip"]["height"]) == (Exit.DONE, 151, 150)
    trunk, rival = json.loads(read("bitcoin", "regtest-reorg.json"))
    for order in (trunk + rival, rival + trunk):
        code, data = verify(in_frames("regtest", order), "regtest")
        assert (code, data["blocks"], data["tip"]["height"]) == (Exit.DONE, 21, 16)
        assert data["tip"]["hash"] == "4572ac401b94915dde6c4957b706abdb13b5824b000cad7f6065ebd9aea6dad1"
        assert set(data["unchecked"]) == STATIC


def test_blocks_from_all_over_a_chain_are_valid_in_one_file(verify: Verify) -> None:
    _, *rows = json.loads(read("bitcoin", "vectors", "bip0158-testnet-19.json"))
    code, data = verify(in_frames("testnet3", [row[2] for row in rows]), "testnet3")
    assert (code, data["blocks"]) == (Exit.DONE, 10)
    assert data["unchecked"]["link"] == 8


@pytest.mark.parametrize(
    ("name", "network", "heights"),
    [
        ("mainnet-stale-headers.csv", "bitcoin", range(961_632, 961_640)),
        ("mainnet-stale-headers.csv", "bitcoin", range(941_881, 941_883)),
        ("mainnet-stale-headers.csv", "bitcoin", range(823_226, 823_227)),
        ("testnet3-fork-headers.csv", "testnet3", range(1, 3)),
    ],
)
def test_stale_headers_break_no_rule(verify: Verify, name: str, network: str, heights: range) -> None:
    rows = [line.split(",") for line in read("bitcoin", name).decode().splitlines()[1:]]
    raw = b"".join(bytes.fromhex(header) for height, _, header in rows if int(height) in heights)
    code, data = verify(raw, network, "--from-height", heights[0])
    assert (code, data["headers"], data["tip"]["height"]) == (Exit.DONE, len(heights), heights[-1])


def manifest() -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = json.loads(read("bitcoin", "blocks", "manifest.json"))
    return entries


def test_every_single_block_is_valid_at_its_height(verify: Verify) -> None:
    networks = {"mainnet": "bitcoin", "testnet3": "testnet3"}
    for entry in manifest():
        path = data_path("bitcoin", "blocks", Path(entry["file"]).name)
        code, data = verify(path, networks[entry["network"]], "--from-height", entry["height"])
        assert code == Exit.DONE, (entry["file"], data)
        assert data["tip"] == {"height": entry["height"], "hash": entry["hash"]}
        assert (data["headers"], data["blocks"]) == (1, 1)
        assert data["unchecked"].keys() >= STATIC


@pytest.mark.parametrize(
    ("name", "network", "height"),
    [
        ("mainnet-169482-4cdb5f368665.bin", "bitcoin", None),
        ("mainnet-227835-5261b7a74eb6.bin.xz", "bitcoin", None),
        ("mainnet-227836-7025a9b9adcc.bin.xz", "bitcoin", 227_836),
        ("mainnet-482683-ef7eee73e747.bin", "bitcoin", 482_683),
        ("testnet3-21066-c3703ca4eefa.bin", "testnet3", 21_066),
        ("testnet3-700000-7c1e6a3f4dc1.bin", "testnet3", 700_000),
    ],
)
def test_a_lone_block_takes_its_height_from_its_coinbase(
    verify: Verify, name: str, network: str, height: int | None
) -> None:
    code, data = verify(data_path("bitcoin", "blocks", name), network)
    assert code == Exit.DONE
    assert data["tip"]["height"] == height
    assert ("coinbase-height" in data["unchecked"]) == (height is None)


def test_the_fork_of_july_2015_is_refused_by_the_version_gate(verify: Verify) -> None:
    path = data_path("bitcoin", "mainnet-fork-headers-363731-363736.bin")
    code, data = verify(path, "bitcoin", "--from-height", 363_731)
    assert code == Exit.INVALID_DATA
    assert data["valid"] is False
    assert data["error"]["rule"] == "bad-version"
    assert data["error"]["height"] == 363_731
    assert data["error"]["block"] == "0000000000000000009cc829aa25b40b2cd4eb83dd498c12ad0d26d90c439d99"


def headers_of_mainnet() -> bytes:
    return read("bitcoin", "mainnet-headers-0-10236.bin.xz")


@pytest.mark.parametrize("damage", HEADER_DAMAGE)
def test_a_damaged_header_file_is_refused_as_headers(verify: Verify, damage: str) -> None:
    change, rule, height = HEADER_DAMAGE[damage]
    code, data = verify(change(headers_of_mainnet()))
    assert code == Exit.INVALID_DATA
    assert data["valid"] is False
    assert (data["error"]["rule"], data["error"]["height"]) == (rule, height)
    assert data["blocks"] == 0


def sparse_of_mainnet() -> bytes:
    return read("bitcoin", "mainnet-retarget-headers.bin.xz")


@pytest.mark.parametrize("damage", SPARSE_DAMAGE)
def test_a_damaged_sparse_file_is_refused_as_sparse_headers(verify: Verify, damage: str) -> None:
    change, rule = SPARSE_DAMAGE[damage]
    code, data = verify(change(sparse_of_mainnet()))
    assert code == Exit.INVALID_DATA
    assert data["error"]["rule"] == rule


def blocks_of_mainnet() -> bytes:
    return read("bitcoin", "blocks", "mainnet-0-438.blk.dat.xz")


def frame_at(content: bytes, number: int) -> int:
    at = 0
    for _ in range(number):
        at += 8 + int.from_bytes(content[at + 4 : at + 8], "little")
    return at


@pytest.mark.parametrize("damage", BLOCK_FILE_DAMAGE)
def test_a_damaged_block_file_is_refused_at_its_first_fault(verify: Verify, damage: str) -> None:
    change, rule, height, before = BLOCK_FILE_DAMAGE[damage]
    content = blocks_of_mainnet()
    code, data = verify(change(content, frame_at(content, 200)))
    assert code == Exit.INVALID_DATA
    assert (data["error"]["rule"], data["error"]["height"]) == (rule, height)
    assert data["blocks"] == before
    assert data["tip"]["height"] == before - 1


@pytest.mark.parametrize("damage", BLOCK_DAMAGE)
def test_a_damaged_block_is_refused_as_a_block(verify: Verify, damage: str) -> None:
    change, rule = BLOCK_DAMAGE[damage]
    raw = read("bitcoin", "blocks", "mainnet-482683-ef7eee73e747.bin")
    assert verify(raw)[0] == Exit.DONE
    code, data = verify(change(raw))
    assert code == Exit.INVALID_DATA
    assert data["error"]["rule"] == rule
    assert data["blocks"] == 0


def test_a_block_at_another_height_than_its_own_is_refused(verify: Verify) -> None:
    raw = read("bitcoin", "blocks", "mainnet-482683-ef7eee73e747.bin")
    code, data = verify(raw, "bitcoin", "--from-height", 482_684)
    assert code == Exit.INVALID_DATA
    assert (data["error"]["rule"], data["error"]["height"]) == ("bad-cb-height", 482_684)


def test_a_header_ahead_of_the_clock_is_no_verdict(verify: Verify) -> None:
    block = assemble(block_hash(regtest_chain(1)[0]), int(time.time()) + 3 * 3600, [coinbase(2)])
    for content in (block, block[:80], b"\xfa\xbf\xb5\xda" + len(block).to_bytes(4, "little") + block):
        code, data = verify(content, "regtest")
        assert code == Exit.FAILED
        assert data["valid"] is False
        assert data["error"]["rule"] == "time-too-new"


def test_the_kind_is_found_from_the_content_never_the_name(verify: Verify, tmp_path: Path) -> None:
    content = headers_of_mainnet()[: 80 * 50]
    for name in ("blk00000.dat", "block.bin", "headers.xz"):
        (tmp_path / name).write_bytes(content)
        assert verify(tmp_path / name)[1]["headers"] == 50
    (tmp_path / "plain.bin").write_bytes(lzma.compress(content))
    assert verify(tmp_path / "plain.bin")[1]["headers"] == 50


def test_one_header_is_a_header_file(verify: Verify) -> None:
    code, data = verify(headers_of_mainnet()[:80])
    assert code == Exit.DONE
    assert data["tip"] == {
        "height": 0,
        "hash": "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f",
    }


def test_headers_of_another_network_are_refused_at_its_genesis(verify: Verify) -> None:
    code, data = verify(data_path("bitcoin", "testnet3-headers-0-9999.bin.xz"), "bitcoin")
    assert code == Exit.INVALID_DATA
    assert data["error"]["rule"] == "bad-genesis"


@pytest.mark.parametrize("what", ["absent", "device", "no data directory"])
def test_what_cannot_be_read_is_no_verdict_and_says_why(verify: Verify, tmp_path: Path, what: str) -> None:
    path = {"absent": tmp_path / "absent", "device": Path("/dev/null"), "no data directory": tmp_path}[what]
    code, data = verify(path)
    assert code == Exit.FAILED
    assert data["valid"] is False
    assert data["error"]["rule"] == "unreadable"
    assert str(path) in data["error"]["detail"]


@pytest.mark.parametrize(
    "options",
    [["--from-height", "-1"], ["--from-height", "x"], ["--network", "dogecoin"], ["--from-height", "5"], ["--what"]],
)
def test_wrong_usage_exits_with_2(tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str]) -> None:
    (tmp_path / "file").write_bytes(headers_of_mainnet()[:160])
    assert main(["verify", str(tmp_path / "file"), *options]) == Exit.USAGE
    assert capsys.readouterr().err


def test_a_start_height_for_a_directory_is_wrong_usage(tmp_path: Path) -> None:
    assert main(["verify", str(tmp_path), "--from-height", "1"]) == Exit.USAGE


def test_a_data_directory_is_verified_as_it_was_synced(verify: Verify, tmp_path: Path) -> None:
    chain = regtest_chain(12, transactions_per_block=1)
    with Store.open(tmp_path / "data", network_named("regtest")) as store:
        raw = b"".join(block[:80] for block in chain)
        store.tree.restore(raw)
        store.append_headers(raw)
        for block in chain[:10]:
            store.put_block(block_hash(block), block)
    code, data = verify(tmp_path / "data", "regtest")
    assert code == Exit.DONE
    assert (data["headers"], data["blocks"], data["tip"]["height"]) == (12, 10, 12)
    assert data["unchecked"] == dict.fromkeys(STATIC, 10)
    assert verify(tmp_path / "data" / "blocks" / "blk00000.dat", "regtest")[1]["blocks"] == 10
    for part in ("headers.bin", "blocks/index.bin"):
        code, data = verify(tmp_path / "data" / part, "regtest")
        assert code == Exit.FAILED
        assert "verify the directory" in data["error"]["detail"]
    code, data = verify(tmp_path / "data", "signet")
    assert code == Exit.FAILED
    assert "use --network regtest" in data["error"]["detail"]


def test_people_get_a_table_on_stdout_and_the_reason_on_stderr(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_bytes(headers_of_mainnet()[: 80 * 20] + b"torn")
    assert main(["verify", str(tmp_path / "file"), "--network", "bitcoin"]) == Exit.INVALID_DATA
    printed = capsys.readouterr()
    assert [line.split()[0] for line in printed.out.splitlines()] == KEYS
    assert "truncated" in printed.err


def test_blocks_may_be_of_any_time_as_long_as_they_follow_their_median(verify: Verify) -> None:
    chain = regtest_chain(11)
    late = assemble(block_hash(chain[-1]), block_time(chain[5]), [coinbase(12)])  # the median itself
    good = assemble(block_hash(chain[-1]), block_time(chain[5]) + 1, [coinbase(12)])
    assert block_time(chain[6]) - block_time(chain[5]) == SPACING
    code, data = verify(b"".join(block[:80] for block in [*chain, late]), "regtest")
    assert (code, data["error"]["rule"], data["error"]["height"]) == (Exit.INVALID_DATA, "time-too-old", 12)
    assert verify(b"".join(block[:80] for block in [*chain, good]), "regtest")[0] == Exit.DONE
