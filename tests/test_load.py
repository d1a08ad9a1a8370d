"""A server with a crowd before it: everybody is served, fairly, and memory stays bounded. Figures: `pytest -rP`."""

from __future__ import annotations

import logging
import statistics
from pathlib import Path

import pytest

from bench.processes import allow_descriptors
from headway.networks.bitcoin import REGTEST
from headway.store import Durability, Store
from headway.testing.chain import HEADER_SIZE, regtest_chain, store_chain
from headway.types import Address, Hash
from tests.interop.cli import Headway
from tests.load import Report, crowd
from tests.loopback import on_loop

logger = logging.getLogger(__name__)

BASE = 80_000_000
"""Bytes of memory of a process that serves nobody, at most."""
DESCRIPTORS = 2_000


def made(directory: Path, length: int, size: int) -> list[Hash]:
    """A data directory with a chain, and its hashes."""
    parse = REGTEST.codec.parser.block_header
    store = Store.open(directory, REGTEST, durability=Durability.NONE)
    try:
        blocks = list(regtest_chain(length, sizes=(size, size)))
        for _ in store_chain(store, blocks):
            pass
    finally:
        store.close()
    return [parse(block[:HEADER_SIZE]).hash for block in blocks]


def told(report: Report, peak: int) -> None:
    """The figures, for people."""
    quick, slow = report.finished["quick"], report.finished["slow"]
    rate, least, most = report.block_bytes / 1e6 / report.seconds, min(report.progress), max(report.progress)
    words = (
        f"{report.block_bytes / 1e9:.2f} GB of blocks and {report.headers:,} headers in {report.seconds:.1f} s, "
        f"{rate:.0f} MB/s; peak memory {peak / 1e6:.0f} MB; quick readers done after {min(quick):.1f} to "
        f"{max(quick):.1f} s, median {statistics.median(quick):.1f}; slow ones after {min(slow):.1f} to "
        f"{max(slow):.1f} s; when the first was done, the quick ones had {least:.0%} to {most:.0%}: fairness (Jain) "
        f"{report.fairness:.3f}"
    )
    logger.warning("%s", words)


async def serve(directory: Path, hashes: list[Hash], **kinds: int) -> tuple[Report, int]:
    """What became of a crowd before `headway serve`, and the most memory that it took."""
    inbound = sum(number for kind, number in kinds.items() if kind != "share")
    words = ["--network", "regtest", "--datadir", str(directory), "--bind", "127.0.0.1:0", "--maxinbound", str(inbound)]
    with Headway("serve", *words) as server:
        address = Address.parse(server.wait_for_line(r"^listening (127\.0\.0\.1:\d+)$")[1])
        report = await crowd(address, hashes, **kinds)
        return report, server.peak_memory()


@on_loop
async def test_a_crowd_is_served_beside_those_who_read_slowly_or_nothing(tmp_path: Path) -> None:
    size, length = 50_000, 60
    hashes = made(tmp_path, length, size)
    report, peak = await serve(tmp_path, hashes, readers=20, slow=3, mute=3, loris=20, share=30)
    told(report, peak)
    assert report.block_bytes > 23 * 30 * size * 0.9
    assert report.fairness > 0.5
    assert peak < BASE + (20 + 3 + 3) * (REGTEST.limits.max_send_queue + 2 * size)


@pytest.mark.soak
@on_loop
async def test_five_hundred_clients_take_a_gigabyte(tmp_path: Path) -> None:
    allow_descriptors(DESCRIPTORS)
    size, length = 100_000, 2_500
    hashes = made(tmp_path, length, size)
    report, peak = await serve(tmp_path, hashes, readers=450, slow=50, mute=1, loris=200, share=20)
    told(report, peak)
    assert report.headers == 500 * length
    assert report.block_bytes > 0.9e9
    assert report.fairness > 0.5
    assert peak < BASE + 501 * (REGTEST.limits.max_send_queue + 2 * size)
