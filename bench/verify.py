"""The rules by themselves, nothing received and nothing stored: headers in messages of 2,000, blocks, and the start-up.

    python -m bench.verify [--quick] [--rounds N]

Real chain data; a store of a million made headers is reopened; `headway --help` stands beside a bare Python. The limit
is the kernel's own: the hashing and the walk through the bytes without a rule (without a kernel: hashlib's).
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Final

from bench import chains, limits, measure, processes
from bench.measure import LIMIT, NATIVE, PURE, Contender, Measure, Sample, Target, seconds
from headway import kernel
from headway.chain.headers import HeaderTree
from headway.networks.bitcoin import MAINNET, REGTEST, params
from headway.store import Store
from headway.store.format import FORMATS
from headway.types import BlockRequest
from headway.wire.messages import Headers

MESSAGE: Final = 2_000
"""Headers of a message."""
PERIOD: Final = 2_016
OLD: Final = "mainnet-headers-0-10236"
NEW: Final = "mainnet-headers-822528-830592"
NEW_START: Final = 822_528
BLOCKS: Final = (413_567, 481_829, 514_485, 702_861, 830_000, 831_331)
"""Full ones: before segwit, with its first blocks, with most of its transactions, with taproot and inscriptions."""
QUICK_BLOCKS: Final = (413_567,)
STORED: Final = 1_000_000
QUICK_STORED: Final = 6_000
WALL_TIME: Final = 2_000_000_000

HEADERS_OLD: Final = "headers 0 to 10236, indexed"
HEADERS_TREE: Final = "headers 0 to 10236, by the tree"
HEADERS_NEW: Final = "headers 824544 to 830592, indexed"
REOPENING: Final = "reopening the store"
HELP: Final = "headway --help"


def block_name(height: int) -> str:
    return f"block {height}"


def main() -> None:
    arguments = measure.options(__doc__ or "").parse_args()
    rounds = 1 if arguments.quick else arguments.rounds
    heights = QUICK_BLOCKS if arguments.quick else BLOCKS
    blocks = _write_blocks(heights)
    store = _make_store(QUICK_STORED if arguments.quick else STORED)
    contenders = {
        **{who: _both(who, heights, store, quick=arguments.quick) for who in measure.OURS},
        LIMIT: processes.ours(kernel.NAME, "verify", "limit", *heights),
        "bcoin": processes.bcoin("parse", blocks),
        "btclib": processes.with_library("btclib", "parse", blocks),
        "python-bitcoinlib": processes.with_library("python-bitcoinlib", "parse", blocks),
        "bare Python": lambda: {HELP: _start(sys.executable, "-c", "pass")},
    }
    measures = [
        Measure(HEADERS_OLD, "headers/s"),
        Measure(HEADERS_TREE, "headers/s"),
        Measure(HEADERS_NEW, "headers/s"),
        *(Measure(block_name(height), "ms", more_is_better=False) for height in heights),
        Measure(REOPENING, "ms", more_is_better=False),
        Measure(HELP, "ms", more_is_better=False),
    ]
    figures = measure.figures(measures, measure.contest(contenders, rounds))
    settings = {
        "rounds": rounds,
        "headers stored": QUICK_STORED if arguments.quick else STORED,
        "limit hashes by": limits.BY,
    }
    measure.report(
        "verify", arguments, settings, figures=figures, targets=measure.judge(list(_targets(heights)), figures)
    )


def _targets(heights: tuple[int, ...]) -> Iterator[Target]:
    for name in (HEADERS_OLD, HEADERS_NEW):
        yield Target(name, NATIVE, 8_000_000)
        yield Target(name, PURE, 450_000)
    yield Target(block_name(413_567), NATIVE, 1.1)
    for height in heights:
        yield Target(block_name(height), NATIVE, 1.3, LIMIT)
        yield Target(block_name(height), PURE, 8, LIMIT)
    yield Target(REOPENING, NATIVE, 150)
    yield Target(REOPENING, PURE, 2_000)
    yield Target(HELP, NATIVE, 60)
    yield Target(HELP, PURE, 60)


def _both(who: str, heights: tuple[int, ...], store: Path, *, quick: bool) -> Contender:
    """The rules in one process, the store in a fresh one, and the command."""
    rules = processes.ours(who, "verify", "rules", *heights)
    reopen = processes.ours(who, "verify", "reopen", store)
    turns = 1 if quick else 5
    command = Path(sys.executable).with_name("headway")
    return lambda: {**rules(), **reopen(), HELP: statistics.median(_start(command, "--help") for _ in range(turns))}


def _start(*argv: str | Path) -> float:
    """Milliseconds from the start of a program to its end."""
    start = time.perf_counter()
    subprocess.run(argv, check=True, stdout=subprocess.DEVNULL)
    return (time.perf_counter() - start) * 1e3


# What runs in a process of its own.


def rules(heights: list[int]) -> Sample:
    """Headers a second, and milliseconds a block."""
    return {
        HEADERS_OLD: _rate_from_genesis(),
        HEADERS_TREE: _rate_of_tree(),
        HEADERS_NEW: _rate_from_middle(),
        **{block_name(block.height): _time_block(block) for block in chains.real_blocks(*heights)},
    }


def reopen(path: Path) -> Sample:
    start = time.perf_counter()
    with Store.open(path, REGTEST, readonly=True) as store:
        assert len(store.tree) > 1, "it has headers"
        return {REOPENING: (time.perf_counter() - start) * 1e3}


def limit(heights: list[int]) -> Sample:
    """The same work without a rule."""
    headers = {HEADERS_OLD: chains.real_headers(OLD), HEADERS_NEW: chains.real_headers(NEW)}
    rates = {name: len(raw) // 80 / seconds(partial(limits.hash_headers, raw, 80)) for name, raw in headers.items()}
    blocks = chains.real_blocks(*heights)
    return {
        **rates,
        HEADERS_TREE: rates[HEADERS_OLD],
        **{block_name(block.height): seconds(partial(limits.hash_block, block.raw)) * 1e3 for block in blocks},
    }


def _rate_from_genesis() -> float:
    raw = chains.real_headers(OLD)
    return (
        len(raw) // 80 / seconds(lambda: _check_indexed(raw, kernel.HeaderContext(-1, bytes(32), (), None, None, None)))
    )


def _rate_from_middle() -> float:
    """The first period is the context."""
    raw = chains.real_headers(NEW)
    recent = [raw[at * 80 : at * 80 + 80] for at in range(PERIOD - 11, PERIOD)]
    context = kernel.context_from(params.MAINNET.header, NEW_START + PERIOD - 1, recent, raw[:80])
    rest = raw[PERIOD * 80 :]
    return len(rest) // 80 / seconds(partial(_check_indexed, rest, context))


def _check_indexed(raw: bytes, context: kernel.HeaderContext) -> None:
    """Every rule of headers, message by message, and each one into a new index."""
    index, parent = kernel.HeaderIndex(80), -1
    for at in range(0, len(raw), MESSAGE * 80):
        part = raw[at : at + MESSAGE * 80]
        check = kernel.check_headers(part, 80, params.MAINNET.header, context, WALL_TIME)
        assert not check.rule, f"{check.rule}: {check.detail}"
        index.extend(part, check.hashes, parent, check.works)
        context, parent = check.context, len(index) - 1


def _rate_of_tree() -> float:
    """From messages as they travel, by all that the engine does with them before they are stored."""
    raw, parser = chains.real_headers(OLD)[80:], MAINNET.codec.parser
    spaced = b"".join(raw[at : at + 80] + b"\0" for at in range(0, len(raw), 80))
    size = MESSAGE * 81
    messages = [Headers.fixed(spaced[at : at + size], parser, size=80, stride=81) for at in range(0, len(spaced), size)]

    def work() -> None:
        tree = HeaderTree(MAINNET)
        for message in messages:
            added = tree.add(message, WALL_TIME)
            assert added.count == len(message), f"{added.error}"

    return len(raw) // 80 / seconds(work)


def _time_block(block: chains.RealBlock) -> float:
    request = BlockRequest(None, block.height, hash=block.hash)
    own_time = int.from_bytes(block.raw[68:72], "little")  # in place of its parent's median, which is a little less

    def work() -> None:
        verdict = MAINNET.rules.verify_block(request, own_time, block.raw)
        assert not verdict.rule, verdict

    return seconds(work) * 1e3


# What is prepared.


def _write_blocks(heights: tuple[int, ...]) -> Path:
    """The blocks for the others: each behind its name, both behind their length."""
    path = chains.CACHE / f"real-{'-'.join(map(str, heights))}.bin"
    if not path.exists():
        chains.CACHE.mkdir(parents=True, exist_ok=True)
        pieces = [
            piece for block in chains.real_blocks(*heights) for piece in (block_name(block.height).encode(), block.raw)
        ]
        path.write_bytes(b"".join(len(piece).to_bytes(4, "little") + piece for piece in pieces))
    return path


def _make_store(count: int) -> Path:
    """A data directory with that many headers, as a sync leaves it."""
    path = chains.CACHE / "-".join(map(str, ("store", count, *FORMATS.values())))
    raw = chains.made_headers(count).read_bytes()
    with Store.open(path, REGTEST) as store:
        for at in range((len(store.tree) - 1) * 80, len(raw), MESSAGE * 80):
            part = raw[at : at + MESSAGE * 80]
            store.tree.restore(part)
            store.append_headers(part)
    return path


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["rules", *heights]:
            print(json.dumps(rules([int(height) for height in heights])))
        case ["limit", *heights]:
            print(json.dumps(limit([int(height) for height in heights])))
        case ["reopen", path]:
            print(json.dumps(reopen(Path(path))))
        case _:
            main()
