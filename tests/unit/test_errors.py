"""The tree of errors: what is under what, what it says, and what follows for the remote."""

from __future__ import annotations

import re

import pytest

from headway import errors
from headway.errors import Consequence
from headway.types import BlockId

BLOCK = BlockId(7, bytes(32))
CLASSES = [
    value
    for value in vars(errors).values()
    if isinstance(value, type) and issubclass(value, Exception) and not value.__name__.startswith("_")
]


def test_docstring_prints_the_tree_as_it_is() -> None:
    """Indentation is depth; every public class has its line, under the class that it derives from."""
    path: list[str] = []
    found: dict[str, str] = {}
    for line in (errors.__doc__ or "").splitlines()[2:]:
        if match := re.match(r"([ │├└─]*)([A-Z]\w+)", line.removeprefix("    ")):
            depth = len(match[1]) // 4
            path[depth:] = [match[2]]
            found[match[2]] = path[depth - 1] if depth else "Exception"
    public = {
        cls.__name__: next(base for base in cls.__mro__[1:] if not base.__name__.startswith("_")) for cls in CLASSES
    }
    assert found == {name: base.__name__ for name, base in public.items()}


@pytest.mark.parametrize(
    ("error", "consequence"),
    [
        (errors.RemoteProtocolError("x"), Consequence.DISCONNECT),
        (errors.CodecError("x"), Consequence.DISCONNECT),
        (errors.OversizedMessage("x"), Consequence.DISCOURAGE),
        (errors.HandshakeRejected("x"), Consequence.DISCONNECT),
        (errors.SelfConnection(7), Consequence.DISCONNECT),
        (errors.InvalidHeader("high-hash", BLOCK), Consequence.DISCOURAGE),
        (errors.FutureHeader("time-too-new", BLOCK), Consequence.NOTHING),
        (errors.CondemnedHeader("duplicate-invalid", BLOCK), Consequence.DISCONNECT),
        (errors.UnwantedChain("x"), Consequence.DISCONNECT),
        (errors.InvalidBlock("bad-cb-height", BLOCK), Consequence.DISCOURAGE),
        (errors.MutatedBlock("bad-txnmrklroot", BLOCK), Consequence.DISCOURAGE),
    ],
)
def test_consequence_stands_on_the_class(error: errors.RemoteProtocolError, consequence: Consequence) -> None:
    assert error.consequence is consequence


def test_broken_rule_names_rule_block_and_peer() -> None:
    error = errors.InvalidHeader("bad-diffbits", BLOCK, "1d00ffff", peer="192.0.2.1:8333")
    assert (error.rule, error.block, error.detail) == ("bad-diffbits", BLOCK, "1d00ffff")
    assert str(error) == f"header 7:{'00' * 32}: bad-diffbits (1d00ffff) (peer 192.0.2.1:8333)"
    assert str(errors.InvalidBlock("bad-blk-weight", BLOCK)) == f"block 7:{'00' * 32}: bad-blk-weight"


def test_peer_may_become_known_later() -> None:
    error = errors.CodecError("wrong magic")
    assert str(error) == "wrong magic"
    error.peer = "192.0.2.1:8333"
    assert str(error) == "wrong magic (peer 192.0.2.1:8333)"
