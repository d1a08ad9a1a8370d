"""Messages in the words of the protocol trace: `headers [2000]`, `getheaders [31 hashes]`.

The sigils of the trace: `<` received, `>` sent, `=` state, `-` timeout, `x` end, `!` a fault of the remote. All text of
a remote is made harmless here. Called by `peer.output` when somebody listens.
"""

from __future__ import annotations

from headway.types import printable
from headway.wire import messages as m


def describe(message: m.Message) -> str:
    """One message in a few words."""
    return f"{printable(message.command, 32)}{_size(message)}"


def _size(message: m.Message) -> str:  # noqa: PLR0911  (one line a message)
    match message:
        case m.Version():
            return f" {message.protocol} {printable(message.user_agent, 64)} height {message.start_height}"
        case m.GetHeaders() | m.GetBlocks():
            return f" [{len(message.locator)} hashes]"
        case m.Headers():
            return f" [{len(message)}]"
        case m.Inv() | m.GetData() | m.NotFound():
            return f" [{len(message.entries)}]"
        case m.Addr() | m.AddrV2():
            return f" [{len(message.addresses)}]"
        case m.Block() | m.Tx():
            return f" [{len(message.raw)} bytes]"
        case m.Reject():
            return f" {printable(message.message, 32)}: {printable(message.reason, 128)}"
        case m.Unknown():
            return f" [{len(message.payload)} bytes]"
        case _:
            return ""
