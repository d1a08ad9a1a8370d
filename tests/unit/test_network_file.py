"""The file of a private network, as text."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from headway.errors import ConfigError
from headway.network_file import MAX_SIZE, load_network, read_network_file
from headway.networks import network_named

TEXT = """
chain = "neo3"
magic = 56753
committee = ["02b3622bf4017bdfe317c58aed5f4c753f206b7db896046fa7d774bbc4bf7f8dc2"]
name = "mine"
"""


def test_a_path_is_read_as_people_write_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "private.toml").write_text(TEXT)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    for path in (str(tmp_path / "private.toml"), "private.toml", "./private.toml", "~/private.toml"):
        assert read_network_file(path) == TEXT
        assert load_network(path).name == "mine"


def test_a_name_is_a_name_even_where_a_file_has_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "neo3").write_text(TEXT)
    monkeypatch.chdir(tmp_path)
    assert load_network("neo3") is network_named("neo3")
    assert load_network("./neo3").name == "mine"
    with pytest.raises(ConfigError, match="no network is named 'neo4'"):
        load_network("neo4")


def test_what_is_no_text_or_too_long_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "private.toml"
    for data, complaint in {
        b"\xff": "this is no text in UTF-8",
        b"#" * (MAX_SIZE + 1): f"more than {MAX_SIZE} bytes describe no network",
    }.items():
        path.write_bytes(data)
        with pytest.raises(ConfigError, match=complaint):
            read_network_file(str(path))
    path.write_bytes(b"#" * MAX_SIZE)
    assert len(read_network_file(str(path))) == MAX_SIZE


def test_a_file_that_cannot_be_read_is_a_mistake_of_the_user(tmp_path: Path) -> None:
    for path, why in {str(tmp_path / "absent.toml"): "No such file", f"{tmp_path}/": "Is a directory"}.items():
        with pytest.raises(ConfigError, match=f"^the network file cannot be read: {why}"):
            read_network_file(path)
        with pytest.raises(ConfigError, match=f"^{re.escape(path)}: the network file cannot be read: {why}"):
            load_network(path)
