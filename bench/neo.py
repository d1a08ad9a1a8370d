"""Proofs of Neo: headers and blocks that 5 of 7 validators signed, with every signature and with the shortcut.

    python -m bench.neo [--quick] [--rounds N] [--count N]

The limit verifies the very signatures that must be verified, keys and signatures decoded beforehand, and does nothing
else; for the shortcut it hashes each header. Chains are made on the spot. Nothing is received and nothing stored.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final, NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.hashes import SHA256

from bench import measure, processes
from bench.measure import LIMIT, NATIVE, OURS, PURE, Measure, Sample, Target
from headway import kernel
from headway.network import Proof
from headway.networks.dbft.context import HeaderContext, after
from headway.networks.dbft.rules import DbftRules
from headway.networks.dbft.script import parse_invocation, parse_verification
from headway.networks.dbft.witness import der
from headway.testing.neo_chain import Generation, NeoChain, neo_network, validators
from headway.types import BlockRequest
from headway.wire.messages import Headers

COUNT: Final = 1_000
"""Half of a full message: 7,000 signatures and more."""
QUICK_COUNT: Final = 20
VALIDATORS: Final = 7
"""As on the public networks: 5 of them must sign."""
TRANSACTIONS: Final = (0, 10)
GENERATIONS: Final[tuple[Generation, ...]] = ("neo3", "neo2")
THREADS: Final = {1: "by CPU time", 2: "2 threads"}
"""One thread is measured by its CPU time, which others on the machine cannot take away; two by the clock."""

_TURNS: Final = 9
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


def headers_of(generation: str, threads: int) -> str:
    return f"{generation} headers, every signature, {THREADS[threads]}"


def blocks_of(generation: str, threads: int) -> str:
    return f"{generation} blocks, {THREADS[threads]}"


def shortcut_of(generation: str) -> str:
    return f"{generation} headers, shortcut"


def signatures_of(threads: int) -> str:
    return f"signatures, {THREADS[threads]}"


def main() -> None:
    parser = measure.options(__doc__ or "")
    parser.add_argument("--count", type=int, default=0, help=f"headers and blocks of a chain  [default: {COUNT}]")
    arguments = parser.parse_args()
    count = arguments.count or (QUICK_COUNT if arguments.quick else COUNT)
    rounds = 1 if arguments.quick else arguments.rounds
    contenders = {who: processes.ours(who, "neo", "ours", count) for who in OURS}
    contenders[LIMIT] = processes.ours(NATIVE if kernel.NAME == "native" else PURE, "neo", "limit", count)
    found = measure.contest(contenders, rounds)
    proven = [name(each, threads) for each in GENERATIONS for name in (headers_of, blocks_of) for threads in THREADS]
    measures = [
        *(Measure(name, "blocks/s" if "blocks" in name else "headers/s") for name in proven),
        *(Measure(shortcut_of(generation), "headers/s") for generation in GENERATIONS),
    ]
    figures = measure.figures(measures, found)
    measure.report(
        "neo",
        arguments,
        {"headers": count, "validators": VALIDATORS, "rounds": rounds, **_signature_rates(found[LIMIT])},
        figures=figures,
        targets=measure.judge([Target(name, who, 0.8, LIMIT) for name in proven for who in OURS], figures),
    )


def _signature_rates(samples: list[Sample] | str) -> dict[str, int]:
    """Attempts a second of the limit's last round, for people."""
    if isinstance(samples, str):
        return {}
    return {f"{signatures_of(threads)}, /s": round(samples[-1][signatures_of(threads)]) for threads in THREADS}


# What runs in a process of its own.


def ours(count: int) -> Sample:
    """As the engine does it: a message is judged, and its proofs are spread over threads."""
    sample: dict[str, float] = {}
    for generation in GENERATIONS:
        chain = make_chain(generation, count)
        for threads in THREADS:
            with Threads(threads) as spread:
                sample[headers_of(generation, threads)] = count / once(threads, partial(_prove, chain, spread))
                sample[blocks_of(generation, threads)] = count / once(threads, partial(_verify, chain, spread))
        sample[shortcut_of(generation)] = count / often(partial(_take_shortcut, chain))
    return sample


def limit(count: int) -> Sample:
    """The signatures alone; for the shortcut the hashes alone."""
    sample: dict[str, float] = {}
    for generation in GENERATIONS:
        chain = make_chain(generation, count)
        attempts = [attempt for block in chain.blocks for attempt in attempts_of(chain.rules, block.raw)]
        for threads in THREADS:
            with Threads(threads) as spread:
                taken = once(threads, partial(spread, _attempt_all, attempts))
            sample[headers_of(generation, threads)] = sample[blocks_of(generation, threads)] = count / taken
            sample[signatures_of(threads)] = len(attempts) / taken
        sample[shortcut_of(generation)] = count / often(partial(_hash_all, chain))
    return sample


def once(threads: int, work: Callable[[], object]) -> float:
    """Seconds of one call, see `THREADS`: it takes long enough, and rounds repeat it."""
    clock = time.process_time if threads == 1 else time.perf_counter
    start = clock()
    work()
    return clock() - start


def often(work: Callable[[], object]) -> float:
    """CPU seconds of one call, where it is short."""
    return statistics.median(once(1, work) for _ in range(_TURNS))


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
        case ["ours", count]:
            print(json.dumps(ours(int(count))))
        case ["limit", count]:
            print(json.dumps(limit(int(count))))
        case _:
            main()
