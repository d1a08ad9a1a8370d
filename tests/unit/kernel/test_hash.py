from __future__ import annotations

from headway.kernel.hash import checksum, merkle_root, sha256d, sha256d_each
from tests import chain_builder

LEAVES = [bytes([number]) * 32 for number in range(1, 8)]


def test_sha256d_of_nothing_is_the_known_value() -> None:
    assert sha256d(b"").hex() == "5df6e0e2761359d30a8275058e299fcc0381534545f55cf43e41983f5d4c9456"


def test_sha256d_takes_a_view_as_well() -> None:
    assert sha256d(memoryview(b"headway")) == sha256d(b"headway")


def test_checksum_is_the_first_four_bytes() -> None:
    """Of an empty payload: the checksum of every verack."""
    assert checksum(b"").hex() == "5df6e0e2"


def test_sha256d_each_takes_equal_parts_from_anywhere() -> None:
    assert sha256d_each(b"abcabc", (0, 1, 3), 3) == [sha256d(b"abc"), sha256d(b"bca"), sha256d(b"abc")]


def test_merkle_root_of_one_leaf_is_the_leaf() -> None:
    assert merkle_root(LEAVES[0]) == (LEAVES[0], False)


def test_merkle_root_without_leaves_is_zero() -> None:
    assert merkle_root(b"") == (bytes(32), False)


def test_merkle_root_pairs_an_odd_node_with_itself() -> None:
    for count in range(1, 8):
        assert merkle_root(b"".join(LEAVES[:count])) == (chain_builder.merkle_root(LEAVES[:count]), False)


def test_repeated_tail_has_the_same_root_and_is_seen() -> None:
    """CVE-2012-2459: the leaves 1 2 3 and 1 2 3 3; and 1 to 6 and 1 to 6 with 5 6 again, a level higher."""
    for honest, repeated in ((LEAVES[:3], LEAVES[2:3]), (LEAVES[:6], LEAVES[4:6])):
        root, mutated = merkle_root(b"".join([*honest, *repeated]))
        assert (root, mutated) == (merkle_root(b"".join(honest))[0], True)


def test_equal_leaves_in_different_pairs_are_no_mutation() -> None:
    first, second, third = LEAVES[:3]
    assert merkle_root(first + second + second + third)[1] is False
