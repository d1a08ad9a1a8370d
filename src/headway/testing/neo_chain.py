"""Chains of Neo made on the spot, of both generations: real signatures, real merkle roots, validators that change.

    signers = validators(4)
    network = neo_network("neo3", signers)          # private: its genesis names these validators
    chain = NeoChain(network, signers, changes={100: validators(7, salt=1)})
    blocks = list(chain.blocks(200))                # raw, after genesis

A block is a function of its parent and of `salt`: the same arguments give the same chain, another salt gives a second
one that the same validators signed, which no honest ones would. Every block passes `verify_block`; what transactions do
is invented, as a full node would find out. `sign` signs any header, for those who want to break something first.
Called by the tests and the benchmarks; secret keys are numbers that anybody can guess.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import count
from struct import Struct
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from headway import kernel
from headway.networks import neo2, neo3
from headway.networks.dbft.consensus import consensus_script, next_consensus, sorted_keys, threshold
from headway.networks.dbft.rules import DbftRules
from headway.networks.dbft.script import Dialect, build_invocation
from headway.types import Hash, Height
from headway.wire.buffer import compact_size

if TYPE_CHECKING:
    from headway.network import Network

Generation: TypeAlias = Literal["neo2", "neo3"]

SPACING: Final = 15
"""Seconds from a block to the next, as on the public networks."""
MAGIC: Final = 56753
"""That of most private networks."""
_PORT: Final = 20333
_ALGORITHM: Final = ec.ECDSA(utils.Prehashed(SHA256()), deterministic_signing=True)

_LEGACY: Final = Struct("<I32s32sIIQ20s")  # version, previous, merkle root, time, height, nonce, next consensus
_N3: Final = Struct("<I32s32sQQIB20s")  # version, previous, merkle root, time, nonce, height, primary, next consensus
_N3_TRANSACTION: Final = Struct("<BIqqI")  # version, nonce, system fee, network fee, valid until
_MINER: Final = b"\x00\x00"
_NO_WITNESS: Final = b"\x00"


@dataclass(frozen=True, slots=True)
class Validators:
    """Those who sign blocks: secret keys."""

    secrets: tuple[int, ...]
    """In the order of their public keys, as the script has them."""

    @property
    def keys(self) -> tuple[bytes, ...]:
        """Compressed public keys, in the same order."""
        return tuple(_public(secret) for secret in self.secrets)

    @property
    def threshold(self) -> int:
        """How many must sign."""
        return threshold(len(self.secrets))


def validators(number: int, *, salt: int = 0) -> Validators:
    """So many of them; another salt gives others."""
    by_key = {_public(secret): secret for secret in range(1 + 10_000 * salt, 1 + 10_000 * salt + number)}
    return Validators(tuple(by_key[key] for key in sorted_keys(by_key)))


def neo_network(
    generation: Generation, signers: Validators, *, magic: int = MAGIC, state_root: bool = False
) -> Network:
    """A private network whose genesis names `signers`. `state_root` is for N3 alone."""
    name = f"{generation}-private-{magic}"
    if generation == "neo2":
        return neo2.network_of(neo2.Neo2Params(name, magic, _PORT, signers.keys))
    return neo3.network_of(neo3.Neo3Params(name, magic, _PORT, signers.keys, state_root=state_root))


def sign(rules: DbftRules, unsigned: bytes, signers: Validators, *, by: Sequence[int] | None = None) -> bytes:
    """The whole header: `unsigned` and a witness. `by`: which of them sign, in which order; None: as many as must."""
    digest = rules.digest(rules.parser.header(unsigned))
    chosen = range(signers.threshold) if by is None else by
    signatures = [signature(signers.secrets[index], digest) for index in chosen]
    return unsigned + witness(build_invocation(rules.dialect, signatures), script_of(rules, signers))


def script_of(rules: DbftRules, signers: Validators) -> bytes:
    """Their verification script."""
    return _script(rules.dialect, signers)


def signature(secret: int, digest: bytes) -> bytes:
    """Of 32 bytes, as r and s; always the same."""
    r, s = utils.decode_dss_signature(_private(secret).sign(digest, _ALGORITHM))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def witness(invocation: bytes, verification: bytes) -> bytes:
    """The list of one witness that ends a header."""
    return b"\x01" + b"".join(compact_size(len(script)) + script for script in (invocation, verification))


class NeoChain:
    """The chain of one network, block by block.

    `changes`: the block at a height -> validators whom it names, so that they sign from the next one on.
    `transactions`: least and most of a block, besides a Legacy block's own.
    """

    def __init__(
        self,
        network: Network,
        signers: Validators,
        *,
        changes: Mapping[Height, Validators] | None = None,
        transactions: tuple[int, int] = (0, 2),
        salt: int = 0,
    ) -> None:
        rules = network.rules
        assert isinstance(rules, DbftRules), "it is a network of Neo"
        self.network = network
        self.rules = rules
        self._changes = dict(changes or {})
        self._transactions = transactions
        self._salt = salt
        self._signers = {_heirs(rules.dialect, each): each for each in (signers, *self._changes.values())}

    def blocks(self, length: int | None = None, *, parent: bytes = b"") -> Iterator[bytes]:
        """Raw blocks after the block `parent` (genesis when empty); endless without a `length`.

        Raises ValueError for a parent that names validators whose secret keys are not known here.
        """
        parent = parent or self.rules.first_block
        for _ in count() if length is None else range(length):
            parent = self._block(parent)
            yield parent

    def headers(self, length: int, *, parent: bytes = b"") -> Iterator[bytes]:
        """Whole headers of the same blocks, which are made and thrown away."""
        return (self.rules.parser.block_header(block).raw for block in self.blocks(length, parent=parent))

    def _block(self, parent: bytes) -> bytes:
        before = self.rules.parser.block_header(parent)
        signers = self._signers.get(before.next_consensus)
        if signers is None:
            raise ValueError("the parent names validators whose secret keys are not known here")
        height = before.height + 1
        rng = random.Random(f"{self._salt} {before.hash.hex()}")
        number = rng.randint(*self._transactions)
        legacy = isinstance(self.rules, neo2.Neo2Rules)
        make = legacy_transaction if legacy else n3_transaction
        transactions = [make(rng, height) for _ in range(number)]
        if legacy:
            transactions.insert(0, (_MINER + rng.randbytes(4) + bytes(3), _NO_WITNESS))
        root, _ = kernel.merkle_root(b"".join(self.rules.hash_of(unsigned) for unsigned, _ in transactions))
        following = self._changes.get(height, signers)
        header = unsigned_header(
            self.rules,
            prev_hash=before.hash,
            merkle_root=root,
            time=before.time + SPACING,
            height=height,
            nonce=rng.getrandbits(64),
            following=following,
        )
        by = sorted(rng.sample(range(len(signers.secrets)), signers.threshold))
        body = compact_size(len(transactions)) + b"".join(map(b"".join, transactions))
        return sign(self.rules, header, signers, by=by) + body


def unsigned_header(
    rules: DbftRules,
    *,
    prev_hash: Hash,
    merkle_root: Hash,
    time: int,
    height: Height,
    nonce: int,
    following: Validators,
) -> bytes:
    """The kept part of a header. `time` in unix seconds; `following`: who signs the next one."""
    heirs = _heirs(rules.dialect, following)
    if not isinstance(rules, neo3.Neo3Rules):
        return _LEGACY.pack(0, prev_hash, merkle_root, time, height, nonce, heirs)
    head = _N3.pack(0, prev_hash, merkle_root, 1000 * time, nonce, height, 0, heirs)
    return head.ljust(rules.kept_size, b"\x5a")  # a state root, where there is one, is any 32 bytes


def legacy_transaction(rng: random.Random, height: Height) -> tuple[bytes, bytes]:
    """A transfer with a remark: its hashed part and its witnesses."""
    del height
    remark = rng.randbytes(rng.randrange(80))
    unsigned = b"".join(
        (
            b"\x80\x00",  # contract, version 0
            b"\x01\xf0" + compact_size(len(remark)) + remark,
            b"\x01" + rng.randbytes(34),  # an input
            b"\x01" + rng.randbytes(32) + rng.getrandbits(40).to_bytes(8, "little") + rng.randbytes(20),
        )
    )
    return unsigned, witness(b"\x40" + rng.randbytes(64), b"\x21" + rng.randbytes(33) + b"\xac")


def n3_transaction(rng: random.Random, height: Height) -> tuple[bytes, bytes]:
    """A script with one signer: its hashed part and its witnesses."""
    script = rng.randbytes(rng.randrange(1, 80))
    unsigned = b"".join(
        (
            _N3_TRANSACTION.pack(0, rng.getrandbits(32), rng.getrandbits(40), rng.getrandbits(40), height + 100),
            b"\x01" + rng.randbytes(20) + b"\x01",  # one signer, for this call alone
            b"\x00",  # no attributes
            compact_size(len(script)) + script,
        )
    )
    return unsigned, witness(b"\x0c\x40" + rng.randbytes(64), b"\x0c\x21" + rng.randbytes(33) + b"\x41\x56\xe7\xb3\x27")


# The order of keys takes a square root for each, more than a signature: it is asked once of each set of validators.


@cache
def _script(dialect: Dialect, signers: Validators) -> bytes:
    return consensus_script(dialect, signers.keys)


@cache
def _heirs(dialect: Dialect, signers: Validators) -> bytes:
    """What a header says of those who sign the next one."""
    return next_consensus(dialect, signers.keys)


@cache
def _private(secret: int) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(secret, ec.SECP256R1())


@cache
def _public(secret: int) -> bytes:
    return _private(secret).public_key().public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
