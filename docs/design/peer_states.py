"""Draws peer-states.md, beside this file, from the tables of `headway.peer.states`.

    python -m docs.design.peer_states        (or `make docs`)

A test fails when the document is not what this makes of the tables.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final, get_args

from headway.network import OnDuplicate
from headway.networks.bitcoin.handshake import BitcoinHandshake
from headway.peer.events import PeerState
from headway.peer.states import LEGALITY, TRANSITIONS, Fate, Step
from headway.wire.messages import Message

DOCUMENT: Final = Path(__file__).with_name("peer-states.md")

HEAD: Final = """\
# The states of a peer

Made by `make docs` from the tables in `src/headway/peer/states.py`, from which the machine works; not to be edited.
"""
TRANSITIONS_TEXT: Final = """\
## Steps

A connection moves by these steps and no others; a step in a state that does not know it is an assertion in
`PeerMachine`. *Queued* bytes are those that the remote has not taken yet.
"""
MESSAGES_TEXT: Final = """\
## Messages

What becomes of a message, by the state in which it comes. What ends the peer is told as a `PeerMisbehaved` and a
`PeerDisconnected`.
"""
NOT_READ: Final = "not read"
MOMENTS: Final[Sequence[tuple[str, str]]] = (
    ("HANDSHAKING, before their version", "before_version"),
    ("HANDSHAKING, after it", "before_verack"),
    ("READY", "ready"),
)


def document() -> str:
    """The whole text of peer-states.md."""
    return "\n".join(
        [HEAD, *_diagram(), "", TRANSITIONS_TEXT, *_transitions(), "", MESSAGES_TEXT, *_messages(), "", *_bitcoin(), ""]
    )


def _diagram() -> Iterator[str]:
    yield "```mermaid"
    yield "stateDiagram-v2"
    first, *_ = PeerState
    yield f"    [*] --> {first.name}"
    for (before, step), after in TRANSITIONS.items():
        yield f"    {before.name} --> {after.name} : {step.name}"
    for state in _last_states():
        yield f"    {state.name} --> [*]"
    yield "```"


def _last_states() -> Iterator[PeerState]:
    """Those from which no step leads."""
    left = {before for before, _ in TRANSITIONS}
    return (state for state in PeerState if state not in left)


def _transitions() -> Iterator[str]:
    rows = [("step", "what causes it", *(state.name for state in PeerState))]
    for step in Step:
        led = [TRANSITIONS.get((state, step)) for state in PeerState]
        rows.append((step.name, step.value, *("" if after is None else after.name for after in led)))
    return _table(rows)


def _messages() -> Iterator[str]:
    rows = [("message", *(title for title, _ in MOMENTS), "CLOSING, CLOSED")]
    for kind, legality in LEGALITY.items():
        rows.append((kind.value, *(getattr(legality, moment).value for _, moment in MOMENTS), NOT_READ))
    return _table(rows)


def _bitcoin() -> Iterator[str]:
    """What the policy of Bitcoin's networks makes of it."""
    policy = BitcoinHandshake()
    fates = {
        Fate.EARLY: policy.ignores_early_messages,
        Fate.DUPLICATE: policy.on_duplicate is OnDuplicate.IGNORE,
    }
    yield "The policy of a network (`network.HandshakePolicy`) decides the rest. Bitcoin's says:\n"
    for fate, is_ignored in fates.items():
        yield f"- {fate.value.partition(': ')[2]}: {'ignored' if is_ignored else 'ends the peer'}"
    negotiation = (cls for cls in get_args(Message) if policy.is_negotiation(object.__new__(cls)))
    yield f"- negotiation: {', '.join(sorted(f'`{cls.command}`' for cls in negotiation))}"


def _table(rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Aligned, so that it can be read as text too."""
    cells = [list(row) for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    cells.insert(1, ["-" * width for width in widths])
    for row in cells:
        yield f"| {' | '.join(f'{cell:<{width}}' for cell, width in zip(row, widths, strict=True))} |"


if __name__ == "__main__":
    DOCUMENT.write_text(document(), "utf-8")
