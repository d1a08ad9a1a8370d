"""Signature operations as blocks are limited by them: Core's GetSigOpCount with fAccurate false."""

from __future__ import annotations

import pytest

from headway.kernel.script import count_sigops


@pytest.mark.parametrize(
    ("script", "count"),
    [
        ("", 0),
        ("51", 0),
        ("ac", 1),
        ("ad", 1),
        ("ae", 20),
        ("af", 20),
        ("acadaeaf", 42),
        ("52ae", 20),  # the number of keys before it is not looked at
        ("6aac", 1),  # RETURN stops a run, not the count
        ("01ac", 0),  # pushed
        ("01acac", 1),
        ("4bac", 0),  # a push that runs over the end stops the count
        ("ac4bac", 1),
        ("4c02acacac", 1),
        ("4d0200acacac", 1),
        ("4e02000000acacac", 1),
        ("4c", 0),
        ("ac4c", 1),
        ("ac4d01", 1),
        ("ac4effffffff", 1),
        ("acfeac", 2),  # unknown opcodes are passed over
    ],
)
def test_operations_outside_pushes_are_counted(script: str, count: int) -> None:
    assert count_sigops(bytes.fromhex(script)) == count
