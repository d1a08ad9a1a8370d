"""Reading and writing the fields of a payload: integers, compact sizes, byte strings, lists.

`Reader` stands between hostile bytes and everything else: a field is taken only when it is there, and a count is held
against its limit and against the bytes that are left before anything is built from it. What breaks a bound is a
`CodecError` that names the field, the value and the bound. `Writer` is its twin for our own messages: there a value out
of range is the caller's mistake, a `LocalProtocolError`.
Not here: frames (`headway.wire.frames`), what the fields of a message are (the codecs). Called by the codecs.
"""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

from headway.errors import CodecError, LocalProtocolError
from headway.types import Hash, Raw

MAX_SIZE: Final = 0x02000000
"""Largest length that a compact size may state, 32 MiB [Core MAX_SIZE, serialize.h]."""

_Order: TypeAlias = Literal["little", "big"]

# First byte of a compact size -> bytes of the number behind it, and the smallest number that needs them.
# Any other first byte is the number itself.
_LONG_FORMS: Final = {0xFD: (2, 0xFD), 0xFE: (4, 0x1_0000), 0xFF: (8, 0x1_0000_0000)}


class Reader:
    """A cursor over one payload. Every method raises CodecError when its field is not all there.

    `field` is the name that the error gives to what is read, such as `version.nonce`.
    """

    __slots__ = ("_data", "position")

    def __init__(self, data: Raw) -> None:
        self._data = data
        self.position = 0

    @property
    def remaining(self) -> int:
        """Bytes not read yet."""
        return len(self._data) - self.position

    def take(self, count: int, field: str) -> bytes:
        """The next `count` bytes."""
        start = self.position
        end = start + count
        if end > len(self._data):
            raise CodecError(f"{field} needs {count} bytes, {self.remaining} are left")
        self.position = end
        return bytes(self._data[start:end])

    def skip(self, count: int, field: str) -> None:
        """Pass over the next `count` bytes."""
        end = self.position + count
        if end > len(self._data):
            raise CodecError(f"{field} needs {count} bytes, {self.remaining} are left")
        self.position = end

    def since(self, position: int) -> bytes:
        """The bytes from an earlier `position` to the present one."""
        return bytes(self._data[position : self.position])

    def rest(self) -> bytes:
        """All bytes that are left."""
        return self.take(self.remaining, "rest")

    def u8(self, field: str) -> int:
        return self._integer(1, field)

    def u16(self, field: str, order: _Order = "little") -> int:
        return self._integer(2, field, order)

    def u32(self, field: str, order: _Order = "little") -> int:
        return self._integer(4, field, order)

    def u48(self, field: str) -> int:
        return self._integer(6, field)

    def u64(self, field: str, order: _Order = "little") -> int:
        return self._integer(8, field, order)

    def i32(self, field: str) -> int:
        return self._integer(4, field, signed=True)

    def i64(self, field: str) -> int:
        return self._integer(8, field, signed=True)

    def hash(self, field: str) -> Hash:
        return self.take(32, field)

    def compact_size(self, field: str, limit: int = MAX_SIZE) -> int:
        """A number in 1, 3, 5 or 9 bytes (Bitcoin's CompactSize), in its shortest form, at most `limit`."""
        return self._compact_size(field, limit, CodecError)

    def count(self, field: str, limit: int, item_size: int, *, error: type[CodecError] = CodecError) -> int:
        """How many items of at least `item_size` bytes follow: at most `limit`, and no more than there are bytes for.

        `error` is what a count above the limit is, where that is worse than mere nonsense (`OversizedMessage`).
        """
        value = self._compact_size(field, limit, error)
        if value * item_size > self.remaining:
            raise CodecError(f"{field} is {value}: {value * item_size} bytes at least, {self.remaining} are left")
        return value

    def var_bytes(self, field: str, limit: int) -> bytes:
        """A byte string behind its length, which is at most `limit`."""
        return self.take(self.count(f"{field} length", limit, 1), field)

    def var_str(self, field: str, limit: int) -> str:
        """Text of at most `limit` bytes, one character a byte (latin-1): no bytes fail, and none are lost.

        It is the remote's, control characters and all: `headway.types.printable` before people see it.
        """
        return self.var_bytes(field, limit).decode("latin-1")

    def end(self, what: str) -> None:
        """Nothing may be left."""
        if self.remaining:
            raise CodecError(f"{what} has {self.remaining} bytes too many, after {self.position}")

    def _compact_size(self, field: str, limit: int, error: type[CodecError]) -> int:
        at = self.position
        if at == len(self._data):
            self.take(1, field)  # raises: it is not there
        value = self._data[at]
        self.position = at + 1
        if value in _LONG_FORMS:
            size, smallest = _LONG_FORMS[value]
            value = self._integer(size, field)
            if value < smallest:
                raise CodecError(f"{field} {value} is not in the shortest form but in {size + 1} bytes")
        if value > limit:
            raise error(f"{field} is {value}, at most {limit}")
        return value

    def _integer(self, size: int, field: str, order: _Order = "little", *, signed: bool = False) -> int:
        return int.from_bytes(self.take(size, field), order, signed=signed)


class Writer:
    """A payload under construction. Methods raise LocalProtocolError for a value that its field cannot hold."""

    __slots__ = ("_data",)

    def __init__(self) -> None:
        self._data = bytearray()

    def __bytes__(self) -> bytes:
        return bytes(self._data)

    def raw(self, data: Raw) -> None:
        """Bytes as they are."""
        self._data += data

    def u8(self, value: int, field: str) -> None:
        self._integer(value, 1, field)

    def u16(self, value: int, field: str, order: _Order = "little") -> None:
        self._integer(value, 2, field, order)

    def u32(self, value: int, field: str, order: _Order = "little") -> None:
        self._integer(value, 4, field, order)

    def u48(self, value: int, field: str) -> None:
        self._integer(value, 6, field)

    def u64(self, value: int, field: str, order: _Order = "little") -> None:
        self._integer(value, 8, field, order)

    def i32(self, value: int, field: str) -> None:
        self._integer(value, 4, field, signed=True)

    def i64(self, value: int, field: str) -> None:
        self._integer(value, 8, field, signed=True)

    def hash(self, value: Hash, field: str) -> None:
        if len(value) != 32:
            raise LocalProtocolError(f"{field} has {len(value)} bytes, a hash has 32")
        self._data += value

    def compact_size(self, value: int, field: str, limit: int = MAX_SIZE) -> None:
        """The shortest form of a number that is at most `limit`."""
        if not 0 <= value <= limit:
            raise LocalProtocolError(f"{field} is {value}, at most {limit}")
        self._data += compact_size(value)

    def var_bytes(self, value: bytes, field: str, limit: int) -> None:
        self.compact_size(len(value), f"{field} length", limit)
        self._data += value

    def var_str(self, value: str, field: str, limit: int) -> None:
        """Inverse of `Reader.var_str`."""
        try:
            encoded = value.encode("latin-1")
        except UnicodeEncodeError as error:
            raise LocalProtocolError(f"{field} cannot hold {value[error.start]!r}") from None
        self.var_bytes(encoded, field, limit)

    def _integer(self, value: int, size: int, field: str, order: _Order = "little", *, signed: bool = False) -> None:
        try:
            self._data += value.to_bytes(size, order, signed=signed)
        except OverflowError:
            kind = "a signed" if signed else "an unsigned"
            raise LocalProtocolError(f"{field} is {value}, out of range for {kind} {8 * size}-bit field") from None


def compact_size(value: int) -> bytes:
    """The shortest encoding of a number as a CompactSize. `value` is 0 to 2**64 - 1."""
    if value < 0xFD:
        return value.to_bytes(1, "little")
    if value <= 0xFFFF:
        return b"\xfd" + value.to_bytes(2, "little")
    if value <= 0xFFFFFFFF:
        return b"\xfe" + value.to_bytes(4, "little")
    return b"\xff" + value.to_bytes(8, "little")
