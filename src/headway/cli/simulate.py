"""`headway simulate`: a node among honest and hostile peers in virtual time; what a seed decided, it decides again.

One seed is played here, many in several processes. Not here: the runs themselves (`headway.testing`).
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any, Final

import click

from headway.cli.options import common_options
from headway.cli.output import Exit, Output, table

if TYPE_CHECKING:
    from collections.abc import Callable

    from headway.testing.seeds import Played

DEFAULT_SEEDS: Final = range(100)
MAX_BROKEN: Final = 20
"""Seeds that may break before the rest is not played: one fault is behind many of them, as a rule."""
FEW: Final = 8
"""Seeds for which a process of their own is worth its start."""


class SeedRange(click.ParamType[Any]):
    """`A:B`: from A on, B not included; `N`: the first N."""

    name = "A:B"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> range:
        first, colon, end = value.rpartition(":")
        try:
            seeds = range(int(first) if colon else 0, int(end))
        except ValueError:
            seeds = range(0)
        if seeds.start < 0 or not seeds:
            self.fail(f"{value!r} is no range of seeds: 0:100 are the first hundred, and so is 100", param, ctx)
        return seeds


class ScenarioName(click.ParamType[Any]):
    name = "scenario"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        from difflib import get_close_matches

        from headway.sim.scenarios import SCENARIOS

        if value not in SCENARIOS:
            near = get_close_matches(value, SCENARIOS, n=3)
            hint = f" Near to it: {', '.join(near)}." if near else ""
            self.fail(f"there is no scenario {value!r}.{hint} `headway simulate --list` names all", param, ctx)
        return str(value)


@click.command()
@click.option("--seed", type=click.IntRange(min=0), metavar="N", help="Play this seed alone.")
@click.option("--seeds", type=SeedRange(), help="Play all of these.  [default: 0:100]")
@click.option("--scenario", type=ScenarioName(), metavar="NAME", help="Play this one.  [default: the seed decides]")
@click.option("--list", "list_", is_flag=True, help="Name the scenarios, and play none.")
@click.option("--trace", is_flag=True, help="Print everything that was said, and when. For one seed.")
@click.option("--jobs", type=click.IntRange(1, 1024), metavar="N", help="Processes.  [default: one a processor]")
@common_options
def simulate(
    *,
    seed: int | None,
    seeds: range | None,
    scenario: str | None,
    list_: bool,
    trace: bool,
    jobs: int | None,
    output: Output,
) -> Exit:
    """Play a node among honest and hostile peers, in virtual time and without a network.

    A seed decides all that happens: what broke with it breaks again. Exit code 1 says that something did.
    """
    if seed is not None and seeds is not None:
        raise click.UsageError("--seed is one, --seeds are many: give one of them")
    if trace and seed is None:
        raise click.UsageError("--trace shows one seed: name it with --seed")
    if trace and output.json:
        raise click.UsageError("--trace and --json cannot both go to stdout: with -v the trace goes to stderr")
    if list_:
        return _list(output)
    if seed is not None:
        return _play_one(seed, scenario, output, _tracer(output, wanted=trace))
    chosen = seeds or DEFAULT_SEEDS
    most = -(-len(chosen) // FEW)
    return _play_many(chosen, scenario, output, min(jobs or os.cpu_count() or 1, most if jobs is None else len(chosen)))


def _list(output: Output) -> Exit:
    from headway.sim.scenarios import SCENARIOS

    found = SCENARIOS.values()
    width = max(len(each.name) for each in found)
    output.heading(f"{'NAME':<{width}}  NETWORK  WHAT IT IS")
    for each in found:
        output.data(f"{each.name:<{width}}  {each.family:<7}  {each.about}")
    listed = [{"name": each.name, "network": each.family, "about": each.about} for each in found]
    output.result({"scenarios": listed}, text="")
    return Exit.DONE


def _tracer(output: Output, *, wanted: bool) -> Callable[[str], None] | None:
    """Where the trace goes: to stdout with --trace, to stderr with -v."""
    if wanted:
        return output.data
    return output.say if output.verbose else None


def _play_one(seed: int, scenario: str | None, output: Output, trace: Callable[[str], None] | None) -> Exit:
    from headway.testing.seeds import play

    played = play(seed, scenario, trace=trace)
    result = {"scenario": played.scenario, "seed": seed, "held": played.held}
    if (outcome := played.outcome) is None:
        _tell(played, output, is_traced=trace is not None)
        output.result(result | _fault(played), text="")
        return Exit.FAILED
    figures = {
        "virtual_seconds": round(outcome.seconds, 3),
        "events": outcome.events,
        "headers": outcome.headers,
        "blocks": outcome.blocks,
    }
    if trace == output.data:
        output.note(f"{played.scenario}, seed {seed}: everything held")
    else:
        output.result(result | figures)
    return Exit.DONE


def _fault(played: Played) -> dict[str, Any]:
    return {"error": played.message, "replay": played.replay}


def _tell(played: Played, output: Output, *, is_traced: bool = False) -> None:
    """Say on stderr what broke, and how to see it again."""
    output.error(played.message)
    for line in played.fault.splitlines():
        output.say(line)
    if not is_traced:
        output.say(f"see it: {played.replay}")


def _play_many(seeds: range, scenario: str | None, output: Output, jobs: int) -> Exit:
    from headway.cli.progress import counting
    from headway.cli.running import interruptible
    from headway.testing.seeds import play_all

    start = time.monotonic()
    broken: list[Played] = []
    count = events = 0
    virtual = 0.0

    def line(done: int) -> str:
        parts = [f"played {done:,} of {len(seeds):,} seeds", f"{len(broken):,} broke", f"{events:,} events"]
        return "  ".join(parts)

    try:
        with interruptible(), counting(output, len(seeds), line) as show:
            for played in play_all(seeds, scenario, jobs=jobs):
                count += 1
                if played.outcome is None:
                    broken.append(played)
                    _tell(played, output)
                else:
                    events += played.outcome.events
                    virtual += played.outcome.seconds
                show(count)
                if len(broken) >= MAX_BROKEN:
                    break
    except KeyboardInterrupt:
        output.say(f"{count:,} of {len(seeds):,} seeds were played, {len(broken):,} broke")
        if count < len(seeds):
            name = "" if scenario is None else f" --scenario {scenario}"
            output.say(f"go on: headway simulate --seeds {seeds.start + count}:{seeds.stop}{name}")
        return Exit.INTERRUPTED
    if count < len(seeds):
        output.say(f"{MAX_BROKEN} seeds broke: the rest, from {seeds.start + count} on, was not played")
    result = {
        "seeds": count,
        "held": count - len(broken),
        "broken": [{"scenario": each.scenario, "seed": each.seed, **_fault(each)} for each in broken],
        "events": events,
        "virtual_seconds": round(virtual, 1),
        "seconds": round(time.monotonic() - start, 1),
    }
    output.result(result, text=table({**result, "broken": len(broken)}))
    return Exit.FAILED if broken else Exit.DONE
