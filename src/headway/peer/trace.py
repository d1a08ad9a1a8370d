"""Messages in the words of the protocol trace: `headers [2000]`, `getheaders [31 hashes]`.

The sigils of the trace: `<` received, `>` sent, `=` state, `-` timeout, `x` end, `!` a fault of the remote. All text of
a remote is made harmless here. Called by `peer.output` when somebody listens.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from headway.types import printable
from headway.wire import messages as m


def describe(message: m.Message) -> str:
    """One message in a few words."""
    return f"{printable(message.command, 32)}{_size(message)}"


def _size(message: m.Message) -> str:
    words = _SIZES.get(type(message))
    return f" {words(message)}" if words else ""


_SIZES: Final[Mapping[type, Callable[[Any], str]]] = {
    m.Version: lambda v: f"{v.protocol} {printable(v.user_agent, 64)} height {v.start_height}",
    m.GetHeaders: lambda request: (
        f"[{len(request.locator)} hashes]" if request.first_height is None else f"[from {request.first_height}]"
    ),
    m.GetBlocks: lambda request: f"[{len(request.locator)} hashes]",
    m.GetBlockByIndex: lambda request: f"[{request.count or 'all'} from {request.first_height}]",
    m.Headers: lambda headers: f"[{len(headers)}]",
    **dict.fromkeys((m.Inv, m.GetData, m.NotFound), lambda inventory: f"[{len(inventory.entries)}]"),
    **dict.fromkeys((m.Addr, m.AddrV2), lambda addr: f"[{len(addr.addresses)}]"),
    **dict.fromkeys((m.Block, m.Tx), lambda message: f"[{len(message.raw)} bytes]"),
    m.CmpctBlock: lambda block: f"[{len(block.short_ids)} short ids, {len(block.prefilled)} whole]",
    m.GetBlockTxn: lambda request: f"[{len(request.indexes)}]",
    m.BlockTxn: lambda answer: f"[{len(answer.transactions)}]",
    m.MerkleBlock: lambda block: f"[{len(block.hashes)} hashes]",
    m.CFilter: lambda answer: f"[{len(answer.filter)} bytes]",
    m.CFHeaders: lambda answer: f"[{len(answer.filter_hashes)}]",
    m.CFCheckpt: lambda answer: f"[{len(answer.filter_headers)}]",
    m.Reject: lambda reject: f"{printable(reject.message, 32)}: {printable(reject.reason, 128)}",
    **dict.fromkeys((m.Alert, m.Unknown), lambda message: f"[{len(message.payload)} bytes]"),
}
