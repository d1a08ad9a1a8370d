"""What a pytest in a process of its own must be told so that it has our plugin. Called by tests only."""

from __future__ import annotations

from importlib.metadata import entry_points

PLUGIN = "headway.testing.plugin"


def plugin_options() -> list[str]:
    """Nothing where headway is installed with it: it is found then, and would be there twice."""
    return [] if PLUGIN in {point.value for point in entry_points(group="pytest11")} else ["-p", PLUGIN]
