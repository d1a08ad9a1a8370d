"""`headway verify` and `headway export` on both generations of Neo: real data, and chains broken in every way."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from headway.chain import records
from headway.cli import main
from headway.cli.output import Exit
from headway.cli.verify import judge
from headway.cli.verify.report import Fault, Report
from headway.network import Headers, Network
from headway.networks import network_named
from headway.networks.dbft.script import build_invocation
from headway.store import Store, dump
from headway.testing.neo_chain import (
    Generation,
    NeoChain,
    neo_network,
    script_of,
    sign,
    signature,
    unsigned_header,
    validators,
    witness,
)
from tests.data import data_path, read
from tests.neodata import chain as real_chain
from tests.neodata import vectors

GENERATIONS: tuple[Generation, ...] = ("neo2", "neo3")
STATIC = {"scripts", "transaction-witnesses", "balances", "fees", "validator-elections"}
WITHOUT_PREDECESSOR = {"link", "time", "next-consensus"}


@pytest.fixture
def verify(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, dict[str, Any]]]:
    def run(path: Path, network: str | Path, *options: str) -> tuple[int, dict[str, Any]]:
        code = main(["verify", str(path), "--network", str(network), "--json", *options])
        return code, json.loads(capsys.readouterr().out)

    return run


Verify = Callable[..., tuple[int, dict[str, Any]]]


class Dump(NamedTuple):
    """A dump of a private network, and what its operators know of that network."""

    name: str
    chain: str
    magic: int
    keys: str
    """Of which network of the vectors."""
    blocks: int
    tip: int


DUMPS = [
    Dump("legacy-privnet-1-6000.acc.xz", "neo2", 56753, "privnet_coz_4cn", 6_000, 6_000),
    Dump("legacy-privnet-single-0-1599.acc.xz", "neo2", 56753, "privnet_single", 1_600, 1_599),
    Dump("n3-unittestnet-0-50.acc", "neo3", 42, "privnet_4cn", 51, 50),
]


def network_file(directory: Path, chain: str, magic: int, keys: str) -> Path:
    known = vectors("legacy" if chain == "neo2" else "n3")["networks"][keys]
    committee = known["standby_validators"] if chain == "neo2" else known["standby_committee"]
    lines = [f'chain = "{chain}"', f"magic = {magic}", f"committee = {json.dumps(committee)}"]
    lines += [f"validators = {known['validators_count']}"] if chain == "neo3" else []
    path = directory / "network.toml"
    path.write_text("\n".join(lines))
    return path


@pytest.mark.parametrize("each", DUMPS, ids=lambda each: each.name)
def test_a_real_dump_is_held_to_the_genesis_of_its_private_network(each: Dump, tmp_path: Path, verify: Verify) -> None:
    network = network_file(tmp_path, each.chain, each.magic, each.keys)
    code, data = verify(data_path("neo", each.name), network)
    assert (code, data["error"]) == (Exit.DONE, None)
    assert (data["headers"], data["blocks"], data["tip"]["height"]) == (each.blocks, each.blocks, each.tip)
    assert data["unchecked"] == dict.fromkeys(STATIC, each.blocks)


def test_the_chain_that_signs_something_else_is_refused_at_its_first_witness(tmp_path: Path, verify: Verify) -> None:
    network = network_file(tmp_path, "neo2", 56753, "privnet_coz_4cn")
    code, data = verify(data_path("neo", "legacy-unittestnet-1-210.acc.xz"), network)
    assert code == Exit.INVALID_DATA
    assert (data["error"]["rule"], data["error"]["height"], data["blocks"]) == ("bad-witness", 1, 0)


def test_a_dump_is_refused_by_a_network_with_other_validators(tmp_path: Path, verify: Verify) -> None:
    network = network_file(tmp_path, "neo2", 56753, "privnet_single")
    code, data = verify(data_path("neo", "legacy-privnet-1-6000.acc.xz"), network)
    assert (code, data["error"]["rule"]) == (Exit.INVALID_DATA, "bad-prevblk")


def single_files() -> list[dict[str, Any]]:
    return [entry for entry in json.loads(read("neo", "manifest.json")) if ".acc" not in entry["file"]]


NAMES = {
    "legacy-mainnet": "neo2",
    "legacy-testnet": "neo2-testnet",
    "n3-mainnet": "neo3",
    "n3-testnet": "neo3-testnet",
}


def test_every_single_block_and_header_of_the_public_networks_is_valid(verify: Verify) -> None:
    entries = single_files()
    assert len(entries) == 16
    for entry in entries:
        code, data = verify(data_path("neo", entry["file"]), NAMES[entry["network"]])
        assert code == Exit.DONE, (entry["file"], data)
        assert data["tip"] == {"height": entry["index"], "hash": entry["hash"]}
        is_block = entry["kind"] == "block"
        assert (data["headers"], data["blocks"]) == (1, int(is_block))
        missing = WITHOUT_PREDECESSOR if entry["index"] > 1 else set()
        assert set(data["unchecked"]) == missing | (STATIC if is_block else set()), entry["file"]


def test_a_header_counts_with_and_without_what_ends_it_in_its_message(tmp_path: Path, verify: Verify) -> None:
    raw = read("neo", "legacy-mainnet-header-10.bin")
    assert raw[-1] == 0
    for content in (raw, raw[:-1]):
        (tmp_path / "header").write_bytes(content)
        code, data = verify(tmp_path / "header", "neo2")
        assert (code, data["headers"], data["blocks"]) == (Exit.DONE, 1, 0)
    (tmp_path / "header").write_bytes(raw[:-2])
    assert verify(tmp_path / "header", "neo2")[0] == Exit.INVALID_DATA


def test_what_of_a_changed_block_goes_unseen_is_named_as_unchecked(tmp_path: Path) -> None:
    """Witnesses of transactions; and keys that did not sign, where nothing tells whose script has to."""
    for entry in single_files():
        raw = read("neo", entry["file"])
        if entry["index"] == 0 or len(raw) > 2_000 or entry["kind"] != "block":
            continue
        network = network_named(NAMES[entry["network"]])
        path = tmp_path / "block"
        unseen = [at for at in range(0, len(raw), 23) if _flipped(path, raw, at, network).valid]
        allowed = _transaction_witnesses(raw, network)
        if entry["index"] > 1:
            header: Any = network.codec.parser.block_header(raw)
            allowed.update(range(len(header.raw) - len(header.verification), len(header.raw)))
        assert set(unseen) <= allowed, entry["file"]


def _flipped(path: Path, raw: bytes, at: int, network: Network) -> Report:
    path.write_bytes(raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :])
    return judge(path, network, None, 0)


def _transaction_witnesses(raw: bytes, network: Network) -> set[int]:
    """Their offsets in a block."""
    found: set[int] = set()
    for transaction in network.codec.parser.transactions(raw):
        start = raw.index(transaction.raw)
        found.update(range(start + len(transaction.unsigned), start + len(transaction.raw)))
    return found


SIGNERS, HEIRS = validators(4), validators(7, salt=1)


@cache
def made(generation: Generation) -> tuple[Network, list[bytes]]:
    """A private network, and its genesis and 60 blocks above it; from 21 on others sign."""
    network = neo_network(generation, SIGNERS)
    chain = NeoChain(network, SIGNERS, changes={20: HEIRS})
    return network, [network.rules.genesis_block, *chain.blocks(60)]


def dumped(blocks: list[bytes], first: int = 0) -> bytes:
    return dump.head(first, len(blocks)) + b"".join(dump.number(len(block)) + block for block in blocks)


def judged(path: Path, content: bytes, network: Network) -> Report:
    path.write_bytes(content)
    return judge(path, network, None, 0)


def refused(report: Report) -> tuple[str, int | None, int]:
    """Rule and height of the fault, and how many blocks passed."""
    assert isinstance(report.error, Fault)
    return report.error.rule, report.error.block.height if report.error.block else None, report.blocks


@pytest.mark.parametrize("generation", GENERATIONS)
def test_changes_of_the_validators_are_followed_through_a_dump(generation: Generation, tmp_path: Path) -> None:
    network, chain = made(generation)
    for first in (0, 1):
        report = judged(tmp_path / "x.acc", dumped(chain[first:], first), network)
        assert (report.valid, report.blocks, report.headers) == (True, 61 - first, 61 - first)
        assert set(report.unchecked) == STATIC
    report = judged(tmp_path / "x.acc", dumped(chain[30:]), network)
    assert report.valid
    assert report.tip is not None
    assert report.tip.height == 60
    # One header, and its block, whose verdict says once more by whom it should have been signed.
    assert {rule: count for rule, count in report.unchecked.items() if rule not in STATIC} == {
        "link": 1,
        "time": 1,
        "next-consensus": 2,
    }


@pytest.mark.parametrize("generation", GENERATIONS)
def test_a_trusted_block_takes_the_place_of_genesis(generation: Generation, tmp_path: Path) -> None:
    network, chain = made(generation)
    header = network.codec.parser.block_header(chain[30])
    trusted = f"30:{header.hash[::-1].hex()}:{header.next_consensus[::-1].hex()}"  # type: ignore[attr-defined]
    there = neo_network(generation, SIGNERS)
    (tmp_path / "x.acc").write_bytes(dumped(chain[31:]))
    report = judge(tmp_path / "x.acc", replace(there, rules=there.rules.trusting(trusted)), None, 0)
    assert report.valid
    assert set(report.unchecked) == STATIC


def changed(block: bytes, network: Network, at: int, value: bytes) -> bytes:
    """Bytes from `at` on replaced, and signed again by the right validators: nothing but that rule is broken."""
    header = network.codec.parser.block_header(block)
    unsigned = header.unsigned[:at] + value + header.unsigned[at + len(value) :]  # type: ignore[attr-defined]
    return sign(network.rules, unsigned, SIGNERS) + block[len(header.raw) :]  # type: ignore[arg-type]


def with_witness(
    block: bytes, network: Network, change: Callable[[list[bytes], bytes], tuple[list[bytes], bytes]]
) -> bytes:
    """A block whose signatures and verification script went through `change`."""
    rules: Any = network.rules
    header: Any = network.codec.parser.block_header(block)
    signatures = [signature(secret, rules.digest(header)) for secret in SIGNERS.secrets[: SIGNERS.threshold]]
    signatures, script = change(signatures, script_of(rules, SIGNERS))
    return bytes(
        header.unsigned + witness(build_invocation(rules.dialect, signatures), script) + block[len(header.raw) :]
    )


AT = 10
"""Height of the block that is broken."""
WITNESSES: dict[str, tuple[Callable[[list[bytes], bytes], tuple[list[bytes], bytes]], str]] = {
    "a bit of a signature": (lambda s, v: ([s[0][:-1] + bytes([s[0][-1] ^ 1]), *s[1:]], v), "bad-witness"),
    "two signatures swapped": (lambda s, v: ([s[1], s[0], *s[2:]], v), "bad-witness"),
    "a signature twice": (lambda s, v: ([s[0], *s[:-1]], v), "bad-witness"),
    "one signature too few": (lambda s, v: (s[:-1], v), "bad-witness"),
    "one signature too many": (lambda s, v: ([*s, s[-1]], v), "bad-witness"),
    "another script": (lambda s, v: (s, v[:-1]), "bad-witness-script"),
    "a trailing opcode": (lambda s, v: (s, v + b"\x61"), "bad-witness-script"),
}


@pytest.mark.parametrize("change", WITNESSES)
@pytest.mark.parametrize("generation", GENERATIONS)
def test_a_dump_with_a_broken_witness_is_refused_there(generation: Generation, change: str, tmp_path: Path) -> None:
    network, chain = made(generation)
    make, rule = WITNESSES[change]
    broken = with_witness(chain[AT], network, make)
    report = judged(tmp_path / "x.acc", dumped([*chain[:AT], broken, *chain[AT + 1 :]]), network)
    assert refused(report) == (rule, AT, AT)


@pytest.mark.parametrize("generation", GENERATIONS)
def test_other_signatures_of_the_same_validators_are_as_good(generation: Generation, tmp_path: Path) -> None:
    network, chain = made(generation)
    other = with_witness(chain[AT], network, lambda signatures, script: (signatures, script))
    report = judged(tmp_path / "x.acc", dumped([*chain[:AT], other, *chain[AT + 1 :]]), network)
    assert report.valid


@pytest.mark.parametrize("generation", GENERATIONS)
def test_a_dump_with_a_broken_header_is_refused_there(generation: Generation, tmp_path: Path) -> None:
    network, chain = made(generation)
    index_at = 72 if generation == "neo2" else 84
    before: Any = network.codec.parser.block_header(chain[AT - 1])
    cases = {
        "bad-prevblk": (4, bytes(32)),
        "bad-merkle-root": (36, bytes(31) + b"\1"),
        "time-too-old": (68, before.timestamp.to_bytes(4 if generation == "neo2" else 8, "little")),
        "bad-height": (index_at, (AT + 1).to_bytes(4, "little")),
    }
    for rule, (at, value) in cases.items():
        broken = changed(chain[AT], network, at, value)
        report = judged(tmp_path / "x.acc", dumped([*chain[:AT], broken, *chain[AT + 1 :]]), network)
        assert refused(report) == (rule, AT, AT)


def test_what_n3_alone_says_of_a_header_is_checked(tmp_path: Path) -> None:
    network, chain = made("neo3")
    for rule, at, value in (("bad-version", 0, b"\1"), ("bad-primary", 88, b"\4")):
        broken = changed(chain[AT], network, at, value)
        report = judged(tmp_path / "x.acc", dumped([*chain[:AT], broken, *chain[AT + 1 :]]), network)
        assert refused(report) == (rule, AT, AT)
    other = neo_network("neo3", SIGNERS, magic=7)
    assert refused(judged(tmp_path / "x.acc", dumped(chain), other)) == ("bad-witness", 1, 1)


@pytest.mark.parametrize("generation", GENERATIONS)
def test_a_changed_next_consensus_breaks_the_next_block(generation: Generation, tmp_path: Path) -> None:
    """Those who sign may name others; then who was named before cannot sign what comes next."""
    network, chain = made(generation)
    rules: Any = network.rules
    header: Any = network.codec.parser.block_header(chain[AT])
    size = len(header.unsigned)
    broken = changed(chain[AT], network, size - 20, bytes(20))
    above = unsigned_header(
        rules,
        prev_hash=network.codec.parser.block_header(broken).hash,
        merkle_root=network.codec.parser.block_header(chain[AT + 1]).merkle_root,  # type: ignore[attr-defined]
        time=header.time + 15,
        height=AT + 1,
        nonce=1,
        following=SIGNERS,
    )
    body = chain[AT + 1][len(network.codec.parser.block_header(chain[AT + 1]).raw) :]
    blocks = [*chain[:AT], broken, sign(rules, above, SIGNERS) + body]
    assert refused(judged(tmp_path / "x.acc", dumped(blocks), network)) == ("bad-witness-script", AT + 1, AT + 1)


@pytest.mark.parametrize("generation", GENERATIONS)
def test_cut_and_prolonged_blocks_are_refused(generation: Generation, tmp_path: Path) -> None:
    network, chain = made(generation)
    for broken in (chain[AT][:-1], chain[AT] + b"\0"):
        report = judged(tmp_path / "x.acc", dumped([*chain[:AT], broken, *chain[AT + 1 :]]), network)
        assert refused(report) == ("bad-encoding", AT, AT)


@pytest.mark.parametrize("generation", GENERATIONS)
def test_blocks_in_blk_framing_and_alone_are_checked_too(generation: Generation, tmp_path: Path) -> None:
    network, chain = made(generation)
    framed = b"".join(network.magic + dump.number(len(block)) + block for block in reversed(chain))
    report = judged(tmp_path / "blk", framed, network)
    assert (report.valid, report.blocks) == (True, 61)
    assert set(report.unchecked) == STATIC
    report = judged(tmp_path / "block", chain[25], network)
    assert (report.valid, report.blocks) == (True, 1)
    header = network.codec.parser.block_header(chain[25]).raw
    assert judged(tmp_path / "header", header, network).headers == 1


def test_a_dump_of_as_many_blocks_as_the_magic_says_is_a_dump(tmp_path: Path) -> None:
    network = neo_network("neo3", SIGNERS, magic=42)
    blocks = list(NeoChain(network, SIGNERS).blocks(42))
    report = judged(tmp_path / "x.acc", dumped(blocks), network)
    assert (report.valid, report.blocks) == (True, 42)


def store_of(directory: Path, network: Network, blocks: list[bytes]) -> Store:
    """A data directory as `headway sync` leaves it."""
    store = Store.open(directory, network)
    parser = network.codec.parser
    raw = records.pack(Headers.joined([parser.block_header(block).raw for block in blocks], parser), 0)
    store.tree.restore(raw)
    store.append_headers(raw)
    for block in blocks:
        store.put_block(parser.block_header(block).hash, block)
    return store


def test_a_stored_real_chain_is_verified_exported_and_the_same_again(
    tmp_path: Path, verify: Verify, capsys: pytest.CaptureFixture[str]
) -> None:
    file = network_file(tmp_path, "neo3", 42, "privnet_4cn")
    network = network_named(str(file), lambda name: Path(name).read_text("utf-8"))
    blocks = list(real_chain("n3-unittestnet-0-50.acc"))
    store_of(tmp_path / "chain", network, blocks[1:]).close()
    code, data = verify(tmp_path / "chain", file)
    assert (code, data["headers"], data["blocks"], data["tip"]["height"]) == (Exit.DONE, 50, 50, 50)
    words = ["export", "--format", "acc", "--network", str(file), "--datadir", str(tmp_path / "chain"), "-q"]
    assert main([*words, str(tmp_path / "out.acc")]) == Exit.DONE
    assert (tmp_path / "out.acc").read_bytes() == read("neo", "n3-unittestnet-0-50.acc"), "byte for byte neo-go's own"
    assert main([*words, "--from", "1", str(tmp_path / "part.acc")]) == Exit.DONE
    capsys.readouterr()
    code, data = verify(tmp_path / "part.acc", file)
    assert (code, data["blocks"], set(data["unchecked"])) == (Exit.DONE, 50, STATIC)


@pytest.mark.parametrize("generation", GENERATIONS)
def test_a_directory_with_a_header_whose_witness_is_garbage_is_refused(generation: Generation, tmp_path: Path) -> None:
    """As a sync with the shortcut may have kept it: its hash is right, and its witness is nobody's."""
    network, chain = made(generation)
    garbage = with_witness(chain[AT], network, lambda signatures, script: ([bytes(64)] * len(signatures), script))
    blocks = [*chain[1:AT], garbage, *chain[AT + 1 :]]
    store_of(tmp_path / "chain", network, blocks).close()
    report = judge(tmp_path / "chain", network, None, 0)
    assert isinstance(report.error, Fault)
    assert (report.error.rule, report.error.block and report.error.block.height) == ("bad-witness", AT)
