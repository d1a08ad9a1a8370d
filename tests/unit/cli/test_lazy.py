"""A group that loads a command when it is called."""

from __future__ import annotations

import sys
import types

import click
import pytest

from headway.cli.lazy import LazyGroup

HELP = {"verify": "Verifies.", "serve": "Serves."}


def group() -> LazyGroup:
    return LazyGroup("any", package="headway.cli", table=HELP)


def test_commands_are_those_of_the_table_in_its_order() -> None:
    context = click.Context(group())
    assert group().list_commands(context) == ["verify", "serve"]
    assert group().get_command(context, "nosuch") is None


def test_help_is_that_of_the_table_and_loads_no_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "headway.cli.verify", raising=False)
    text = group().get_help(click.Context(group()))
    assert "verify  Verifies." in text
    assert "headway.cli.verify" not in sys.modules


def test_command_is_loaded_when_it_is_asked_for() -> None:
    command = group().get_command(click.Context(group()), "serve")
    assert isinstance(command, click.Command)
    assert command.name == "serve"


def test_word_that_python_has_for_itself_is_a_module_with_an_underscore() -> None:
    peers = LazyGroup("any", package="headway.cli.peers", table={"import": "Imports.", "list": "Lists."})
    for name in ("import", "list"):
        command = peers.get_command(click.Context(peers), name)
        assert isinstance(command, click.Command)
        assert command.name == name


def test_module_without_its_command_is_a_fault_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = types.ModuleType("headway.cli.serve")
    monkeypatch.setattr(broken, "serve", None, raising=False)
    monkeypatch.setitem(sys.modules, "headway.cli.serve", broken)
    with pytest.raises(AssertionError, match="is a click command"):
        group().get_command(click.Context(group()), "serve")
