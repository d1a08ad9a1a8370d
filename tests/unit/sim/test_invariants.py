"""Each of the invariants can fail: a node that breaks it, or a state in which it is broken, is found out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from headway.chain.headers import NOT_KNOWN
from headway.chain.records import pack
from headway.node import orders as do
from headway.node.addrbook import MAX_ADDRESSES
from headway.node.table import SLACK
from headway.peer.deadlines import Cause
from headway.peer.events import Reason
from headway.peer.stats import CommandStats
from headway.sim.actor import Honest, Talk
from headway.sim.chain import Chain
from headway.sim.invariants import MOST_AT_ONCE, QUESTIONS, SPARE, Broken
from headway.sim.scenario import MAIN, ChainPlan, Cue, Families, Role, Run, Scenario
from headway.sync.window import WINDOW, WINDOW_BYTES
from headway.testing.simulated import cast_chains, run_of
from headway.types import Address, BlockId, hash_hex

LENGTH = 60


def scenario(actor: type[Honest] = Honest, *, family: Families = "regtest", **options: Any) -> Scenario:
    return Scenario(
        "test",
        "",
        {"peer": Role(actor, count=2)},
        options.pop("chains", {MAIN: ChainPlan(LENGTH)}),
        family=family,
        **options,
    )


def at_rest(of: Scenario | None = None) -> Run:
    """A run whose node has everything, looked at so far."""
    run = run_of(of or scenario(), seed=1)
    run.simulation.after_event = run.watch.look
    run.node.start()
    assert run.simulation.run(100.0, until=run.has_everything)
    run.done = True
    return run


def with_valid(**valid: Any) -> Run:
    """A run whose chain says of itself that it keeps the rules up to a height alone; the rules know better."""
    network, chains = cast_chains("regtest", ((MAIN, ChainPlan(LENGTH)),))
    return Run(scenario(), network, {MAIN: Chain(network, chains[MAIN].blocks, **valid)}, seed=1)


def tip(run: Run) -> BlockId:
    return run.node.tree.tip


def peer_of(run: Run) -> tuple[int, Any]:
    """A ready peer: its number and its machine."""
    number = run.node.machine.peer_ids[0]
    return number, run.node.machine.peer(number)


def honest(run: Run) -> Address:
    return run.actors["peer"][0].host.addresses[0]


def test_a_run_in_which_all_is_well_breaks_nothing() -> None:
    run = at_rest()
    run.watch.look()
    run.watch.at_rest()
    run.node.close()
    run.simulation.run(60.0)
    run.watch.at_end()


def test_what_is_broken_says_where_and_how_to_see_it_again() -> None:
    run = at_rest()
    with pytest.raises(Broken, match=r"^'test', seed 1, after \d+\.\d+ virtual seconds: gone \(tip 60 of 60, 60 b"):
        run.watch.must(holds=False, text="gone")
    run.watch.must(holds=True, text="fine")


# -------------------------------------------------------------------------------------------------- the tree, the store


def test_an_invalid_header_in_the_tree_is_found() -> None:
    with pytest.raises(Broken, match="a header that no chain has is in the tree"):
        with_valid(valid_headers=30).play()


def test_an_invalid_block_in_the_store_is_found() -> None:
    with pytest.raises(Broken, match="a block that is not valid was stored"):
        with_valid(valid_blocks=30).play()


def test_a_stored_block_that_is_not_as_it_was_is_found_at_once_and_at_rest() -> None:
    run = at_rest()
    run.node.store.blocks[LENGTH] = run.node.store.blocks.pop(LENGTH)[:-1] + b"?"
    with pytest.raises(Broken, match="a stored block is not as it was"):
        run.watch.at_rest()
    run.watch._blocks -= 1
    with pytest.raises(Broken, match="a stored block is not as it was"):
        run.watch.look()


def test_a_lost_block_is_found_at_rest() -> None:
    run = at_rest()
    del run.node.store.blocks[30]
    with pytest.raises(Broken, match="block 30 is not stored"):
        run.watch.at_rest()


def test_a_header_that_came_in_unseen_is_found_at_rest() -> None:
    run = at_rest()
    run.watch._valid_headers.discard(run.chains[MAIN].hashes[7])
    run.watch.look()
    with pytest.raises(Broken, match="a header that no chain has is in the tree"):
        run.watch.at_rest()


def test_a_node_that_loses_its_best_chain_is_found() -> None:
    run = at_rest()
    run.node.tree.invalidate(run.node.tree.at(LENGTH))
    with pytest.raises(Broken, match="what it had it has no more"):
        run.watch.at_rest()


# ----------------------------------------------------------------------------------------------------------- deliveries


def tell(*events: do.NodeEvent, of: Scenario | None = None) -> Run:
    """A run at rest whose node told its owner these, too."""
    run = at_rest(of)
    run.node.events += events
    return run


def test_a_block_delivered_before_it_is_stored_is_found() -> None:
    run = at_rest()
    run.node.store.blocks.pop(LENGTH)
    run.node.events.append(do.BlockConnected(tip(run)))
    with pytest.raises(Broken, match="was delivered, and is not stored"):
        run.watch.look()


def test_an_invalid_block_that_is_delivered_is_found() -> None:
    run = at_rest()
    run.watch._valid_blocks.discard(tip(run).hash)
    run.node.events.append(do.BlockConnected(tip(run)))
    with pytest.raises(Broken, match="was delivered, and is not valid"):
        run.watch.look()


@pytest.mark.parametrize("height", [LENGTH, LENGTH - 1, 1])
def test_a_block_delivered_twice_or_out_of_order_is_found(height: int) -> None:
    run = at_rest()
    run.node.events.append(do.BlockConnected(run.node.tree.id(run.node.tree.at(height))))
    with pytest.raises(Broken, match=rf"^.* {height}:\w+ was delivered after 60:"):
        run.watch.look()


def test_a_block_taken_back_that_is_not_the_last_one_is_found() -> None:
    run = at_rest()
    run.node.events.append(do.BlockDisconnected(run.node.tree.id(run.node.tree.at(LENGTH - 1))))
    with pytest.raises(Broken, match="was taken back, and is not the last one delivered"):
        run.watch.look()


def test_blocks_may_be_taken_back_in_turn_and_delivered_again() -> None:
    run = at_rest()
    last, before = (run.node.tree.id(run.node.tree.at(height)) for height in (LENGTH, LENGTH - 1))
    run.node.events += [do.BlockDisconnected(last), do.BlockDisconnected(before), do.BlockConnected(before)]
    run.watch.look()
    run.node.events.append(do.BlockConnected(last))
    run.watch.look()


def test_a_final_chain_that_takes_a_block_back_is_found() -> None:
    run = at_rest(scenario(family="neo3"))
    run.node.events.append(do.BlockDisconnected(tip(run)))
    with pytest.raises(Broken, match="a final chain was reorganised"):
        run.watch.look()


def test_a_second_block_at_one_height_of_a_final_chain_is_found() -> None:
    run = at_rest(scenario(family="neo3", chains={MAIN: ChainPlan(LENGTH), "rival": ChainPlan(5, MAIN, LENGTH - 3)}))
    run.node.tree.restore(pack(run.chains["rival"].headers(LENGTH - 2, LENGTH - 2), 0))
    with pytest.raises(Broken, match="a second block at one height of a final chain is in the tree"):
        run.watch.look()


def test_a_branch_left_for_one_that_is_only_as_good_is_found() -> None:
    run = at_rest(scenario(chains={MAIN: ChainPlan(LENGTH), "rival": ChainPlan(3, MAIN, LENGTH - 3)}))
    tree = run.node.tree
    tree.restore(pack(run.chains["rival"].headers(LENGTH - 2, LENGTH), 80))
    left = tree.tip
    run.node.events.append(do.TipChanged(run.chains["rival"].tip, 3))
    with pytest.raises(Broken, match=f"{left} was left for {run.chains['rival'].tip}, which has no more work"):
        run.watch.look()


def test_a_branch_left_because_it_turned_out_to_be_bad_is_none() -> None:
    run = at_rest(scenario(chains={MAIN: ChainPlan(LENGTH), "rival": ChainPlan(2, MAIN, LENGTH - 3)}))
    tree = run.node.tree
    tree.restore(pack(run.chains["rival"].headers(LENGTH - 2, LENGTH - 1), 80))
    tree.invalidate(tree.at(LENGTH - 1))
    assert tree.tip == run.chains["rival"].tip
    run.node.events.append(do.TipChanged(tree.tip, 3))
    run.watch.look()


def test_a_node_that_delivers_nothing_is_found() -> None:
    run = at_rest()
    run.node.machine.sync.chain._tip = NOT_KNOWN
    with pytest.raises(Broken, match="nothing was delivered"):
        run.watch.at_rest()


# --------------------------------------------------------------------------------------------------------- honest peers


@pytest.mark.parametrize("reason", [Reason.MISBEHAVED, Reason.PROTOCOL, Reason.HANDSHAKE_REJECTED])
@pytest.mark.parametrize("port", [8333, 50_000], ids=["dialled", "who dialled us"])
def test_blame_for_an_honest_peer_is_found(reason: Reason, port: int) -> None:
    run = at_rest()
    address = Address(honest(run).host, port)
    run.node.events.append(do.PeerLost(1, address, port != 8333, True, reason, "it lied"))
    with pytest.raises(Broken, match="was blamed: it lied"):
        run.watch.look()


def test_an_honest_peer_may_be_slow_and_a_hostile_one_be_blamed() -> None:
    run = at_rest()
    run.node.events += [
        do.PeerLost(1, honest(run), False, True, Reason.STALLED, "slow"),
        do.PeerLost(2, Address("66.6.6.6", 8333), False, True, Reason.MISBEHAVED, "it lied"),
    ]
    run.watch.look()


def test_a_discouraged_honest_address_is_found() -> None:
    run = at_rest()
    run.node.machine.slots.book.discourage(honest(run), "it lied", run.simulation.now)
    with pytest.raises(Broken, match="is discouraged: it lied"):
        run.watch.at_rest()


# ------------------------------------------------------------------------------------------------------------- progress


class NoBlocks(Honest):
    """Has them, says so, answers pings, and gives none."""

    def asked_blocks(self, talk: Talk, hashes: Any) -> None:
        """Silence."""


def test_a_node_without_progress_is_found() -> None:
    with pytest.raises(Broken, match=r"no progress for 4\d\d s"):
        run_of(scenario(NoBlocks), seed=1).play()


def test_a_node_that_is_not_done_in_time_is_found() -> None:
    with pytest.raises(Broken, match="the sync did not end in time"):
        run_of(scenario(NoBlocks, within=300.0), seed=1).play()


def test_nobody_expects_progress_while_no_honest_peer_can_be_reached() -> None:
    """Dark for longer than the patience lasts, and then it goes on."""
    deeds = scenario(patience=300.0, cues=(Cue((0.1, 0.1), "split", "node"), Cue((450.0, 450.0), "heal")))
    assert run_of(deeds, seed=1).play().seconds > 450.0


def test_events_that_call_each_other_for_ever_are_found() -> None:
    run = at_rest()

    def again() -> None:
        run.simulation.later(0.0, again)

    again()
    with pytest.raises(Broken, match="time stands still"):
        run.simulation.run(1.0)
    assert run.simulation.events > MOST_AT_ONCE


# ----------------------------------------------------------------------------------------------------------------- caps


def _more_blocks(run: Run) -> None:
    run.node.machine.sync.blocks.window.asked.update(dict.fromkeys(range(WINDOW + 1), 1))


def _more_bytes(run: Run) -> None:
    run.node.machine.sync.blocks.window.bytes_in_hand = WINDOW_BYTES + SPARE + 1


def _more_peers(run: Run) -> None:
    peers = run.node.machine._peers._peers
    peers.update(dict.fromkeys(range(1000, 1200), peers[peer_of(run)[0]]))


def _more_timers(run: Run) -> None:
    run.node.machine._peers._timers += [(0.0, 0)] * (SLACK + 5)


def _more_clients(run: Run) -> None:
    for number in range(1000, 1005):
        run.node.machine._server.add_peer(number)


@pytest.mark.parametrize(
    ("breaks", "words"),
    [
        (_more_blocks, "more blocks are asked than the window holds"),
        (_more_bytes, "more bytes are in hand than the window holds"),
        (_more_peers, "more peers than there are slots"),
        (_more_timers, "timers are left over"),
        (_more_clients, "clients are left over"),
    ],
)
def test_a_table_over_its_cap_is_found(breaks: Callable[[Run], None], words: str) -> None:
    run = at_rest()
    breaks(run)
    with pytest.raises(Broken, match=words):
        run.watch.look()


def test_a_block_asked_beyond_the_window_is_found() -> None:
    run = at_rest(scenario(chains={MAIN: ChainPlan(LENGTH, headers_only=WINDOW + 10)}, node={"ceiling": LENGTH}))
    blocks = run.node.machine.sync.blocks
    blocks.window.asked[run.node.tree.at(LENGTH + WINDOW)] = 1
    run.watch.at_rest()
    blocks.window.asked[run.node.tree.at(LENGTH + WINDOW + 1)] = 1
    with pytest.raises(Broken, match=rf"block {LENGTH + WINDOW + 1} is asked, and the window ends at"):
        run.watch.at_rest()


def test_bytes_in_hand_that_are_not_given_back_are_found() -> None:
    run = at_rest()
    run.node.machine.sync.blocks.window.bytes_in_hand += 7
    with pytest.raises(Broken, match="0 bytes are in hand, and others are counted"):
        run.watch.at_rest()


def test_a_book_over_its_bound_is_found() -> None:
    run = at_rest()
    entries = run.node.machine.slots.book._entries
    entry = next(iter(entries.values()))
    entries.update({Address("1.2.3.4", port): entry for port in range(1, MAX_ADDRESSES + 1)})
    with pytest.raises(Broken, match="the book is over its bound"):
        run.watch.at_rest()


# ------------------------------------------------------------------------------------------------------------ deadlines


def test_a_deadline_of_which_nothing_came_is_found() -> None:
    run = at_rest()
    number, machine = peer_of(run)
    machine._deadlines.arm(Cause.HANDSHAKE, 1.0, run.simulation.now - 10.0)
    with pytest.raises(Broken, match=f"a deadline of peer {number} has passed and nothing came of it"):
        run.watch.at_rest()


def test_a_peer_that_has_ended_and_is_kept_is_found() -> None:
    run = at_rest()
    number, machine = peer_of(run)
    machine.disconnect(Reason.IDLE, "nothing received", run.simulation.now)
    with pytest.raises(Broken, match=f"peer {number} has ended, and its connection is kept"):
        run.watch.at_rest()


def test_a_peer_that_nothing_watches_is_found() -> None:
    run = at_rest()
    number, machine = peer_of(run)
    machine._deadlines.clear()
    with pytest.raises(Broken, match=f"no deadline watches peer {number}"):
        run.watch.at_rest()


def test_blocks_owed_without_a_deadline_are_found() -> None:
    run = at_rest()
    number, machine = peer_of(run)
    machine.request_blocks([run.node.tree.request(5)], run.simulation.now)
    run.watch.at_rest()
    machine._deadlines.disarm(Cause.PROGRESS)
    with pytest.raises(Broken, match=f"peer {number} owes blocks without a deadline"):
        run.watch.at_rest()


def test_headers_owed_without_a_deadline_are_found() -> None:
    run = at_rest()
    number, machine = peer_of(run)
    machine.request_headers(run.node.tree.locator(), run.simulation.now)
    run.watch.at_rest()
    machine._deadlines.disarm(Cause.HEADERS)
    with pytest.raises(Broken, match=f"peer {number} owes headers without a deadline"):
        run.watch.at_rest()


def test_a_block_that_another_one_excused_is_found() -> None:
    run = at_rest()
    number, machine = peer_of(run)
    requests = [run.node.tree.request(position) for position in (5, 6)]
    batch = machine.request_blocks(requests, run.simulation.now)
    run.node.machine._peers._peers[number].batch = batch
    run.watch.at_rest()
    del batch._asked[requests[1].hash]
    words = f"peer {number} owes block {hash_hex(requests[1].hash)} without a deadline of its own"
    with pytest.raises(Broken, match=words):
        run.watch.at_rest()


def test_a_peer_that_is_asked_again_and_again_for_nothing_is_found() -> None:
    run = at_rest()
    number, machine = peer_of(run)
    asked = machine.stats.sent["getheaders"]
    asked.messages = QUESTIONS
    run.watch.at_rest()
    asked.messages += 10
    with pytest.raises(Broken, match=rf"peer {number} was asked for headers {QUESTIONS + 10} times, and told of news"):
        run.watch.at_rest()
    machine.stats.received["inv"] = CommandStats(messages=10)
    run.watch.at_rest()


# -------------------------------------------------------------------------------------------------------------- the end


def test_a_node_that_does_not_let_go_of_its_peers_is_found() -> None:
    run = at_rest()
    with pytest.raises(Broken, match=r"peers are left: \(1, 2\)"):
        run.watch.at_end()


def _timer(run: Run) -> None:
    run.node.machine._closing = False


def _in_flight(run: Run) -> None:
    run.node.machine.sync.blocks.window.asked[5] = 1


def _in_hand(run: Run) -> None:
    run.node.machine.sync.blocks.window.in_hand[5] = 100


def _orders(run: Run) -> None:
    run.node.machine._outbox.ask(lambda number: do.Load(number, 1), lambda _result, _now: None)


def _clients(run: Run) -> None:
    run.node.machine._server.add_peer(7)


def _touched(run: Run) -> None:
    run.node.machine._peers.touch(7)


def _asked(run: Run) -> None:
    run.node.machine.sync.headers.add_peer(7)


def _in_use(run: Run) -> None:
    next(iter(run.node.machine.slots.book.entries())).in_use = 1


def _connection(run: Run) -> None:
    run.node._connections[7] = run.node._connections.get(7)  # type: ignore[assignment]  # whatever it is


@pytest.mark.parametrize(
    ("breaks", "words"),
    [
        (_timer, "a timer is left"),
        (_in_flight, "blocks are left in flight"),
        (_in_hand, "blocks are left in flight"),
        (_orders, "orders are left"),
        (_clients, "clients are left"),
        (_touched, "the table of peers is not empty"),
        (_asked, "header requests are left"),
        (_in_use, "an address is left in use"),
        (_connection, "connections are left"),
    ],
)
def test_what_is_left_at_the_end_is_found(breaks: Callable[[Run], None], words: str) -> None:
    run = at_rest()
    run.node.close()
    run.simulation.run(60.0)
    run.watch.at_end()
    if breaks is _timer:
        run.node.machine._tick_at = 1.0
    breaks(run)
    with pytest.raises(Broken, match=words):
        run.watch.at_end()


def test_another_node_on_the_same_store_begins_where_the_first_ended() -> None:
    run = at_rest()
    run.restart()
    assert (run.watch._delivered, run.node.events) == (tip(run), [])
    assert run.simulation.run(100.0, until=run.has_everything)
    run.watch.at_rest()
    run.node.events.append(do.BlockConnected(run.node.tree.id(1)))
    with pytest.raises(Broken, match="was delivered after"):
        run.watch.look()
