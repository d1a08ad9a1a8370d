"""The map of autonomous systems as a node takes it: from the file that the user named, or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from headway.aio.asmap import read_asmap
from headway.aio.node import Node
from headway.errors import ConfigError
from headway.types import Address
from headway.wire.host import V4_MAPPED
from tests.asmaps import trie_of, write_map
from tests.loopback import on_loop

ALL_V4_BELOW_128 = write_map(trie_of({f"{int.from_bytes(V4_MAPPED, 'big'):096b}0": 7}))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "ip_asn.map").write_bytes(ALL_V4_BELOW_128)
    return tmp_path / "ip_asn.map"


def test_numbers_of_the_file(path: Path) -> None:
    number = read_asmap(path)
    assert [number(V4_MAPPED + bytes((first, 2, 3, 4))) for first in (1, 99, 200)] == [7, 7, 0]


@on_loop
async def test_a_node_groups_by_it(path: Path) -> None:
    async with Node(network="regtest", dnsseed=False, sync=False, asmap=path) as node:
        groups = [node.machine.slots.book.group(Address(host, 1)) for host in ("1.2.3.4", "99.1.1.1", "200.1.1.1")]
    assert groups == [b"\2\7\0\0\0", b"\2\7\0\0\0", b"\1\xc8\1"]


@on_loop
async def test_what_is_no_map_is_told_with_its_name(tmp_path: Path) -> None:
    for wrong, complaint in ((Path(__file__), "not an asmap"), (tmp_path / "none", "cannot read the asmap")):
        with pytest.raises(ConfigError, match=complaint) as raised:
            async with Node(network="regtest", asmap=wrong):
                pass
        assert str(wrong) in str(raised.value)
