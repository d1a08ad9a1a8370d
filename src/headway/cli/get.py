"""`headway get header|block|tx`: one object from any peer, checked against our headers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import click

from headway.cli.options import (
    TIP,
    Reach,
    Seconds,
    as_height,
    checkpoint_option,
    common_options,
    datadir_option,
    default_datadir,
    network_option,
    peer_address,
    reach_options,
    trusting,
)
from headway.cli.output import Exit, Output

if TYPE_CHECKING:
    import asyncio
    from pathlib import Path
    from typing import BinaryIO, Unpack

    from headway.aio.node import Node
    from headway.network import Network
    from headway.types import Hash, Height

HEADER, BLOCK, TX = KINDS = ("header", "block", "tx")
UNPROVEN = "unconfirmed, unproven: a peer gave it, and no block that contains it was named (--block)"


class Which(click.ParamType[Any]):
    """A block, as `Node.block` takes it; None for the tip."""

    name = "HEIGHT|HASH|tip"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Height | Hash | None:
        from headway.types import hash_from_hex

        if value == TIP:
            return None
        if (height := as_height(value)) is not None:
            return height
        try:
            return hash_from_hex(value)
        except ValueError as error:
            self.fail(f"{error} (write a height, a hash, or {TIP!r})", param, ctx)


class Wanted(NamedTuple):
    kind: str
    block: Height | Hash | None
    """Of which block; None: the tip, and for a transaction: nobody said."""
    txid: Hash | None
    within: float | None
    """Seconds, None: for as long as it takes."""
    proxy: str | None
    onion: str | None


class Found(NamedTuple):
    data: dict[str, Any]
    raw: bytes


@click.command()
@click.argument("kind", type=click.Choice(KINDS), metavar="header|block|tx")
@click.argument("name", metavar="HEIGHT|HASH|tip|TXID")
@network_option
@reach_options
@click.option("--peers", type=click.IntRange(1, 1000), default=4, show_default=True, help="Peers to keep connected.")
@datadir_option
@click.option("--block", "block", type=Which(), help="The block that contains the transaction, which proves it.")
@click.option(
    "--raw", type=click.Path(dir_okay=False, allow_dash=True), metavar="FILE|-", help="Write its bytes there."
)
@click.option(
    "--deadline",
    type=Seconds(0, min_open=True),
    metavar="SECONDS",
    help="End then, with code 4.  [default: for as long as it takes]",
)
@checkpoint_option
@common_options
def get(
    *,
    kind: str,
    name: str,
    network: Network,
    connect: tuple[str, ...],
    peers: int,
    peers_file: Path | None,
    datadir: Path | None,
    block: Height | Hash | None,
    raw: str | None,
    deadline: float | None,
    checkpoint: str | None,
    output: Output,
    **reach: Unpack[Reach],
) -> Exit:
    """Fetch a header, a block or a transaction, and check it against the chain of headers.

    The headers are brought first, and kept in the data directory for the next time; a block is not. A transaction is
    proved by the block that contains it (--block); without one, whatever a peer gives is told as unproven.
    """
    from headway.aio.node import Node
    from headway.cli.peer.session import open_raw
    from headway.cli.running import run

    network = trusting(network, checkpoint)
    node = Node(
        network=network,
        peers=peers,
        datadir=datadir or default_datadir(network),
        connect=[peer_address(each, network, "--connect") for each in connect],
        peers_file=peers_file,
        headers_only=True,
        **reach,
    )
    wanted = Wanted(kind, *_named(kind, name, block), deadline, reach["proxy"], reach["onion"])
    file = open_raw(raw, output)
    return run(lambda interrupted: _get(node, wanted, file, output, interrupted))


def _named(kind: str, name: str, block: Height | Hash | None) -> tuple[Height | Hash | None, Hash | None]:
    """The block, and the transaction."""
    from headway.types import hash_from_hex

    if kind != TX:
        if block is not None:
            raise click.UsageError(f"--block names the block of a transaction; a {kind} is named by itself")
        return Which().convert(name, None, None), None
    try:
        return block, hash_from_hex(name)
    except ValueError as error:
        raise click.UsageError(f"{error} (write the id of a transaction)") from None


async def _get(node: Node, wanted: Wanted, file: BinaryIO | None, output: Output, interrupted: asyncio.Event) -> Exit:
    from headway.cli import progress
    from headway.cli.running import first_done, unreachable

    found: list[Found] = []

    async def work() -> None:
        found.append(await _fetch(node, wanted))

    async with node:
        outcome = await first_done(
            {
                Exit.DONE: work(),
                Exit.INTERRUPTED: interrupted.wait(),
                Exit.NO_PEERS: node.until(lambda: node.is_hopeless),
            },
            meanwhile=progress.show(output, node.status, None),
            within=wanted.within,
        )
        failed = node.last_errors()
    if outcome is Exit.DONE:
        [(data, raw)] = found
        if file is not None:
            file.write(raw)
        if note := data.get("proof_missing"):
            output.note(note)
        output.result(data, text="" if file is not None else None)
        return Exit.DONE
    if outcome is Exit.NO_PEERS:
        error = unreachable(failed)
        output.error(f"{error}. Name one that runs with --connect HOST:PORT")
    else:
        error = (
            "interrupted"
            if outcome is Exit.INTERRUPTED
            else "the deadline came" + (f" ({'; '.join(failed)})" if failed else "")
        )
        output.say(f"{error}; the headers that have come are kept")
    output.result({"network": node.network.name, "error": error}, text="")
    return Exit.INCOMPLETE if outcome is None else outcome


async def _fetch(node: Node, wanted: Wanted) -> Found:
    from headway.aio.fetch import position_of

    if wanted.txid is not None and wanted.block is None:
        return await _unproven(node, wanted.txid, wanted)
    await node.until(lambda: node.machine.sync.has_all_headers)  # so that the number of confirmations is true
    tree = node.machine.tree
    position = tree.tip_position if wanted.block is None else await position_of(node, wanted.block)
    data = {"network": node.network.name, **_place(node, position)}
    if wanted.kind == HEADER:
        header = tree.header(position)
        return Found({**data, "hex": header.hex()}, header)
    block = await node.block(tree.hash(position))
    if wanted.txid is None:
        ids = [each.txid[::-1].hex() for each in block.transactions]
        return Found({**data, "bytes": len(block), "transactions": len(ids), "tx": ids}, bytes(block))
    return _of_block(wanted.txid, block, data)


def _place(node: Node, position: int) -> dict[str, Any]:
    """Where a block stands."""
    from headway.types import ZERO_HASH, hash_hex

    tree = node.machine.tree
    header = node.network.rules.parse_header(tree.header(position))
    confirmations = tree.tip.height - tree.height(position) + 1 if tree.on_best_chain(position) else -1
    return {
        "height": tree.height(position),
        "hash": hash_hex(header.hash),
        "confirmations": confirmations,
        "time": header.time,
        "previousblockhash": None if header.prev_hash == ZERO_HASH else hash_hex(header.prev_hash),
    }


def _of_block(txid: Hash, block: Any, data: dict[str, Any]) -> Found:
    from headway.errors import HeadwayError
    from headway.types import hash_hex

    for number, each in enumerate(block.transactions):
        if each.txid == txid:
            facts = {"txid": hash_hex(txid), "proven": True, "blockhash": data["hash"], "index": number}
            place = {name: data[name] for name in ("network", "height", "confirmations", "time")}
            return Found({**facts, **place, "bytes": len(each.raw), "hex": each.raw.hex()}, bytes(each.raw))
    raise HeadwayError(f"block {data['height']}:{data['hash']} does not contain the transaction {hash_hex(txid)}")


async def _unproven(node: Node, txid: Hash, wanted: Wanted) -> Found:
    """Of the first peer that has it among those that wait for a block, or that keeps it all the same."""
    from headway.aio.dial import connect
    from headway.errors import HeadwayError, RemoteProtocolError, RequestFailed
    from headway.types import hash_hex

    asked: set[str] = set()
    why = ""
    while True:
        ready = [info.addr for info in node.peers() if not info.inbound and info.addr not in asked]
        if not ready and asked and not node.machine.slots.missing:
            raise HeadwayError(
                f"none of the peers that were asked ({len(asked)}) has the transaction {hash_hex(txid)}{why}. "
                "A confirmed one is given by its block: name that with --block"
            )
        if not ready:
            await node.until(lambda: _are_others_ready(node, asked))
            continue
        asked.add(ready[0])
        try:
            async with connect(ready[0], network=node.network, proxy=wanted.proxy, onion=wanted.onion) as peer:
                found = await peer.request_transaction(txid)
        except (RequestFailed, RemoteProtocolError) as error:
            why = f" ({error})"
            continue
        if found is not None:
            raw = bytes(found.raw)
            facts = {"network": node.network.name, "txid": hash_hex(txid), "proven": False, "proof_missing": UNPROVEN}
            return Found({**facts, "addr": ready[0], "bytes": len(raw), "hex": raw.hex()}, raw)


def _are_others_ready(node: Node, asked: set[str]) -> bool:
    """Somebody else can be asked; or all peers that are wanted are here, and nobody else is."""
    others = [info for info in node.peers() if not info.inbound and info.addr not in asked]
    return bool(others) or (bool(asked) and not node.machine.slots.missing)
