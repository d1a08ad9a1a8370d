"""Whether m of n validators signed a digest: P-256 by `cryptography`, which is loaded by the first proof.

The signatures must stand in the order of their keys, and each key is tried once: that is the whole of what Neo's
machine does for such a script (C# CheckMultisig), and why neither order nor repetition can be played with.
The keys of a script are decoded once and kept, for a set of validators signs thousands of headers. The library releases
the GIL while it verifies: proofs run side by side on threads, and this module has no state but that cache.
Called by `rules`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Final, NamedTuple, TypeAlias

from headway.networks.dbft.fault import Fault
from headway.networks.dbft.script import (
    SIGNATURE_SIZE,
    Dialect,
    Multisig,
    ScriptError,
    parse_invocation,
    parse_verification,
)

MAX_SCRIPTS: Final = 16
"""Scripts whose keys are kept decoded. Validators change seldom; at worst, of 1024 keys each, it is some 20 MB."""

_Check: TypeAlias = Callable[[bytes, bytes], bool]
"""Whether a signature (r and s) of a digest is by one certain key."""
_HALF: Final = SIGNATURE_SIZE // 2


class _Validators(NamedTuple):
    threshold: int
    checks: tuple[_Check, ...]
    """One for each key, in the script's order."""


def form_fault(dialect: Dialect, verification: bytes, invocation: bytes) -> Fault | None:
    """What is wrong with the form alone: it must be m of n keys, and m signatures. No key is decoded."""
    try:
        threshold = _multisig(dialect, verification).threshold
    except ScriptError as error:
        return Fault("bad-witness-script", str(error))
    try:
        parse_invocation(dialect, invocation, threshold)
    except ScriptError as error:
        return Fault("bad-witness", str(error))
    return None


def check_witness(dialect: Dialect, verification: bytes, invocation: bytes, digest: bytes) -> str:
    """Nothing when enough of the script's own keys signed the 32 bytes of `digest`, else what is wrong."""
    try:
        validators = _validators(dialect, verification)
        signatures = parse_invocation(dialect, invocation, validators.threshold)
    except ScriptError as error:
        return str(error)
    tried = signed = 0
    wanted, count = validators.threshold, len(validators.checks)
    while signed < wanted and wanted - signed <= count - tried:
        if validators.checks[tried](signatures[signed], digest):
            signed += 1
        tried += 1
    return "" if signed == wanted else f"{signed} of {wanted} signatures are good, in the order of the {count} keys"


def der(signature: bytes) -> bytes:
    """`r || s` as the ASN.1 that libraries want: two integers, each in its shortest form."""
    body = _integer(signature[:_HALF]) + _integer(signature[_HALF:])
    return b"\x30" + len(body).to_bytes(1, "big") + body


def _integer(number: bytes) -> bytes:
    digits = number.lstrip(b"\0")
    if not digits or digits[0] >= 0x80:
        digits = b"\0" + digits
    return b"\x02" + len(digits).to_bytes(1, "big") + digits


@lru_cache(maxsize=MAX_SCRIPTS)
def _multisig(dialect: Dialect, verification: bytes) -> Multisig:
    return parse_verification(dialect, verification)


@lru_cache(maxsize=MAX_SCRIPTS)
def _validators(dialect: Dialect, verification: bytes) -> _Validators:
    multisig = _multisig(dialect, verification)
    return _Validators(multisig.threshold, tuple(map(_checker(), multisig.keys)))


@lru_cache(maxsize=1)
def _checker() -> Callable[[bytes], _Check]:
    """Key -> its check. What this needs of `cryptography` is imported here, by those who prove something."""
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import ec, utils  # noqa: PLC0415
    from cryptography.hazmat.primitives.hashes import SHA256  # noqa: PLC0415

    curve, algorithm = ec.SECP256R1(), ec.ECDSA(utils.Prehashed(SHA256()))

    def decoded(key: bytes) -> _Check:
        try:
            verify = ec.EllipticCurvePublicKey.from_encoded_point(curve, key).verify
        except ValueError:
            raise ScriptError(f"not a key: {key.hex()}") from None

        def check(signature: bytes, digest: bytes) -> bool:
            try:
                verify(der(signature), digest, algorithm)
            except InvalidSignature:
                return False
            return True

        return check

    return decoded
