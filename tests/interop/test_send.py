"""`headway send` to real nodes: they ask for the transaction, judge it, and pass it on."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from struct import Struct

import pytest

from headway.cli.output import Exit
from headway.networks.dbft.consensus import next_consensus
from headway.networks.dbft.rules import DbftRules
from headway.networks.dbft.script import build_invocation
from headway.networks.neo3.parser import PARSER
from headway.testing.neo_chain import neo_network, script_of, signature, validators, witness
from headway.types import hash_hex
from tests.interop.cli import run
from tests.interop.neo_go import LIVE, NeoGo
from tests.interop.neo_networks import LEGACY, SINGLE
from tests.interop.neo_one import NeoOne
from tests.interop.nodes import Bcoin

pytestmark = pytest.mark.interop


def send(raw: str, *words: str, code: int = 0) -> dict[str, object]:
    return run("send", raw, "--network", "regtest", *words, code=code)


def test_bcoin_takes_a_payment_and_announces_it_to_another_peer_of_ours() -> None:
    with Bcoin() as node:
        raw, txid = node.payment()
        twice = ("--connect", node.address) * 2
        result = send(raw, *twice, "--peers", "1")
        assert (result["txid"], result["bytes"]) == (txid, len(raw) // 2)
        assert result["announced_to"] == result["taken_by"] == result["returned_by"] == [node.address]
        assert node.mempool() == [txid]
        known = send(raw, "--connect", node.address, "--timeout", "3", code=Exit.INCOMPLETE)
        assert (known["announced_to"], known["taken_by"]) == ([node.address], [])


def test_what_bcoin_finds_invalid_it_takes_once_and_keeps_to_itself() -> None:
    with Bcoin() as node:
        raw, _ = node.payment()
        middle = len(raw) // 4 * 2
        broken = raw[:middle] + f"{int(raw[middle : middle + 2], 16) ^ 1:02x}" + raw[middle + 2 :]  # in the signature
        result = send(broken, *("--connect", node.address) * 2, "--peers", "1", "--timeout", "3")
        assert (result["taken_by"], result["returned_by"]) == ([node.address], [])
        assert node.mempool() == []


def n3_transaction(valid_until: int) -> bytes:
    """A transaction that does nothing (PUSH1), paid and signed by the one validator of SINGLE, who has all the GAS."""
    signers = validators(1)
    rules = neo_network("neo3", signers, magic=SINGLE.magic).rules
    assert isinstance(rules, DbftRules)
    fees = (1_000_000, 10_000_000)  # of the system and of the network, in 10**-8 GAS: more than enough
    unsigned = Struct("<BIqqI").pack(0, 7, *fees, valid_until)
    unsigned += b"\1" + next_consensus(rules.dialect, signers.keys) + b"\1"  # one signer, called by entry
    unsigned += b"\0" + b"\1\x11"  # no attributes; the script
    digest = sha256(SINGLE.magic.to_bytes(4, "little") + sha256(unsigned).digest()).digest()
    invocation = build_invocation(rules.dialect, [signature(signers.secrets[0], digest)])
    return unsigned + witness(invocation, script_of(rules, signers))


def test_neo_go_takes_a_transaction_and_puts_it_into_a_block(tmp_path: Path) -> None:
    network = SINGLE.write_file(tmp_path / "single.toml")
    with NeoGo(tmp_path, block_ms=LIVE) as node:
        height = node.wait_for_height(2).height
        raw = n3_transaction(height + 1_000)
        result = run("send", raw.hex(), "--network", str(network), "--connect", node.address)
        assert result["taken_by"] == [node.address]
        txid = result["txid"]

        def is_in_a_block() -> bool:
            nonlocal height
            while height < node.height():
                height += 1
                if any(hash_hex(tx.txid) == txid for tx in PARSER.transactions(node.block(height))):
                    return True
            return False

        assert node.wait_while(lambda: not is_in_a_block())


def test_neo_one_asks_for_a_transaction(tmp_path: Path) -> None:
    network = LEGACY.write_file(tmp_path / "legacy.toml")
    with NeoOne(tmp_path, 3) as node:
        result = run("send", "8000" + "00" * 4, "--network", str(network), "--connect", node.address)
        assert result["taken_by"] == [node.address]
