"""Proofs of Neo: headers and blocks that 5 of 7 validators signed, with every signature and with the shortcut.

    python -m bench.neo [--quick] [--rounds N] [--count N]

The limit verifies the very signatures that must be verified, keys and signatures decoded beforehand, and does nothing
else; for the shortcut it hashes each header. It takes turns with ours in one process, for what counts is the ratio.
Chains are made on the spot. Nothing is received and nothing stored.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final, NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.hashes import SHA256

from bench import measure, processes
from bench.measure import LIMIT, OURS, Measure, Sample, Target
from headway.network import Proof
from headway.networks.dbft.context import HeaderContext, after
from headway.networks.dbft.rules import DbftRules
from headway.networks.dbft.script import parse_invocation, parse_verification
from headway.networks.dbft.witness import der
from headway.testing.neo_chain import Generation, NeoChain, neo_network, validators
from headway.types import BlockRequest
from headway.wire.messages import Headers

COUNT: Final = 500
"""A quarter of a full message: 3,300 signatures held against keys."""
QUICK_COUNT: Final = 20
VALIDATORS: Final = 7
"""As on the public networks: 5 of them must sign."""
TRANSACTIONS: Final = (0, 10)
HEADERS: Final = "headers, every signature"
BLOCKS: Final = "blocks"
SHORTCUT: Final = "headers, shortcut"
GENERATIONS: Final[tuple[Generation, ...]] = ("neo3", "neo2")
THREADS: Final = {1: "by CPU time", 2: "2 threads"}
"""One thread is measured by its CPU time, which others on the machine cannot take away; two by the clock."""

TURNS: Final = 5
_ALGORITHM: Final = ec.ECDSA(utils.Prehashed(SHA256()))


class Attempt(NamedTuple):
    """One signature held against one key."""

    verify: Callable[..., None]
    signature: bytes
    """As DER."""
    digest: bytes


class Block(NamedTuple):
    request: BlockRequest
    context: HeaderContext
    raw: bytes


class Chain(NamedTuple):
    rules: DbftRules
    blocks: list[Block]
    headers: Headers


def main() -> None:
    parser = measure.options(__doc__ or "")
    parser.add_argument("--count", type=int, default=0, help=f"headers and blocks of a chain  [default: {COUNT}]")
    arguments = parser.parse_args()
    count = arguments.count or (QUICK_COUNT if arguments.quick else COUNT)
    rounds = 1 if arguments.quick else arguments.rounds
    found = measure.contest({who: processes.ours(who, "neo", "turns", count) for who in OURS}, rounds)
    proven = [(each, what, clock) for each in GENERATIONS for what in (HEADERS, BLOCKS) for clock in THREADS.values()]
    measures = [
        *(Measure(f"signatures alone, {clock}", "signatures/s") for clock in THREADS.values()),
        *(Measure(f"{each} {what}, {clock}", "/s") for each, what, clock in proven),
        *(Measure(f"{each} {what}, {clock}, of the limit", "x") for each, what, clock in proven),
        *(Measure(f"{each} {SHORTCUT}", "headers/s") for each in GENERATIONS),
        *(Measure(f"{each} {SHORTCUT}, of the limit", "x") for each in GENERATIONS),
    ]
    figures = measure.figures(measures, found)
    targets = [
        Target(f"{each} {what}, {clock}, of the limit", who, 0.8) for each, what, clock in proven for who in OURS
    ]
    settings = {"headers": count, "validators": VALIDATORS, "rounds": rounds}
    measure.report("neo", arguments, settings, figures=figures, targets=measure.judge(targets, figures))


# What runs in a process of its own.


def turns(count: int) -> Sample:
    """Ours as the engine does it, and the limit, in turns: a message is judged, and its proofs spread over threads."""
    sample: dict[str, float] = {}
    for generation in GENERATIONS:
        chain = make_chain(generation, count)
        attempts = [attempt for block in chain.blocks for attempt in attempts_of(chain.rules, block.raw)]
        for threads, clock in THREADS.items():
            with Threads(threads) as spread:
                works = {
                    LIMIT: partial(spread, _attempt_all, attempts),
                    HEADERS: partial(_prove, chain, spread),
                    BLOCKS: partial(_verify, chain, spread),
                }
                taken = in_turns(time.process_time if threads == 1 else time.perf_counter, works)
            sample[f"signatures alone, {clock}"] = len(attempts) / taken[LIMIT]
            for what in (HEADERS, BLOCKS):
                sample[f"{generation} {what}, {clock}"] = count / taken[what]
                sample[f"{generation} {what}, {clock}, of the limit"] = taken[LIMIT] / taken[what]
        hashing = {LIMIT: partial(_hash_all, chain), SHORTCUT: partial(_take_shortcut, chain)}
        taken = in_turns(time.process_time, hashing)
        sample[f"{generation} {SHORTCUT}"] = count / taken[SHORTCUT]
        sample[f"{generation} {SHORTCUT}, of the limit"] = taken[LIMIT] / taken[SHORTCUT]
    return sample


def in_turns(clock: Callable[[], float], works: Mapping[str, Callable[[], None]]) -> dict[str, float]:
    """Seconds that one call of each takes: medians of a few turns, so that all meet the same machine."""
    taken: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(TURNS):
        for name, work in works.items():
            start = clock()
            work()
            taken[name].append(clock() - start)
    return {name: statistics.median(times) for name, times in taken.items()}


class Threads:
    """Spreads work as the driver does: items in turns over the threads, or in the calling one where it is alone."""

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._pool = ThreadPoolExecutor(threads) if threads > 1 else None

    def __enter__(self) -> Callable[[Callable[..., None], Sequence[object]], None]:
        return self._spread

    def __exit__(self, *_: object) -> None:
        if self._pool is not None:
            self._pool.shutdown()

    def _spread(self, work: Callable[..., None], items: Sequence[object]) -> None:
        if self._pool is None:
            work(items)
            return
        for _ in self._pool.map(work, [items[start :: self._threads] for start in range(self._threads)]):
            pass


def make_chain(generation: Generation, count: int) -> Chain:
    signers = validators(VALIDATORS)
    made = NeoChain(neo_network(generation, signers), signers, transactions=TRANSACTIONS)
    rules, blocks, context = made.rules, [], made.rules.context_at(1)
    starts, ends, message = [], [], bytearray()
    for raw in made.blocks(count):
        header = rules.parser.block_header(raw)
        blocks.append(Block(BlockRequest(header, header.height), context, raw))
        context = after(header, header.hash)
        starts.append(len(message))
        message += header.raw
        ends.append(len(message))
    return Chain(rules, blocks, Headers(bytes(message), starts, ends, rules.parser))


def attempts_of(rules: DbftRules, raw: bytes) -> Iterable[Attempt]:
    """The signatures of a block held against its keys, as often as it takes to prove it."""
    header = rules.parser.block_header(raw)
    multisig = parse_verification(rules.dialect, header.verification)
    signatures = list(parse_invocation(rules.dialect, header.invocation, multisig.threshold))
    digest = rules.digest(header)
    for key in multisig.keys:
        if not signatures:
            return
        public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), key)
        attempt = Attempt(public.verify, der(signatures[0]), digest)
        yield attempt
        if _holds(attempt):
            signatures.pop(0)


def _holds(attempt: Attempt) -> bool:
    try:
        attempt.verify(attempt.signature, attempt.digest, _ALGORITHM)
    except InvalidSignature:
        return False
    return True


def _attempt_all(attempts: Sequence[Attempt]) -> None:
    for attempt in attempts:
        _holds(attempt)


def _prove(chain: Chain, spread: Callable[..., None]) -> None:
    verdict = chain.rules.check_headers(chain.headers, chain.rules.context_at(1), 0.0)
    assert verdict.accepted == len(chain.blocks), f"{verdict.error}"
    spread(_check_proofs, verdict.proofs)


def _check_proofs(proofs: Sequence[Proof]) -> None:
    for proof in proofs:
        assert not proof.check(), f"header {proof.number}"


def _take_shortcut(chain: Chain) -> None:
    verdict = chain.rules.check_headers(chain.headers, chain.rules.context_at(1), 0.0, thorough=False)
    assert verdict.accepted == len(chain.blocks), f"{verdict.error}"
    _check_proofs(verdict.proofs)


def _verify(chain: Chain, spread: Callable[..., None]) -> None:
    def verify(blocks: Sequence[Block]) -> None:
        for block in blocks:
            verdict = chain.rules.verify_block(*block)
            assert not verdict.rule, verdict

    spread(verify, chain.blocks)


def _hash_all(chain: Chain) -> None:
    chain.rules.restore(chain.headers)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["turns", count]:
            print(json.dumps(turns(int(count))))
        case _:
            main()
