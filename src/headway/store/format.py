"""The head of the store's own files: what they are, in which format, and of which network.

96 bytes at the start of `headers.bin` and `blocks/index.bin`, little endian: text 16 (names the kind), format u32,
record size u32, magic 4, network name 32, genesis hash 32, crc32 of all before it u32. Magic and genesis hash decide
which network it is, the name is for people. Blocks have no such head: `blk*.dat` is Core's format.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final
from zlib import crc32

from headway.errors import StoreError
from headway.store.disk import DamagedFile

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from headway.network import Network
    from headway.store.disk import AppendFile

FORMATS: Final[Mapping[str, int]] = {"headers": 1, "blocks": 2}
"""Of each kind of file. Raised whenever an older headway could not read what a newer one writes."""
OWN_FILES: Final = b"headway "
"""What every file of ours with a head begins with."""
_LAYOUT: Final = struct.Struct("<16sII4s32s32s")
_FORMAT: Final = slice(16, 20)
_CRC: Final = struct.Struct("<I")
HEAD_SIZE: Final = _LAYOUT.size + _CRC.size
_FEW_BITS: Final = 4
"""By no more does a damaged head differ from the one that was written. That of another format, network or first block
has another checksum, too, which comes so near once in a million times."""


def head(kind: str, record_size: int, network: Network, version: int | None = None) -> bytes:
    """The head of a file of `kind` (up to 7 letters) for `network`. `version`: its format, where `FORMATS` has none."""
    genesis = network.rules.root.hash
    name = network.name.encode()[:32]
    version = FORMATS[kind] if version is None else version
    packed = _LAYOUT.pack(_text(kind), version, record_size, network.magic, name, genesis)
    return packed + _CRC.pack(crc32(packed))


def open_head(file: AppendFile, kind: str, record_size: int, network: Network, *, readonly: bool) -> bool:
    """Check the head of `file`, and write it when it is not there yet. Returns whether it was damaged: it is whole now.

    Raises StoreError for any file but ours, DamagedFile for a damaged head of a file that is only read.
    """
    expected = head(kind, record_size, network)
    found = file.read(0, HEAD_SIZE)
    if found == expected:
        return False
    if expected.startswith(found):
        if not readonly:  # a new file, or one that was torn while it was made
            file.truncate(0)
            file.append(expected)
        return False
    if not _is_damaged(found, expected):
        raise _refusal(file.path, found, expected, kind)
    if readonly:
        raise DamagedFile(f"{file.path} is damaged in its first {HEAD_SIZE} bytes: the next `headway sync` repairs it")
    file.overwrite(0, expected)
    return True


def check_head(path: Path, found: bytes, expected: bytes, kind: str) -> None:
    """Check a head that lies within a file of `path`. Raises DamagedFile for what is no head of ours any more, other
    StoreErrors for a whole one that is not the one expected."""
    if found == expected:
        return
    is_whole = len(found) == HEAD_SIZE and _CRC.unpack_from(found, _LAYOUT.size)[0] == crc32(found[: _LAYOUT.size])
    if not is_whole or not found.startswith(_text(kind)):
        raise DamagedFile(f"{path} does not say what it is")
    raise _refusal(path, found, expected, kind)


def _is_damaged(found: bytes, expected: bytes) -> bool:
    """Whether `found` was `expected` once. Another format is believed whatever follows its number.

    Zeros are what a loss of power leaves of a page that had not been written.
    """
    if len(found) == HEAD_SIZE and not any(found):
        return True
    differing = int.from_bytes(found, "big") ^ int.from_bytes(expected, "big")
    return len(found) == HEAD_SIZE and found[_FORMAT] == expected[_FORMAT] and differing.bit_count() <= _FEW_BITS


def _text(kind: str) -> bytes:
    return (OWN_FILES + kind.encode()).ljust(15) + b"\n"


def _refusal(path: Path, found: bytes, expected: bytes, kind: str) -> StoreError:
    """Why `found` is not the head that we expect, and what to do. `found` is torn or differs from `expected`."""
    if not found.startswith(_text(kind)) or len(found) < HEAD_SIZE:
        return StoreError(f"{path} is no {kind} file of headway: move it away, or use another --datadir")
    _, version, record_size, magic, name, genesis = _LAYOUT.unpack_from(found)
    _, our_version, our_size, our_magic, our_name, our_genesis = _LAYOUT.unpack_from(expected)
    if version != our_version:
        whose, advice = (
            ("a newer", "upgrade headway, or use another --datadir")
            if version > our_version
            else ("an older", advice_for(kind))
        )
        which = f"format {version}, and this one reads {our_version}"
        return StoreError(f"{path} is of {whose} headway ({which}): {advice}")
    if _CRC.unpack_from(found, _LAYOUT.size)[0] != crc32(found[: _LAYOUT.size]):
        return DamagedFile(f"{path} is damaged in its first {HEAD_SIZE} bytes: {advice_for(kind)}")
    theirs, ours = (text.rstrip(b"\0").decode(errors="replace") for text in (name, our_name))
    if (magic, name) == (our_magic, our_name) and genesis != our_genesis:
        advice = "use the --checkpoint and the network file with which it was made, or another --datadir"
        return StoreError(f"{path.parent} holds a chain of {ours} that begins at another block: {advice}")
    if (magic, genesis) != (our_magic, our_genesis):
        which = theirs if theirs != ours else f"another network called {theirs}"
        return StoreError(
            f"{path.parent} holds {which}, not {ours}: use --network {theirs}, or another --datadir for {ours}"
        )
    return StoreError(f"{path} has records of {record_size} bytes, not {our_size}: use another --datadir")


def advice_for(kind: str) -> str:
    """What a person can do about a file that is damaged beyond its tail."""
    if kind == "blocks":
        return "move the directory of this file away and run `headway sync` again: blocks are fetched anew"
    kept = ": headers are fetched anew, the blocks are kept" if kind == "headers" else ""
    return f"move it away and run `headway sync`{kept}"
