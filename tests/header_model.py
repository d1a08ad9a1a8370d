"""Bitcoin's header rules in their plainest form: one header after another, looking back as far as Core looks.

Written from Core's pow.cpp and validation.cpp, not from `headway.kernel`, and slow: the tests hold the kernel against
it. `EasyChain` is a chain of headers with real work on a network whose difficulty starts at regtest's, so that
retargets, minimum difficulty and BIP94 can be mined in a moment.
"""

from __future__ import annotations

from typing import Final

from headway.kernel import HeaderParams
from tests.chain_builder import BITS, block_hash, mined

EASY: Final = HeaderParams(
    pow_limit=(1 << 255) - 1,
    retarget=True,
    min_difficulty=False,
    bip94=False,
    bip34_height=0,
    bip66_height=0,
    bip65_height=0,
)
"""As mainnet, at regtest's difficulty and with no old versions."""
EASY_TESTNET3: Final = EASY._replace(min_difficulty=True)
EASY_TESTNET4: Final = EASY._replace(min_difficulty=True, bip94=True)

PERIOD: Final = 2016
TWO_WEEKS: Final = 1_209_600


class EasyChain:
    """Headers from genesis on. Every one is appended as it is; `judge` says what Core would say of a next one."""

    def __init__(self, params: HeaderParams = EASY, time: int = 1_600_000_000) -> None:
        self.params = params
        self.headers = [mined(_header(bytes(32), time, BITS, 4))]

    def raw(self, start: int = 0, stop: int | None = None) -> bytes:
        return b"".join(self.headers[start:stop])

    def grow(self, count: int, spacing: int = 600) -> EasyChain:
        """Append valid headers, one every `spacing` seconds."""
        for _ in range(count):
            self.headers.append(self.next(time_of(self.headers[-1]) + spacing))
        return self

    def next(self, time: int, *, bits: int | None = None, version: int = 4, parent: bytes | None = None) -> bytes:
        """A header with its work done; valid unless an argument is not."""
        bits = self.required_bits(time) if bits is None else bits
        return mined(_header(parent or block_hash(self.headers[-1]), time, bits, version), bits)

    def judge(self, header: bytes, wall_time: int) -> str:
        """The rule that `header` breaks as the next of this chain, or nothing (ContextualCheckBlockHeader)."""
        last, height, params = self.headers[-1], len(self.headers), self.params
        version, time, bits = int.from_bytes(header[:4], "little", signed=True), time_of(header), bits_of(header)
        target = expand(bits)
        if header[4:36] != block_hash(last):
            return "bad-prevblk"
        if not 0 < target <= params.pow_limit or int.from_bytes(block_hash(header), "little") > target:
            return "high-hash"
        if bits != self.required_bits(time):
            return "bad-diffbits"
        times = sorted(time_of(item) for item in self.headers[-11:])
        if time <= times[len(times) // 2]:
            return "time-too-old"
        if params.bip94 and height % PERIOD == 0 and time < time_of(last) - 600:
            return "time-timewarp-attack"
        if time > wall_time + 7200:
            return "time-too-new"
        for oldest, start in ((2, params.bip34_height), (3, params.bip66_height), (4, params.bip65_height)):
            if version < oldest and height >= start:
                return "bad-version"
        return ""

    def required_bits(self, time: int) -> int:
        """GetNextWorkRequired."""
        last, height, params = self.headers[-1], len(self.headers), self.params
        if not params.retarget:
            return bits_of(last)
        if height % PERIOD == 0:
            return self._retargeted(height)
        if not params.min_difficulty:
            return bits_of(last)
        if time > time_of(last) + 1200:
            return BITS
        at = height - 1
        while at % PERIOD != 0 and bits_of(self.headers[at]) == BITS:
            at -= 1
        return bits_of(self.headers[at])

    def _retargeted(self, height: int) -> int:
        """CalculateNextWorkRequired."""
        first, last = self.headers[height - PERIOD], self.headers[height - 1]
        span = min(max(time_of(last) - time_of(first), TWO_WEEKS // 4), TWO_WEEKS * 4)
        target = expand(bits_of(first if self.params.bip94 else last)) * span // TWO_WEEKS
        return compress(min(target, self.params.pow_limit))


def _header(parent: bytes, time: int, bits: int, version: int) -> bytes:
    return version.to_bytes(4, "little") + parent + bytes(32) + time.to_bytes(4, "little") + bits.to_bytes(4, "little")


def time_of(header: bytes) -> int:
    return int.from_bytes(header[68:72], "little")


def bits_of(header: bytes) -> int:
    return int.from_bytes(header[72:76], "little")


def expand(bits: int) -> int:
    """The target of compact bits; 0 for a negative one."""
    size, word = bits >> 24, bits & 0x7FFFFF
    value: int = word * 256 ** (size - 3) if size > 3 else word // 256 ** (3 - size)
    return 0 if bits & 0x800000 else value


def compress(target: int) -> int:
    """The compact bits of a target, by trying sizes from the smallest."""
    size = 0
    while target // 256**size > 0:
        size += 1
    word: int = target // 256 ** (size - 3) if size > 3 else target * 256 ** (3 - size)
    if word >= 0x800000:
        word, size = word // 256, size + 1
    return size << 24 | word
