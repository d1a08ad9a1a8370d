"""`headway verify` and files that somebody damaged: refused always, or at least judged, never a crash."""

from __future__ import annotations

import lzma
import tempfile
from functools import cache
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from headway.cli.verify import judge
from headway.cli.verify.report import Fault, Report
from headway.errors import ConfigError
from headway.network import Network
from headway.networks import names, network_named
from headway.store import dump
from headway.testing.neo_chain import Generation, NeoChain, neo_network, validators
from tests.chain_builder import block_time, regtest_chain
from tests.data import read

MAINNET, REGTEST = network_named("bitcoin"), network_named("regtest")
CHAIN = regtest_chain(14, transactions_per_block=1)
NOW = block_time(CHAIN[-1])


def judged(content: bytes, network_name: str = "regtest", from_height: int | None = None) -> Report:
    with tempfile.NamedTemporaryFile() as file:
        Path(file.name).write_bytes(content)
        return judge(Path(file.name), network_named(network_name), from_height, NOW)


def framed(blocks: list[bytes], magic: bytes = REGTEST.magic) -> bytes:
    return b"".join(magic + len(block).to_bytes(4, "little") + block for block in blocks)


def dumped(blocks: list[bytes], first: int = 0) -> bytes:
    return dump.head(first, len(blocks)) + b"".join(dump.number(len(block)) + block for block in blocks)


SOUND = {
    "headers": b"".join(block[:80] for block in CHAIN),
    "headers from the middle": b"".join(block[:80] for block in CHAIN[5:]),
    "sparse headers": b"".join(height.to_bytes(4, "little") + CHAIN[height - 1][:80] for height in (1, 2, 5, 6, 7, 12)),
    "a block file": framed(CHAIN),
    "a block file from the middle": framed(CHAIN[5:]),
    "a chain dump": dumped(CHAIN),
    "a chain dump from the middle": dumped(CHAIN[5:], 6),
    "a block": CHAIN[-1],
}


def test_all_of_them_are_sound() -> None:
    assert all(judged(content).valid for content in SOUND.values())


@given(st.sampled_from(sorted(SOUND)), st.data())
def test_a_file_changed_anywhere_is_judged(kind: str, data: st.DataObject) -> None:
    content = bytearray(SOUND[kind])
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(content)))
        end = start + data.draw(st.integers(0, 200))
        content[start:end] = data.draw(st.binary(max_size=200))
    packed = data.draw(st.booleans())
    from_height = data.draw(st.none() | st.integers(0, 20))
    try:
        report = judged(lzma.compress(content) if packed else bytes(content), from_height=from_height)
    except ConfigError as error:
        assert from_height is not None, "only what the user says can be the user's mistake"
        assert "--from-height" in str(error)  # noqa: PT017  (one of two right ends)
        return
    assert report.valid or isinstance(report.error, Fault)


@given(st.binary(max_size=2_000), st.sampled_from(names()))
def test_garbage_is_never_valid(content: bytes, network_name: str) -> None:
    for prefix in (b"", network_named(network_name).magic, b"\xfd7zXZ\0"):
        assert not judged(prefix + content, network_name).valid


@given(st.sampled_from(["mainnet-headers-0-10236.bin.xz", "mainnet-0-438.blk.dat.xz"]), st.data())
def test_no_flipped_bit_in_a_real_file_goes_unseen(name: str, data: st.DataObject) -> None:
    folder = () if "headers" in name else ("blocks",)
    content = bytearray(read("bitcoin", *folder, name)[: 80 * 300])
    if folder:  # whole blocks alone
        ends, at = [0], 0
        while at + 8 <= len(content):
            at += 8 + int.from_bytes(content[at + 4 : at + 8], "little")
            ends.append(at)
        del content[max(end for end in ends if end <= len(content)) :]
    at = data.draw(st.integers(0, len(content) - 1))
    content[at] ^= 1 << data.draw(st.integers(0, 7))
    assert judged(bytes(content), "bitcoin").refused


@given(st.sampled_from(sorted(SOUND)), st.data())
def test_a_file_cut_anywhere_is_refused_unless_what_is_left_is_whole(kind: str, data: st.DataObject) -> None:
    content = SOUND[kind]
    size = data.draw(st.integers(0, len(content) - 1))
    report = judged(content[:size])
    record = 80 if kind.startswith("headers") else 84
    if kind in {"headers", "headers from the middle", "sparse headers"}:
        assert report.refused == bool(size == 0 or size % record)
    elif kind.startswith("a chain dump"):
        assert report.refused
    elif kind == "a block":
        assert report.refused == (size != 80), "80 bytes of a block are a header"
    else:
        ends = [len(framed(CHAIN[at:end])) for at in (0, 5) for end in range(at + 1, len(CHAIN))]
        assert report.refused == (size not in ends)


@cache
def neo_dump(generation: Generation) -> tuple[Network, bytes]:
    network = neo_network(generation, validators(2))
    return network, dumped([network.rules.genesis_block, *NeoChain(network, validators(2)).blocks(8)])


@given(st.sampled_from(["neo2", "neo3"]), st.data())
def test_a_dump_of_signed_blocks_changed_anywhere_is_judged(generation: Generation, data: st.DataObject) -> None:
    network, sound = neo_dump(generation)
    content = bytearray(sound)
    for _ in range(data.draw(st.integers(0, 3))):
        start = data.draw(st.integers(0, len(content)))
        end = start + data.draw(st.integers(0, 200))
        content[start:end] = data.draw(st.binary(max_size=200))
    with tempfile.NamedTemporaryFile() as file:
        Path(file.name).write_bytes(content)
        report = judge(Path(file.name), network, None, NOW)
    assert report.valid or isinstance(report.error, Fault)
    assert report.valid or bytes(content) != sound


@given(st.sampled_from(["neo2", "neo3"]), st.data())
def test_a_dump_of_signed_blocks_cut_anywhere_is_refused(generation: Generation, data: st.DataObject) -> None:
    network, sound = neo_dump(generation)
    with tempfile.NamedTemporaryFile() as file:
        Path(file.name).write_bytes(sound[: data.draw(st.integers(0, len(sound) - 1))])
        assert judge(Path(file.name), network, None, NOW).refused
