"""What happens on cue: somebody goes dark, a line breaks, a disk is full. Called by `scenario`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headway.sim.host import ActorHost
    from headway.sim.scenario import Cue, Run

NODE = "node"


def perform(run: Run, cue: Cue) -> None:
    """Have it happen now. Raises ValueError for what its subject cannot do."""
    run.simulation.trace(f"# {cue.deed} {cue.who}".rstrip())
    run.watch.disturbed()
    if cue.deed == "heal":
        run.internet.heal()
    elif cue.who == NODE:
        _perform_node(run, cue)
    else:
        role = run.actors[cue.who]
        for each in role if cue.everyone or cue.deed in {"grow", "switch", "split"} else [run.rng.choice(role)]:
            _perform_actor(run, cue, each)


def _perform_node(run: Run, cue: Cue) -> None:
    node = run.node
    match cue.deed:
        case "restart":
            run.restart()
        case "fill disk":
            node.store.room = cue.to
        case "empty disk":
            run.watch.must(node.machine.failure is not None, "the disk was full, and the node went on")
            run.watch.at_end()
            node.store.room = None
            run.restart()
        case "want":
            node.give("want_blocks", cue.to)
            run.watch.begins_anew()
        case "clock":
            node.clock_skew = cue.to
        case "break":
            run.internet.drop(node.host)
        case "split":
            run.internet.split([node.host])
        case _:
            raise ValueError(f"a node does not {cue.deed}")


def _perform_actor(run: Run, cue: Cue, each: ActorHost) -> None:
    host = each.host
    match cue.deed:
        case "grow":
            each.actor.grow(cue.to)
        case "switch":
            each.actor.switch(run.chains[cue.to])
        case "break":
            run.internet.drop(host)
        case "vanish":
            host.is_dark = True
            run.internet.drop(host, silently=True)
        case "dark":
            host.is_dark = True
        case "light":
            host.is_dark, host.listener = False, host.listener or each
        case "split":
            run.internet.split([host])
        case _:
            raise ValueError(f"an actor does not {cue.deed}")
