"""Who may import whom, as data, and a checker that reads the source of a module without importing it.

`ALLOWED` is the import rule of docs/design/architecture.md: dependencies flow downward only, and the pure core never
sees a socket, a clock or a thread. The checker takes a module's name and text, so that `test_layers.py` can show it bad
ones.
Not here: what is loaded at run time (`test_layers.py` asks a fresh interpreter).
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

ANYTHING: Final = ("",)
"""Every module of headway begins with the empty prefix."""

_PURE: Final = ("ways", "kernel", "wire", "network", "networks", "peer", "chain", "sync", "node")

ALLOWED: Final[dict[str, tuple[str, ...]]] = {
    # layer: what its modules may import of headway, besides themselves, `types` and `errors`
    "types": (),
    "errors": (),
    "ways": (),
    "kernel": (),
    "wire": ("kernel",),
    "network": ("wire",),
    "networks": ("networks", "network", "wire", "kernel"),  # the registry and `private` name networks of all chains
    "networks.dbft": ("network", "wire", "kernel"),  # what both generations of Neo share: it sees no network
    "networks.*": ("networks.dbft", "network", "wire", "chain.blocks", "kernel"),  # each sees itself, no other network
    "network_file": ("networks", "network"),
    "peer": ("network", "wire"),
    "chain": ("network", "kernel"),  # does not know that peers exist
    "sync": ("chain", "peer.events", "wire", "network"),
    "node": ("sync", "peer", "chain", "wire", "network", "ways"),
    "store": ("chain", "network", "kernel", "wire", "networks.bitcoin.address"),  # the last: Core's own files
    "aio": (*_PURE, "network_file", "store", "observe", "__init__"),
    "blocking": (*_PURE, "network_file", "__init__"),
    "sim": _PURE,
    "observe": ("peer.events", "peer.stats", "node.snapshot", "kernel", "__init__"),  # values, and no machine
    "testing": (*_PURE, "network_file", "store", "aio", "blocking", "sim", "observe", "__init__"),  # anything but cli
    "cli": ANYTHING,
    "__init__": ANYTHING,  # the public names, resolved when they are first used
}

IMPURE_LAYERS: Final = {"network_file", "aio", "blocking", "testing", "store", "observe", "cli"}
"""They meet the world; `__init__` does not, and neither does any layer that is not named here."""

_WORLD: Final = {
    *("asyncio", "select", "selectors", "socket", "ssl"),  # networks
    *("time", "datetime", "signal"),  # clocks
    *("threading", "concurrent", "multiprocessing", "queue", "subprocess"),  # others at work
    *("secrets", "uuid"),  # randomness that nobody passed in
    *("io", "pathlib", "shutil", "sqlite3", "tempfile"),  # files
    *("click", "rich", "platformdirs"),  # people
}
_WORLD_CALLS: Final = {"open", "input", "print", "exec", "eval"}

LONGEST: Final = 400
"""Lines of a file: the next reader should be able to hold it in mind."""


class Violation(NamedTuple):
    """What is wrong in which line; line 0 stands for the whole file."""

    module: str
    line: int
    what: str

    def __str__(self) -> str:
        return f"headway.{self.module}:{self.line}: {self.what}"


class _Import(NamedTuple):
    line: int
    module: str
    """Absolute, `headway.` included."""
    names: tuple[str, ...]
    """What `from module import ...` takes; empty for `import module`."""


def layer_of(module: str) -> str:
    """The key of `ALLOWED` that governs a module, written without `headway.` (`networks.bitcoin.codec`, `types`).

    Raises KeyError for a module of no layer: a new directory must be put into the table before it can be used.
    """
    first, _, rest = module.partition(".")
    if first == "networks" and rest not in {"", "__init__", "private"}:
        return "networks.dbft" if rest.partition(".")[0] == "dbft" else "networks.*"
    if first not in ALLOWED:
        raise KeyError(f"headway.{module} belongs to no layer: add it to ALLOWED")
    return first


def module_name(source: Path, root: Path) -> str:
    """`networks.bitcoin.codec` for that module's file below `root`; a package's own file is `networks.__init__`."""
    return ".".join(source.relative_to(root).with_suffix("").parts)


def check(module: str, text: str) -> list[Violation]:
    """Everything that the source `text` of `module` breaks; empty when all is well."""
    tree = ast.parse(text)
    return sorted(
        [
            *_layering(module, tree),
            *_purity(module, tree),
            *_form(module, tree, text),
        ]
    )


def _imports(module: str, tree: ast.AST) -> Iterator[_Import]:
    package = ["headway", *module.split(".")[:-1]]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (_Import(node.lineno, alias.name, ()) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            name = ".".join([*above, *([node.module] if node.module else [])])
            yield _Import(node.lineno, name, tuple(alias.name for alias in node.names))


def _targets(found: _Import) -> Iterator[str]:
    """Modules of headway that an import reaches, without `headway.`; the package itself is `__init__`."""
    if found.module != "headway":
        if found.module.startswith("headway."):
            yield found.module.removeprefix("headway.")
        return
    for name in found.names or ("__init__",):
        yield name if name in ALLOWED else "__init__"


def _layering(module: str, tree: ast.AST) -> Iterator[Violation]:
    layer = layer_of(module)
    own = ".".join(module.split(".")[:2]) if layer.startswith("networks.") else layer
    allowed = (*ALLOWED[layer], own, "types", "errors")
    for found in _imports(module, tree):
        for target in _targets(found):
            if not any(prefix in ("", target) or target.startswith(prefix + ".") for prefix in allowed):
                yield Violation(module, found.line, f"{layer} may not import headway.{target}")


def _purity(module: str, tree: ast.AST) -> Iterator[Violation]:
    if layer_of(module) in IMPURE_LAYERS:
        return
    for found in _imports(module, tree):
        if found.module.partition(".")[0] in _WORLD:
            yield Violation(module, found.line, f"a pure module may not import {found.module}")
        if found.module == "random" and set(found.names) - {"Random"}:
            yield Violation(module, found.line, "the random source is an argument: of random, only the class Random")
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(value=ast.Name(id="random"), attr=name) if name != "Random":
                yield Violation(module, node.lineno, f"the random source is an argument, not random.{name}")
            case ast.Attribute(value=ast.Name(id="os"), attr="urandom"):
                yield Violation(module, node.lineno, "the random source is an argument, not os.urandom")
            case ast.Call(func=ast.Name(id=name)) if name in _WORLD_CALLS:
                yield Violation(module, node.lineno, f"a pure module may not call {name}()")


def _form(module: str, tree: ast.Module, text: str) -> Iterator[Violation]:
    lines = len(text.splitlines())
    if lines >= LONGEST:
        yield Violation(module, 0, f"{lines} lines; a file has fewer than {LONGEST}")
    if not ast.get_docstring(tree):
        yield Violation(module, 0, "no docstring that says what it is")
