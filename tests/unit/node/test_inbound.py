"""Who has to go when all inbound slots are taken."""

from __future__ import annotations

import random
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from headway.node.inbound import DISADVANTAGED, Inbound, select_to_evict
from headway.types import Net


def crowd(count: int, **fields: object) -> list[Inbound]:
    """So many, each of a group of its own, the higher numbers younger."""
    return [replace(Inbound(n, float(n), netgroup=1_000 + n), **fields) for n in range(1, count + 1)]  # type: ignore[arg-type]


def test_nobody_goes_while_everybody_has_a_reason_to_stay() -> None:
    assert select_to_evict([]) is None
    assert select_to_evict(crowd(20)) is None
    assert select_to_evict(crowd(40)) is not None


def test_the_youngest_of_the_largest_crowd_goes() -> None:
    peers = [*crowd(40), *(Inbound(n, float(n), netgroup=7) for n in range(100, 120))]
    assert select_to_evict(peers) == 119


def test_who_stands_out_stays() -> None:
    """A hundred of one attacker, all younger: each kind of merit saves the one that has it."""
    attackers = [
        Inbound(n, float(n), netgroup=7, min_ping=0.5, last_block_at=1.0, last_transaction_at=1.0)
        for n in range(1_000, 1_100)
    ]
    for merit in (
        {"min_ping": 0.001},
        {"last_block_at": 9_000.0},
        {"last_transaction_at": 9_000.0},
        {"netgroup": 99},
        {"connected_at": 0.0},
    ):
        one = replace(Inbound(1, 2_000.0, netgroup=7), **merit)
        left = [one, *attackers]
        while (gone := select_to_evict(left)) is not None:
            assert gone != 1, merit
            left = [peer for peer in left if peer.peer != gone]
        assert len(left) < 40


def test_one_that_lets_others_go_first_goes_before_the_youngest() -> None:
    peers = crowd(60)
    victim = select_to_evict(peers)
    assert victim is not None
    polite = replace(peers[30], prefers_eviction=True, connected_at=59.5)
    changed = [polite if peer.peer == polite.peer else peer for peer in peers]
    assert select_to_evict(changed) == polite.peer


def test_far_networks_have_their_places() -> None:
    """All the onion peers are young and slow; some of them stay all the same."""
    near = [Inbound(n, float(n), min_ping=0.01, netgroup=n) for n in range(1, 61)]
    far = [Inbound(n, float(n), min_ping=5.0, netgroup=n, network=Net.ONION) for n in range(1_000, 1_010)]
    left = [*near, *far]
    while (gone := select_to_evict(left)) is not None:
        left = [peer for peer in left if peer.peer != gone]
    assert sum(peer.network == Net.ONION for peer in left) >= 4


NETWORKS = st.sampled_from([Net.IPV4, Net.IPV6, Net.ONION, Net.I2P, Net.CJDNS])
PEERS = st.lists(
    st.builds(
        Inbound,
        peer=st.just(0),
        connected_at=st.floats(0, 100),
        min_ping=st.floats(0.001, 10),
        last_block_at=st.floats(0, 100),
        last_transaction_at=st.floats(0, 100),
        offers_blocks=st.booleans(),
        relays_transactions=st.booleans(),
        netgroup=st.integers(0, 12),
        network=NETWORKS,
        is_local=st.booleans(),
        prefers_eviction=st.booleans(),
    ),
    max_size=90,
).map(lambda peers: [replace(peer, peer=number) for number, peer in enumerate(peers)])


@given(PEERS)
def test_it_agrees_with_the_naive_reading_of_the_rules(peers: list[Inbound]) -> None:
    assert select_to_evict(peers) == naive(peers)


@given(PEERS, st.integers(0, 1_000))
def test_the_order_in_which_they_are_listed_changes_nothing(peers: list[Inbound], seed: int) -> None:
    shuffled = random.Random(seed).sample(peers, len(peers))
    assert select_to_evict(shuffled) == select_to_evict(peers)


def naive(peers: list[Inbound]) -> int | None:
    """One removal at a time, with lists: as a person would with cards on a table."""
    table = list(peers)

    def save(count: int, merit: object, among: object = lambda _: True) -> None:
        for _ in range(count):
            rest = [peer for peer in table if among(peer)]  # type: ignore[operator]
            if not rest:
                return
            table.remove(max(rest, key=lambda p: (merit(p), -p.connected_at, -p.peer)))  # type: ignore[operator]

    save(4, lambda p: p.netgroup)
    save(8, lambda p: -p.min_ping)
    save(4, lambda p: (p.last_transaction_at, p.relays_transactions))
    save(8, lambda p: p.last_block_at, lambda p: not p.relays_transactions and p.offers_blocks)
    save(4, lambda p: (p.last_block_at, p.offers_blocks))
    half, quarter, size = len(table) // 2, len(table) // 4, len(table)

    def of(network: str) -> object:
        return lambda p: p.is_local if network == "local" else p.network == network

    waiting = [n for n in DISADVANTAGED if any(of(n)(p) for p in table)]  # type: ignore[operator]
    waiting.sort(key=lambda n: sum(of(n)(p) for p in table))  # type: ignore[operator]
    while waiting and size - len(table) < quarter:
        share = max(1, (quarter - (size - len(table))) // len(waiting))
        for network in list(waiting):
            mine = sum(of(network)(p) for p in table)  # type: ignore[operator]
            room = min(share, quarter - (size - len(table)))
            save(room, lambda p: -p.connected_at, of(network))
            if mine <= room:
                waiting.remove(network)
    save(half - (size - len(table)), lambda p: -p.connected_at)
    if any(p.prefers_eviction for p in table):
        table = [p for p in table if p.prefers_eviction]
    groups: dict[int, list[Inbound]] = {}
    for peer in table:
        groups.setdefault(peer.netgroup, []).append(peer)
    if not groups:
        return None
    _, _, _, members = max((len(g), max(p.connected_at for p in g), name, g) for name, g in groups.items())
    return max(members, key=lambda p: (p.connected_at, p.peer)).peer
