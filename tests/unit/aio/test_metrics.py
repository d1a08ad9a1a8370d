"""A running node that is asked for its metrics over loopback, as Prometheus asks."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from headway.aio.node import Node
from headway.errors import ConfigError
from headway.types import Address
from tests.loopback import ToyServer, listen, on_loop
from tests.toynet import TOYNET, toy_chain

CHAIN = toy_chain(40)
ANYWHERE = Address("127.0.0.1", 0)


async def ask(address: Address) -> dict[str, float]:
    """Every sample, by its name and the values of its labels in the order of their names."""
    reader, writer = await asyncio.open_connection(address.host, address.port)
    writer.write(b"GET /metrics HTTP/1.1\r\n\r\n")
    _, _, body = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    await writer.wait_closed()
    return {
        " ".join((sample.name, *(value for _, value in sorted(sample.labels.items())))): sample.value
        for family in text_string_to_metric_families(body.decode())
        for sample in family.samples
    }


@on_loop
async def test_a_running_node_is_asked_and_tells_how_far_it_is(tmp_path: Path) -> None:
    async with (
        ToyServer(CHAIN) as server,
        Node(network=TOYNET, connect=[server.address], datadir=tmp_path, metrics=ANYWHERE) as node,
    ):
        assert node.metrics is not None
        await node.synced()
        told = await ask(node.metrics)
        assert told["headway_peers outbound not_publicly_routable"] == node.status().peers == 1
        assert told["headway_header_height"] == told["headway_block_height"] == 40
        assert told["headway_stored_block_bytes_total"] == node.status().block_bytes == sum(map(len, CHAIN))
        (info,) = node.peers()
        assert told["headway_received_bytes_total block"] == info.bytesrecv_per_msg["block"]
        assert told["headway_sync_phase current"] == 1
        assert 0 < told["headway_store_free_bytes"] < 1 << 60


@on_loop
async def test_it_listens_where_it_was_told_and_while_the_node_is_open() -> None:
    async with Node(network=TOYNET, peers=0, metrics=ANYWHERE) as node:
        assert node.metrics is not None
        other = Address("127.0.0.2", node.metrics.port)
        with pytest.raises(ConnectionRefusedError):
            await ask(other)
    with pytest.raises(ConnectionRefusedError):
        await ask(node.metrics)


@on_loop
async def test_a_place_that_cannot_be_listened_on_is_told_before_anything_is_dialled() -> None:
    for text, why in (("127.0.0.1", "no port in"), ("127.0.0.1:99999", "is not between 1 and 65535")):
        with pytest.raises(ConfigError, match=why):
            Node(network=TOYNET, metrics=text)
    taken, address = listen()
    with taken, pytest.raises(ConfigError, match="for metrics: address already in use"):
        async with Node(network=TOYNET, peers=0, metrics=str(address)):
            pytest.fail("it is taken")


@on_loop
async def test_a_directory_that_has_gone_hides_no_other_figure(tmp_path: Path) -> None:
    directory = tmp_path / "data"
    async with Node(network=TOYNET, peers=0, datadir=directory, metrics=ANYWHERE) as node:
        assert node.metrics is not None
        away = directory.rename(tmp_path / "elsewhere")
        told = await ask(node.metrics)
        assert "headway_store_free_bytes" not in told
        assert told["headway_store_headers"] == 1
        away.rename(directory)
