"""The bytes of TCP connections, put together from a packet capture: enough of it for the captures of the test data.

Classic pcap files of Ethernet frames with IPv4 or IPv6, without fragments. One direction of a connection is a flow;
where packets are missing a flow falls into several runs.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from struct import Struct
from typing import TypeAlias

_FILE_HEADER_SIZE = 24
_PACKET = Struct("<IIII")  # seconds, microseconds, bytes captured, bytes on the line
_TCP = Struct(">HHII")  # source port, destination port, sequence number, acknowledgement
_ETHERNET_SIZE = 14
_IPV4, _IPV6 = 0x0800, 0x86DD
_TCP_PROTOCOL = 6

_Flow: TypeAlias = tuple[bytes, bytes, int, int]


def runs(capture: bytes) -> list[bytes]:
    """Every stretch of contiguous bytes of every flow, in order of sequence number."""
    flows: dict[_Flow, list[tuple[int, bytes]]] = defaultdict(list)
    for flow, sequence, payload in _segments(capture):
        flows[flow].append((sequence, payload))
    return [run for segments in flows.values() for run in _assembled(segments)]


def _segments(capture: bytes) -> Iterator[tuple[_Flow, int, bytes]]:
    at = _FILE_HEADER_SIZE
    while at < len(capture):
        _, _, size, _ = _PACKET.unpack_from(capture, at)
        packet = capture[at + _PACKET.size : at + _PACKET.size + size]
        at += _PACKET.size + size
        kind = int.from_bytes(packet[12:14], "big")
        ip = packet[_ETHERNET_SIZE:]
        if kind == _IPV4 and ip[9] == _TCP_PROTOCOL:
            tcp = ip[4 * (ip[0] & 15) : int.from_bytes(ip[2:4], "big")]
            addresses = ip[12:16], ip[16:20]
        elif kind == _IPV6 and ip[6] == _TCP_PROTOCOL:
            tcp = ip[40 : 40 + int.from_bytes(ip[4:6], "big")]
            addresses = ip[8:24], ip[24:40]
        else:
            continue
        source, destination, sequence, _ = _TCP.unpack_from(tcp)
        payload = tcp[4 * (tcp[12] >> 4) :]
        if payload:
            yield (*addresses, source, destination), sequence, payload


def _assembled(segments: list[tuple[int, bytes]]) -> Iterator[bytes]:
    """Sequence numbers are taken relative to the first packet seen, so that they may wrap around 2**32."""
    first = segments[0][0]
    ordered = sorted(((sequence - first + 2**31) % 2**32, payload) for sequence, payload in segments)
    start, run = ordered[0][0], b""
    for sequence, payload in ordered:
        end = start + len(run)
        if sequence > end:
            yield run
            start, run = sequence, payload
        elif sequence + len(payload) > end:  # else: sent again
            run += payload[end - sequence :]
    yield run
