"""`headway peers`: the actions, and what is loaded for their help."""

from __future__ import annotations

import click
import pytest

from headway.cli import main
from headway.cli.peers import ACTIONS, peers


def test_help_tells_every_action(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["peers", "--help"]) == 0
    out = capsys.readouterr().out
    assert all(f"  {name} " in out for name in ACTIONS)


@pytest.mark.parametrize("action", ACTIONS)
def test_every_action_is_there_and_helps(action: str, capsys: pytest.CaptureFixture[str]) -> None:
    command = peers.get_command(click.Context(peers), action)
    assert command is not None
    assert command.name == action
    assert main(["peers", action, "--help"]) == 0
    assert capsys.readouterr().out.startswith(f"Usage: headway peers {action} ")


def test_unknown_action_is_wrong_use(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["peers", "bann"]) == 2
    assert "No such command 'bann'" in capsys.readouterr().err
