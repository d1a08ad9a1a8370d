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
from typing import Any, Final, NamedTuple

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

_HALF: Final = SIGNATURE_SIZE // 2

_TYPICAL: Final = {
    (r, s): (
        b"\x30" + bytes([68 + r + s]) + (b"\x02\x21\x00" if r else b"\x02\x20"),
        b"\x02\x21\x00" if s else b"\x02\x20",
    )
    for r in (False, True)
    for s in (False, True)
}
"""Whether r and s are 2**255 or more -> what DER writes before either: all but one in 128 signatures have no zero byte
in front, and need nothing else."""


class _Validators(NamedTuple):
    threshold: int
    verifies: tuple[Callable[..., None], ...]
    """The library's function of each key, in the script's order."""


class _Library(NamedTuple):
    """What we need of `cryptography`."""

    decode: Callable[[bytes], Callable[..., None]]
    """From a compressed key to its function. Raises ValueError."""
    algorithm: Any
    invalid: type[Exception]


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
    library = _library()
    wanted, left = validators.threshold, len(validators.verifies)
    good, encoded = 0, der(signatures[0])
    for verify in validators.verifies:
        left -= 1
        try:
            verify(encoded, digest, library.algorithm)
        except library.invalid:
            if wanted - good > left:
                break
            continue
        good += 1
        if good == wanted:
            return ""
        encoded = der(signatures[good])
    return f"{good} of {wanted} signatures are good, in the order of the {len(validators.verifies)} keys"


def der(signature: bytes) -> bytes:
    """`r || s` as the ASN.1 that libraries want: two integers, each in its shortest form."""
    r, s = signature[:_HALF], signature[_HALF:]
    if r[0] and s[0]:
        head, middle = _TYPICAL[r[0] >= 0x80, s[0] >= 0x80]
        return head + r + middle + s
    body = _integer(r) + _integer(s)
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
    multisig, decode = _multisig(dialect, verification), _library().decode
    try:
        return _Validators(multisig.threshold, tuple(map(decode, multisig.keys)))
    except ValueError as error:
        raise ScriptError(str(error)) from None


@lru_cache(maxsize=1)
def _library() -> _Library:
    """Loaded by those who prove something."""
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415  only who proves a header loads the library
    from cryptography.hazmat.primitives.asymmetric import ec, utils  # noqa: PLC0415  the same
    from cryptography.hazmat.primitives.hashes import SHA256  # noqa: PLC0415  the same

    curve = ec.SECP256R1()

    def decode(key: bytes) -> Callable[..., None]:
        try:
            return ec.EllipticCurvePublicKey.from_encoded_point(curve, key).verify
        except ValueError:
            raise ValueError(f"not a key: {key.hex()}") from None

    return _Library(decode, ec.ECDSA(utils.Prehashed(SHA256())), InvalidSignature)
