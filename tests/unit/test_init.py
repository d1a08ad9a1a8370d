"""The public names: there, resolved when they are used, the same for people, tools and type checkers."""

from __future__ import annotations

import ast
import importlib
from pathlib import Path

import pytest

import headway


@pytest.mark.parametrize("name", headway.__all__)
def test_every_public_name_is_there_and_is_the_same_each_time(name: str) -> None:
    assert getattr(headway, name) is getattr(headway, name)
    assert name in dir(headway)


def test_star_import_is_what_is_promised() -> None:
    namespace: dict[str, object] = {}
    exec("from headway import *", namespace)  # a star import inside a function is no syntax
    assert set(headway.__all__) <= set(namespace)


def test_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'headway' has no attribute 'Pear'"):
        _ = headway.Pear  # type: ignore[attr-defined]  # that is the point


def test_type_checkers_see_the_same_names() -> None:
    """They read the imports under TYPE_CHECKING, the interpreter the table."""
    tree = ast.parse(Path(headway.__file__).read_text("utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If))
    seen = {}
    for statement in block.body:
        assert isinstance(statement, ast.ImportFrom)
        for alias in statement.names:
            assert alias.name == alias.asname, "a name that is not re-exported"
            seen[alias.name] = statement.module
    assert {"__version__", *seen} == set(headway.__all__)
    for name, module in seen.items():
        assert module is not None
        home = importlib.import_module(module)
        assert getattr(headway, name) is getattr(home, name, None) or module == "headway"
