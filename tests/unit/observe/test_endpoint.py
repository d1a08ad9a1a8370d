"""The endpoint of metrics, over real loopback sockets: what it answers, and what it does not."""

from __future__ import annotations

import asyncio

import pytest

from headway.errors import LocalProtocolError
from headway.node.snapshot import snapshot_of
from headway.observe.endpoint import MAX_CONNECTIONS, MAX_HEAD, MetricsEndpoint
from headway.observe.families import Scrape
from headway.types import Address
from tests.loopback import listen, on_loop
from tests.virtual import WALL, World

ANYWHERE = Address("127.0.0.1", 0)
GET = b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"


async def scrape() -> Scrape:
    return Scrape(snapshot_of(World().node().machine, WALL), 1)


async def ask(address: Address, request: bytes) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of an answer; the connection must end behind it."""
    reader, writer = await asyncio.open_connection(address.host, address.port)
    try:
        writer.write(request)
        answer = await reader.read()
    finally:
        writer.close()
        await writer.wait_closed()
    head, _, body = answer.partition(b"\r\n\r\n")
    status, *lines = head.decode().split("\r\n")
    return int(status.split()[1]), dict(line.split(": ", 1) for line in lines), body


@on_loop
async def test_metrics_are_told_to_who_gets_them() -> None:
    async with MetricsEndpoint(ANYWHERE, scrape) as open_at:
        assert open_at.address.host == "127.0.0.1"
        assert open_at.address.port != 0
        for request in (GET, GET.replace(b"/metrics", b"/metrics?name[]=x"), GET.replace(b"1.1", b"1.0")):
            status, headers, body = await ask(open_at.address, request)
            assert (status, headers["Content-Type"]) == (200, "text/plain; version=0.0.4; charset=utf-8")
            assert int(headers["Content-Length"]) == len(body)
            assert b"\nheadway_header_height 0.0\n" in body


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", 404),
        (b"GET /metrics/x HTTP/1.1\r\n\r\n", 404),
        (b"POST /metrics HTTP/1.1\r\nContent-Length: 0\r\n\r\n", 405),
        (b"HEAD /metrics HTTP/1.1\r\n\r\n", 405),
        (b"GET /metrics\r\n\r\n", 400),
        (b"GET /metrics HTTP/2\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\r\n\r\n", 400),
        (b"GET /metrics HTTP/1.1\r\nA: " + b"a" * MAX_HEAD, 431),
    ],
)
def test_all_else_is_refused(request_: bytes, status: int) -> None:
    @on_loop
    async def asked() -> None:
        async with MetricsEndpoint(ANYWHERE, scrape) as open_at:
            got, headers, body = await ask(open_at.address, request_)
            assert (got, b"headway_" in body) == (status, False)
            assert headers["Connection"] == "close"

    asked()


@on_loop
async def test_who_says_nothing_is_hung_up_on_in_time() -> None:
    async with MetricsEndpoint(ANYWHERE, scrape, patience=0.05) as open_at:
        reader, writer = await asyncio.open_connection(open_at.address.host, open_at.address.port)
        writer.write(GET[:10])
        assert await reader.read() == b""
        writer.close()


@on_loop
async def test_so_many_at_a_time_and_no_more() -> None:
    async with MetricsEndpoint(ANYWHERE, scrape) as open_at:
        held = [
            await asyncio.open_connection(open_at.address.host, open_at.address.port) for _ in range(MAX_CONNECTIONS)
        ]
        reader, writer = await asyncio.open_connection(open_at.address.host, open_at.address.port)
        assert await reader.read() == b""
        writer.close()
        held[0][1].write(GET)
        assert (await held[0][0].read()).startswith(b"HTTP/1.1 200 OK")
        for _, writer in held:
            writer.close()
    assert open_at._answers == set()


@on_loop
async def test_at_its_end_it_lets_go_of_everybody() -> None:
    begun = asyncio.Event()

    async def never() -> Scrape:
        begun.set()
        await asyncio.get_running_loop().create_future()
        raise AssertionError("it was cancelled")

    async with MetricsEndpoint(ANYWHERE, never) as open_at:
        reader, writer = await asyncio.open_connection(open_at.address.host, open_at.address.port)
        writer.write(GET)
        await begun.wait()
    assert await reader.read() == b""
    writer.close()


@on_loop
async def test_a_node_that_is_closing_says_so() -> None:
    async def closing() -> Scrape:
        raise LocalProtocolError("the node is not open")

    async with MetricsEndpoint(ANYWHERE, closing) as open_at:
        assert (await ask(open_at.address, GET))[0] == 503


@on_loop
async def test_a_port_that_is_taken_is_an_error_of_the_system() -> None:
    taken, address = listen()
    with taken, pytest.raises(OSError, match="in use"):
        async with MetricsEndpoint(address, scrape):
            pytest.fail("it is taken")
