"""The metrics as a table: what each figure is, that labels are closed, and that the document tells the same."""

from __future__ import annotations

import re
from collections import Counter
from typing import get_args

from headway import __version__, kernel
from headway.node.snapshot import snapshot_of
from headway.observe.families import FAMILIES, Kind, Scrape
from headway.peer.events import PeerState, Reason, RequestKind
from headway.peer.stats import OTHER
from headway.types import Address, Net
from headway.wire import messages as m
from tests.data import REPOSITORY
from tests.stranger import Stranger
from tests.toynet import toy_chain
from tests.virtual import WALL, VirtualNode, World

CHAIN = toy_chain(50)
COMMANDS = {cls.command for cls in get_args(m.Message) if cls is not m.Unknown} | {OTHER}
CLOSED = {
    "network": {str(net) for net in Net},
    "direction": {"inbound", "outbound"},
    "state": {state.name.lower() for state in PeerState if state is not PeerState.CLOSED} | {"asked", "in_hand"},
    "reason": {reason.name.lower() for reason in Reason},
    "kind": {kind.name.lower() for kind in RequestKind},
    "end": {"settled", "expired", "cancelled"},
    "phase": {"headers", "blocks", "current"},
    "source": {"cache", "peer", "whole"},
    "command": COMMANDS,
}
"""Label -> all values that it may have."""


def values_of(node: VirtualNode, free_bytes: int | None = 7) -> dict[str, dict[tuple[str, ...], tuple[float, ...]]]:
    scrape = Scrape(snapshot_of(node.machine, WALL + node.world.now), free_bytes)
    return {family.name: dict(family.values(scrape)) for family in FAMILIES}


def figure(values: dict[str, dict[tuple[str, ...], tuple[float, ...]]], name: str, *labels: str) -> float:
    (value,) = values[name][labels]
    return value


def synced() -> tuple[VirtualNode, VirtualNode]:
    world = World()
    server = world.node(CHAIN, at="1.0.0.1:1")
    node = world.node(connect=(Address("1.0.0.1", 1), Address("1.0.0.2", 1)))
    assert world.run(60, until=lambda: node.machine.is_at_tip)
    return node, server


def test_a_synced_node_tells_its_figures() -> None:
    node, server = synced()
    ours, theirs = values_of(node), values_of(server, free_bytes=None)
    assert figure(ours, "headway_peers", "ipv4", "outbound") == 1
    assert figure(ours, "headway_connections", "ready", "outbound") == 1
    assert figure(ours, "headway_connections_ended_total", "outbound", "connect_failed") >= 1
    assert figure(ours, "headway_header_height") == figure(ours, "headway_block_height") == 50
    assert figure(ours, "headway_stored_headers_total") == figure(ours, "headway_stored_blocks_total") == 50
    assert figure(ours, "headway_stored_block_bytes_total") == sum(map(len, CHAIN))
    assert figure(ours, "headway_received_messages_total", "block") == 50
    assert figure(ours, "headway_received_bytes_total", "block") == sum(map(len, CHAIN)) + 50 * 8
    asked = figure(ours, "headway_requests_total", "headers")
    assert asked == figure(ours, "headway_requests_ended_total", "headers", "settled") > 0
    assert [figure(ours, "headway_sync_phase", phase) for phase in ("headers", "blocks", "current")] == [0, 0, 1]
    assert (figure(ours, "headway_store_headers"), figure(ours, "headway_store_blocks")) == (51, 51)
    assert figure(ours, "headway_store_free_bytes") == 7
    assert figure(ours, "headway_info", __version__, "toynet", kernel.NAME) == 1
    assert figure(theirs, "headway_peers", "not_publicly_routable", "inbound") == 1
    assert figure(theirs, "headway_sent_messages_total", "block") == 50
    assert theirs["headway_store_free_bytes"] == {}


def test_every_label_value_is_one_of_a_closed_list_and_few_values_are_all_there_from_the_beginning() -> None:
    node, _ = synced()
    fresh = World().node()
    for family in FAMILIES:
        if family.name == "headway_info":
            continue
        seen = [Counter(each) for each in zip(*values_of(node)[family.name], strict=True)]
        for label, found in zip(family.labels, seen, strict=False):
            assert found.keys() <= CLOSED[label], family.name
        if family.labels and family.labels != ("command",):
            assert values_of(fresh)[family.name].keys() == values_of(node)[family.name].keys()


def test_nothing_that_a_hostile_peer_says_becomes_a_label() -> None:
    world = World()
    node = world.node(at="1.0.0.9:1")
    stranger = Stranger(world)
    before = {(name, labels) for name, found in values_of(node).items() for labels in found}
    for number in range(15, 115):
        link = stranger.call(node, source=f"203.0.113.{number}:1")
        assert link is not None
        stranger.shake(link, nonce=number, user_agent=f'x"\n{{{number}}}')
        stranger.says(link, *(m.Unknown(f"toy{each}", b"{}") for each in (number, number + 100, 255)))
    world.run(1)
    after = {(name, labels) for name, found in values_of(node).items() for labels in found}
    assert {labels for _, labels in after - before} == {("version",), ("verack",), ("sendaddrv2",), (OTHER,)}
    assert figure(values_of(node), "headway_received_messages_total", OTHER) == 300
    assert figure(values_of(node), "headway_peers", "not_publicly_routable", "inbound") == 100


def test_names_are_as_prometheus_wants_them() -> None:
    names = [family.name for family in FAMILIES]
    assert len(set(names)) == len(names)
    for family in FAMILIES:
        assert re.fullmatch(r"headway(_[a-z]+)+", family.name)
        assert family.name.endswith("_total") == (family.kind is Kind.COUNTER)
        assert family.help.endswith(".")


def test_the_reference_lists_every_metric_with_its_kind_its_labels_and_their_values() -> None:
    text = (REPOSITORY / "docs/reference/metrics.md").read_text("utf-8")
    told = re.findall(r"^\| `(headway_\w+)` \| (\w+) \|([^|]*)\|", text, re.MULTILINE)
    listed = {name: (kind, tuple(re.findall(r"`(\w+)`", labels))) for name, kind, labels in told}
    assert listed == {family.name: (str(family.kind), family.labels) for family in FAMILIES}
    labels = dict(re.findall(r"^\| `(\w+)` \| (`[^|]*) \|$", text, re.MULTILINE))
    for label, values in CLOSED.items():
        if label != "command":
            assert set(re.findall(r"`(\w+)`", labels[label])) == values, label
