"""A map from IP prefixes to autonomous systems, in the form of Core's asmap file.

The file is a program for a small machine: a trie over the 128 bits of an address (an IPv4 one mapped into IPv6), one
bit after another, each byte's lowest bit first. It is checked as a whole before it is used [Core SanityCheckASMap]:
then `number` always ends, and in no more steps than an address has bits. Reading the file is not done here.
Called by whoever makes a book that groups addresses by their AS (`addrbook`, `netgroup`).
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final, NamedTuple

from headway.errors import ConfigError

MAX_BYTES: Final = 8_000_000
"""Five times the map of 2026 (1.5 MB); checking it takes some seconds in pure Python."""
_ADDRESS_BITS: Final = 128


class _Op(IntEnum):
    RETURN = 0
    """The AS number follows."""
    JUMP = 1
    """The next bit of the address: 0 goes on, 1 leaps over so many bits of the program."""
    MATCH = 2
    """The next bits of the address must be these, else the default is the answer."""
    DEFAULT = 3
    """The answer from here on, unless a better one is found."""


class _Code(NamedTuple):
    """A number of varying length: as many leading ones as its class, a zero (not behind the last class), the rest."""

    least: int
    sizes: tuple[int, ...]
    """Bits of the rest, by class; the numbers of each class follow those of the class before."""


_OP: Final = _Code(0, (0, 0, 1))
_ASN: Final = _Code(1, tuple(range(15, 25)))
_MATCH: Final = _Code(2, tuple(range(1, 9)))
_JUMP: Final = _Code(17, tuple(range(5, 31)))
_REVERSED: Final = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
_WINDOW: Final = 8
"""Bytes looked at together: the longest number has 25 leading ones and 30 bits, and may begin anywhere in a byte."""
_WHOLE: Final = (1 << 8 * _WINDOW) - 1


class _End(Exception):
    """The program ends within an instruction."""


class AsMap:
    """A checked map."""

    def __init__(self, data: bytes) -> None:
        """Raises ConfigError for what is no map."""
        if len(data) > MAX_BYTES:
            raise ConfigError(f"an asmap of {len(data)} bytes is not to be believed: the most is {MAX_BYTES}")
        self._code = data.translate(_REVERSED) + bytes(_WINDOW)  # highest bit first, and room to look ahead
        self._size = 8 * len(data)
        try:
            reason = self._fault()
        except _End:
            reason = "it ends within an instruction"
        if reason:
            raise ConfigError(f"not an asmap: {reason}")

    def number(self, address: bytes) -> int:
        """The AS number of a 16-byte IP address; 0 where the map knows none."""
        bits, left = int.from_bytes(address, "big"), _ADDRESS_BITS
        at, default = 0, 0
        while True:
            op, at = self._read(at, _OP)
            if op == _Op.RETURN:
                return self._read(at, _ASN)[0]
            if op == _Op.JUMP:
                jump, at = self._read(at, _JUMP)
                left -= 1
                if bits >> left & 1:
                    at += jump
            elif op == _Op.MATCH:
                match, at = self._read(at, _MATCH)
                length = match.bit_length() - 1
                left -= length
                if bits >> left & (1 << length) - 1 != match - (1 << length):
                    return default
            else:
                default, at = self._read(at, _ASN)

    def _fault(self) -> str:  # noqa: C901, PLR0911, PLR0912  one look for each way to be wrong
        """What is wrong with the program; empty when nothing is."""
        at, left = 0, _ADDRESS_BITS
        jumps: list[tuple[int, int]] = []  # where the other branches begin, innermost last, and the bits left there
        before, is_loose = _Op.JUMP, False
        while at < self._size:
            if jumps and at >= jumps[-1][0]:
                return "a jump leads into the middle of an instruction"
            op, at = self._read(at, _OP)
            if op == _Op.RETURN:
                if before is _Op.DEFAULT:
                    return "a default that is returned at once"
                _, at = self._read(at, _ASN)
                if not jumps:
                    return self._padding(at)
                target, left = jumps.pop()
                if at != target:
                    return "a part that nothing leads to"
                before = _Op.JUMP
            elif op == _Op.JUMP:
                jump, at = self._read(at, _JUMP)
                left -= 1
                if left < 0 or at + jump > self._size or (jumps and at + jump >= jumps[-1][0]):
                    return "a jump beyond its branch"
                jumps.append((at + jump, left))
                before = _Op.JUMP
            elif op == _Op.MATCH:
                match, at = self._read(at, _MATCH)
                length = match.bit_length() - 1
                left -= length
                if left < 0:
                    return "more bits than an address has"
                is_loose = before is _Op.MATCH and is_loose
                if length < 8 and is_loose:
                    return "short matches that should be one"
                is_loose = length < 8
                before = _Op.MATCH
            else:
                if before is _Op.DEFAULT:
                    return "two defaults in a row"
                _, at = self._read(at, _ASN)
                before = _Op.DEFAULT
        return "it ends without an answer"

    def _padding(self, at: int) -> str:
        rest = self._size - at
        return "" if rest < 8 and self._peek(at) >> 8 * _WINDOW - rest == 0 else "something behind its end"

    def _read(self, at: int, code: _Code) -> tuple[int, int]:
        """The number at bit `at`, and where the next begins. Raises _End."""
        window, value = self._peek(at), code.least
        ones = min(8 * _WINDOW - (window ^ _WHOLE).bit_length(), len(code.sizes) - 1)
        value += sum(1 << size for size in code.sizes[:ones])
        head = ones + (ones < len(code.sizes) - 1)
        size = code.sizes[ones]
        end = at + head + size
        if end > self._size:
            raise _End
        return value + (window >> 8 * _WINDOW - head - size & (1 << size) - 1), end

    def _peek(self, at: int) -> int:
        """The bits from `at` on, as many as a window has, zeros where it does not begin at a byte."""
        byte = at >> 3
        return int.from_bytes(self._code[byte : byte + _WINDOW], "big") << (at & 7) & _WHOLE
