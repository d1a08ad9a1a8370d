"""A writer of maps of autonomous systems, for the tests of those that read them."""

from __future__ import annotations

from typing import TypeAlias

Trie: TypeAlias = "int | tuple[Trie, Trie]"
"""What is known of all addresses below: one AS number (0: none), or what follows a bit 0 and a bit 1."""


def trie_of(prefixes: dict[str, int]) -> Trie:
    """The longest prefix (as text of bits) that an address begins with decides."""
    trie: Trie = 0
    for prefix, asn in sorted(prefixes.items(), key=lambda item: len(item[0])):
        trie = _put(trie, prefix, asn)
    return trie


def _put(trie: Trie, prefix: str, asn: int) -> Trie:
    if not prefix:
        return asn
    zero, one = (trie, trie) if isinstance(trie, int) else trie
    if prefix[0] == "0":
        zero = _put(zero, prefix[1:], asn)
    else:
        one = _put(one, prefix[1:], asn)
    return zero if zero == one else (zero, one)


def write_map(trie: Trie) -> bytes:
    bits = _write(trie)
    bits += "0" * (-len(bits) % 8)
    return bytes(int(bits[at : at + 8][::-1], 2) for at in range(0, len(bits), 8))


def _write(trie: Trie, matched: str = "") -> str:
    if not isinstance(trie, int) and 0 in trie:
        bit = trie.index(0) ^ 1
        return _write(trie[bit], matched + str(bit))
    runs = [matched[at : at + 8] for at in range(0, len(matched), 8)]
    return "".join("110" + _number(int("1" + run, 2), 2, range(1, 9)) for run in runs) + _write_rest(trie)


def _write_rest(trie: Trie) -> str:
    if isinstance(trie, int):
        assert trie, "there is no way to write that nothing is known"
        return "0" + _number(trie, 1, range(15, 25))
    zero, one = trie
    if isinstance(one, int) and not isinstance(zero, int) and not _has_gap(zero):
        return "111" + _number(one, 1, range(15, 25)) + _write(zero, "0")
    first = _write(zero)
    return "10" + _number(len(first), 17, range(5, 31)) + first + _write(one)


def _has_gap(trie: Trie) -> bool:
    return trie == 0 if isinstance(trie, int) else any(map(_has_gap, trie))


def _number(value: int, least: int, sizes: range) -> str:
    value -= least
    ones = 0
    for size in sizes:
        if value < 1 << size:
            break
        value -= 1 << size
        ones += 1
    return "1" * ones + "0" * (ones < len(sizes) - 1) + f"{value:0{sizes[ones]}b}"
