"""The processes of the demo's peers: all there inside, all gone outside."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from headway.cli.demo.family import FAMILIES
from headway.cli.demo.network import NAMES, serving_peers
from headway.cli.demo.peer import Fault
from headway.errors import HeadwayError
from headway.store import Store
from headway.testing.chain import regtest_chain, store_chain
from tests.processes import processes_naming

BITCOIN = FAMILIES["bitcoin"]()


@pytest.fixture
def chain(tmp_path: Path) -> Path:
    with Store.open(tmp_path, BITCOIN.network) as store:
        list(store_chain(store, regtest_chain(10)))
    return tmp_path


def test_each_peer_is_a_process_that_listens_until_the_end(chain: Path) -> None:
    async def story() -> None:
        async with serving_peers(chain, BITCOIN, 10) as peers:
            assert [(peer.name, peer.fault) for peer in peers] == list(NAMES.items())
            assert len({peer.address for peer in peers}) == len(NAMES)
            assert len(processes_naming(chain)) == len(NAMES)
            for peer in peers:
                _, writer = await asyncio.open_connection(peer.address.host, peer.address.port)
                writer.close()
                await writer.wait_closed()
        assert processes_naming(chain) == []

    asyncio.run(story())


def test_every_fault_is_played_and_somebody_is_honest() -> None:
    assert set(NAMES.values()) == set(Fault)


def test_the_processes_end_whatever_ends_the_demo(chain: Path) -> None:
    async def story() -> None:
        with pytest.raises(ZeroDivisionError):
            async with serving_peers(chain, BITCOIN, 10):
                raise ZeroDivisionError
        assert processes_naming(chain) == []

    asyncio.run(story())


def test_a_peer_that_cannot_start_is_an_error_that_says_why(tmp_path: Path) -> None:
    async def story() -> None:
        async with serving_peers(tmp_path / "absent", BITCOIN, 10):
            pytest.fail("there is nothing to serve")

    with pytest.raises(HeadwayError, match="is no data directory of headway"):
        asyncio.run(story())
    assert processes_naming(tmp_path) == []
