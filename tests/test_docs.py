"""The documents tell the truth: examples that can be run are run, against a real node, and links lead somewhere.

A fence `python` is a whole program, or a file of tests whose name stands in its first line (`# test_mine.py`). A
fence `console` is a terminal: a line that begins with `$ ` is a command, the lines below are what it printed, `^C` is
Ctrl-C at that moment. The commands of one document run one after another in one empty directory. What was printed
must come again in the same order; numbers and hashes may differ, and lines that the document leaves out (`...`) may
come between. A fence `sh` is not run: it needs the internet, or your own machine. A fence `toml` is a file whose name
stands in its first line; it is there from the beginning of its document, and so are the files of tests, and
`examples`.
In every example 127.0.0.1:18444, the port of regtest, stands for a bcoin node with a chain of 150 blocks,
127.0.0.1:20333 for the validator of a private network of Neo N3, which makes ten blocks a second, and 127.0.0.1:30333
for a node of Neo Legacy that has 60.
"""

from __future__ import annotations

import dataclasses
import inspect
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, NamedTuple, get_args

import click
import pytest

import headway
from headway import blocking, errors, testing
from headway.cli import COMMANDS, exit_code
from headway.cli import headway as command_line
from headway.cli.peer import ACTIONS
from headway.cli.peers import ACTIONS as POOL_ACTIONS
from headway.kernel.face import BlockCheck, HeaderCheck
from headway.node.orders import NodeEvent
from headway.peer.events import PeerEvent, Reason
from headway.peer.info import OwnInfo, PeerInfo
from headway.peer.stats import PeerStats
from headway.testing.actors import ACTORS
from headway.types import ZERO_HASH
from tests.data import REPOSITORY
from tests.interop.cli import HEADWAY
from tests.interop.neo_go import DOCUMENTED, LIVE, NeoGo
from tests.interop.neo_one import NeoOne
from tests.interop.nodes import Bcoin
from tests.interop.programs import Program
from tests.plugin import plugin_options

DOCUMENTS: Final = sorted([*REPOSITORY.glob("*.md"), *REPOSITORY.glob("docs/**/*.md")])
NODES: Final = {"127.0.0.1:18444": "bcoin", "127.0.0.1:20333": "neo_go", "127.0.0.1:30333": "neo_one"}
"""Address in a document -> fixture of the node for which it stands."""
CHAIN: Final = 150
LEGACY_CHAIN: Final = 60


class Fence(NamedTuple):
    line: int
    language: str
    body: str


class Step(NamedTuple):
    """One command of a `console` fence."""

    command: str
    printed: tuple[str, ...]
    interrupted: bool


def fences(text: str) -> list[Fence]:
    """The fenced blocks of a document, in order."""
    return [
        Fence(text.count("\n", 0, match.start()) + 1, match[2], match[3])
        for match in re.finditer(r"^( *)```(\w*)\n(.*?)^\1```$", text, re.MULTILINE | re.DOTALL)
    ]


def steps(body: str) -> list[Step]:
    """The commands of a `console` fence; a command goes on in the next line after a backslash."""
    found = []
    for part in re.split(r"^\$ ", body.replace("\\\n", ""), flags=re.MULTILINE)[1:]:
        command, *printed = part.rstrip("\n").split("\n")
        found.append(Step(command, tuple(line for line in printed if line != "^C"), "^C" in printed))
    return found


def shape(line: str) -> str:
    """A line without what differs from run to run: hex, digits, the width of blanks, the kernel that is installed."""
    line = re.sub(r"\b[0-9a-f]{16,}\b", "H", line)
    line = re.sub(r"\bkernel\b(\W+)(native|pure)\b", r"kernel\1K", line)
    return re.sub(r"\s+", " ", re.sub(r"(\d{1,3}(,\d{3})+|\d+)(\.\d+)?(e-?\d+)?", "0", line)).strip()


def missing_line(expected: Iterator[str], printed: list[str]) -> str | None:
    """The first expected line that was not printed in its place; None when all were."""
    left = iter(map(shape, printed))
    return next((line for line in expected if line != "..." and shape(line) not in left), None)


def file_name(fence: Fence) -> str:
    """Of a file that a document shows; empty for what is none."""
    name = re.match(r"# ([\w.-]+)\n", fence.body)
    if fence.language == "toml":
        assert name, f"line {fence.line}: the first line of a file is its name in a comment"
    is_file = name and (fence.language == "toml" or (fence.language == "python" and name[1].startswith("test_")))
    return name[1] if name and is_file else ""


def programs(text: str) -> list[Fence]:
    return [fence for fence in fences(text) if fence.language == "python" and not file_name(fence)]


def write_files(text: str, directory: Path, replaced: Callable[[str], str] = str) -> None:
    """The files that a document shows."""
    for fence in fences(text):
        if name := file_name(fence):
            (directory / name).write_text(replaced(fence.body), "utf-8")


def _name(path: Path) -> str:
    return path.relative_to(REPOSITORY).as_posix()


def _examples(language: str) -> list[Path]:
    return [path for path in DOCUMENTS if any(fence.language == language for fence in fences(path.read_text("utf-8")))]


@pytest.fixture(scope="module")
def bcoin() -> Iterator[Bcoin]:
    with Bcoin() as node:
        node.mine(CHAIN)
        yield node


@pytest.fixture(scope="module")
def neo_go(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NeoGo]:
    with NeoGo(tmp_path_factory.mktemp("neo_go"), block_ms=LIVE) as node:
        node.wait_for_height(DOCUMENTED)
        yield node


@pytest.fixture(scope="module")
def neo_one(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NeoOne]:
    with NeoOne(tmp_path_factory.mktemp("neo_one"), LEGACY_CHAIN) as node:
        yield node


@pytest.fixture
def with_nodes(request: pytest.FixtureRequest) -> Callable[[str], str]:
    """Puts the addresses of real nodes into a text, each started when it is first needed."""

    def replaced(text: str) -> str:
        for address, node in NODES.items():
            if address in text:
                text = text.replace(address, request.getfixturevalue(node).address)
        return text

    return replaced


@pytest.mark.interop
@pytest.mark.parametrize("path", _examples("console"), ids=_name)
def test_console_examples_print_what_they_show(path: Path, with_nodes: Callable[[str], str], tmp_path: Path) -> None:
    environment = {"PATH": f"{HEADWAY.parent}{os.pathsep}{os.environ['PATH']}", "HOME": str(tmp_path), "COLUMNS": "100"}
    environment["PYTEST_ADDOPTS"] = " ".join([*plugin_options(), "-p no:cacheprovider"])
    text = path.read_text("utf-8")
    write_files(text, tmp_path, with_nodes)
    (tmp_path / "examples").symlink_to(REPOSITORY / "examples")
    for fence in fences(text):
        for step in steps(fence.body) if fence.language == "console" else []:
            command = with_nodes(step.command)
            in_order = f"exec 2>&1\n{command}"  # by one pipe, as on a terminal: two would be read in any order
            words = shlex.split(command) if step.interrupted else ["bash", "-c", in_order]
            with Program(step.command, words, env=environment, cwd=tmp_path) as program:
                if step.interrupted:
                    program.wait_for_line(re.sub(r"\d+", r"[\\d,]+", re.escape(step.printed[0])))
                    program.signal(signal.SIGINT)
                code = program.wait()
                missing = missing_line(iter(step.printed), program.lines)
                assert missing is None, f"line {fence.line}: {missing!r} was not printed\n{program.tail()}"
                assert code == (130 if step.interrupted else 0), f"line {fence.line}\n{program.tail()}"


@pytest.mark.interop
@pytest.mark.parametrize("path", _examples("python"), ids=_name)
def test_python_examples_run(path: Path, with_nodes: Callable[[str], str], tmp_path: Path) -> None:
    text = path.read_text("utf-8")
    write_files(text, tmp_path, with_nodes)
    for number, fence in enumerate(programs(text)):
        program = tmp_path / f"example{number}.py"
        program.write_text(with_nodes(fence.body), "utf-8")
        command = [sys.executable, "-W", "error", str(program)]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, f"line {fence.line}\n{done.stdout}{done.stderr}"
        assert done.stdout, "an example shows something"


@pytest.mark.parametrize("path", DOCUMENTS, ids=_name)
def test_links_lead_somewhere(path: Path) -> None:
    text = re.sub(r"^```.*?^```$", "", path.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if "://" in target:
            continue
        file, _, anchor = target.partition("#")
        goal = (path.parent / file).resolve() if file else path
        assert goal.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.*)$", goal.read_text("utf-8"), re.MULTILINE)
            assert anchor in {re.sub(r"[^\w\- ]", "", heading).replace(" ", "-").lower() for heading in headings}, (
                target
            )


# ------------------------------------------------------------------------------------------ the reader of the documents

DOCUMENT: Final = """
Text.
```console
$ headway one \\
    --more
height  150
...
done
$ headway two
listening 127.0.0.1:18445
^C
```
```python
print(1)
```
```toml
# one.toml
key = 1
```
```python
# test_one.py
print(2)
```
"""


def test_fences_are_found_with_their_lines() -> None:
    console, python, *_ = fences(DOCUMENT)
    assert (console.line, console.language) == (3, "console")
    assert python == Fence(13, "python", "print(1)\n")


def test_files_are_written_under_the_names_that_they_have(tmp_path: Path) -> None:
    write_files(DOCUMENT, tmp_path)
    written = {path.name: path.read_text("utf-8") for path in tmp_path.iterdir()}
    assert written == {"one.toml": "# one.toml\nkey = 1\n", "test_one.py": "# test_one.py\nprint(2)\n"}
    assert [fence.body for fence in programs(DOCUMENT)] == ["print(1)\n"]
    with pytest.raises(AssertionError, match="line 1: the first line of a file is its name"):
        write_files("```toml\nkey = 1\n```\n", tmp_path)


def test_steps_are_commands_with_what_they_print() -> None:
    one, two = steps(fences(DOCUMENT)[0].body)
    assert one == Step("headway one     --more", ("height  150", "...", "done"), interrupted=False)
    assert two == Step("headway two", ("listening 127.0.0.1:18445",), interrupted=True)


@pytest.mark.parametrize(
    ("printed", "missing"),
    [
        (["height  150", "done"], None),
        (["first", "height 7", "between", "done"], None),
        (["done", "height 150"], "done"),
        (["heights 150", "done"], "height  150"),
        ([], "height  150"),
    ],
)
def test_a_line_that_was_not_printed_in_its_place_is_named(printed: list[str], missing: str | None) -> None:
    assert missing_line(iter(["height  150", "...", "done"]), printed) == missing


def test_shape_keeps_words_and_forgets_numbers() -> None:
    assert shape("hash  0f9188f13cb7b2c71f2a  1.5e-05 s") == shape("hash ffffffffffffffffffff 12 s")
    assert shape('"kernel": "pure"') == shape('"kernel": "native"')
    assert shape("headers  299, 3") == shape("headers  1,174, 12")
    assert shape("valid  true") != shape("valid  false")


def test_reference_lists_every_event_error_and_reason() -> None:
    text = (REPOSITORY / "docs/reference/events-and-errors.md").read_text("utf-8")
    events = {cls.__name__: cls for union in (PeerEvent, NodeEvent) for cls in get_args(union)}
    for name, cls in events.items():
        row = f"| `{name}` | {', '.join(f'`{field.name}`' for field in dataclasses.fields(cls))} |"
        assert row in text
    listed = set(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)) - set(events)
    public = {name for name, cls in vars(errors).items() if isinstance(cls, type) and issubclass(cls, Exception)}
    assert listed == {name for name in public if not name.startswith("_")} - {"HeadwayError"}
    assert all(f"`{reason.name}`" in text for reason in Reason)


def test_reference_tells_each_errors_consequence_and_exit_code() -> None:
    text = (REPOSITORY / "docs/reference/events-and-errors.md").read_text("utf-8")
    for name, consequence, code in re.findall(r"^\| `(\w+)` \| [^|]+ \| ?(\w*) ?\| (\d) \|$", text, re.MULTILINE):
        cls = getattr(errors, name)
        told = getattr(cls, "consequence", errors.Consequence.NOTHING).name.lower().replace("nothing", "none")
        assert consequence == told if issubclass(cls, errors.RemoteProtocolError) else consequence == ""
        assert exit_code(cls.__new__(cls)) == int(code), name


@pytest.mark.parametrize(("page", "kind"), [("blocking", blocking.Peer), ("peer", headway.Peer)])
def test_reference_lists_every_call_of_a_peer(page: str, kind: type) -> None:
    text = (REPOSITORY / f"docs/reference/{page}.md").read_text("utf-8")
    public = {name: member for name, member in vars(kind).items() if not name.startswith("_")}
    public |= dict.fromkeys(inspect.get_annotations(kind))
    public.pop("callback_failed", None)  # for `aio.consumers` alone
    calls = {name: inspect.signature(member) for name, member in public.items() if callable(member)}
    told = dict(re.findall(r"^\| `(\w+)\((.*?)\)` \|", text, re.MULTILINE))
    assert told == {name: _parameters(signature) for name, signature in calls.items()}
    assert {name for name in public if f"`{name}`" not in text and name not in calls} == set()


def test_reference_lists_every_call_of_a_test_peer() -> None:
    text = (REPOSITORY / "docs/reference/testing.md").read_text("utf-8")
    public = {name: getattr(testing.TestPeer, name) for name in dir(testing.TestPeer) if not name.startswith("_")}
    calls = {name: inspect.signature(member) for name, member in public.items() if callable(member)}
    told = dict(re.findall(r"^\| `(\w+)\((.*?)\)` \|", text.partition("## Actors")[0], re.MULTILINE))
    assert told == {name: _parameters(signature) for name, signature in calls.items()}
    assert {name for name in {*public, *testing.__all__} if f"`{name}" not in text and name not in calls} == set()


def test_reference_lists_every_actor_with_its_options() -> None:
    text = (REPOSITORY / "docs/reference/testing.md").read_text("utf-8")
    told = dict(re.findall(r"^\| `(\w+)\((.*?)\)` \|", text.partition("## Actors")[2], re.MULTILINE))
    for kind in ACTORS.values():
        options = [*inspect.signature(kind).parameters.values()][3:]  # behind chain, rng and height
        assert told[kind.__name__] == ", ".join(
            str(option.replace(annotation=inspect.Parameter.empty)) for option in options
        )


@pytest.mark.parametrize(
    "kind",
    [testing.Scenario, testing.Role, testing.ChainPlan, testing.Cue, testing.Outcome],
    ids=lambda kind: kind.__name__,
)
def test_reference_lists_every_field_of_a_scenario(kind: type) -> None:
    text = (REPOSITORY / "docs/reference/testing.md").read_text("utf-8")
    [row] = re.findall(rf"^\| `{kind.__name__}` \| (.*) \|$", text, re.MULTILINE)
    fields = {field.name for field in dataclasses.fields(kind)} - {"weight", "needs"}  # for headway's own
    assert {name for name in fields if f"`{name}`" not in row} == set()


@pytest.mark.parametrize(
    ("part", "kind"), [("peer.info", PeerInfo), ("of `headway`", OwnInfo), ("peer.stats", PeerStats)]
)
def test_reference_lists_every_figure_of_a_peer(part: str, kind: type) -> None:
    text = (REPOSITORY / "docs/reference/peer.md").read_text("utf-8").partition(part)[2]
    public = {name for name in dir(kind) if not name.startswith(("_", "note_"))} - {"as_dict", "of", "user_agent"}
    told = [
        name for cell in re.findall(r"^\| (`[^|]+) \|", text, re.MULTILINE) for name in re.findall(r"`(\w+)`", cell)
    ]
    assert public <= set(told)


def _parameters(signature: inspect.Signature) -> str:
    """As a reader wants them: without types and `self`, a hash of zeros by its name."""
    plain = [parameter.replace(annotation=inspect.Parameter.empty) for parameter in signature.parameters.values()]
    given = [parameter for parameter in plain if parameter.name != "self"]
    return str(inspect.Signature(given))[1:-1].replace(repr(ZERO_HASH), "ZERO_HASH")


def _command(name: str) -> click.Command:
    command: click.Command = command_line
    for word in name.split():
        assert isinstance(command, click.Group)
        found = command.get_command(click.Context(command), word)
        assert found is not None
        command = found
    return command


def _options(command: click.Command) -> set[str]:
    """Its own, and those of its actions."""
    parameters = command.get_params(click.Context(command))
    options = {name for each in parameters for name in (*each.opts, *each.secondary_opts) if name[0] == "-"}
    if isinstance(command, click.Group):
        actions = (
            command.get_command(click.Context(command), name) for name in command.list_commands(click.Context(command))
        )
        options = options.union(*(_options(action) for action in actions if action is not None))
    return options


ACTIONS_OF: Final = {"peer": ACTIONS, "peers": POOL_ACTIONS}


@pytest.mark.parametrize(
    "name", [*COMMANDS, *(f"{group} {each}" for group, table in ACTIONS_OF.items() for each in table)]
)
def test_reference_lists_the_options_of_each_command(name: str) -> None:
    text = (REPOSITORY / "docs/reference/cli.md").read_text("utf-8")
    assert f"## headway {name}\n" in text
    common, own = text.partition("\n## ")[0], _section(text, name)
    if " " in name:
        common += _section(text, name.partition(" ")[0])
    options = _options(_command(name))
    assert set(re.findall(r"`(--[\w-]+)", own)) <= options
    if not isinstance(_command(name), click.Group):
        assert {option for option in options if f"`{option}" not in common + own} == set()


def _section(text: str, name: str) -> str:
    return text.partition(f"## headway {name}\n")[2].partition("\n## ")[0]


def test_design_lists_every_rule_of_the_kernel() -> None:
    text = (REPOSITORY / "docs/design/rules.md").read_text("utf-8")
    told = " ".join(doc for cls in (HeaderCheck, BlockCheck) if (doc := cls.__doc__))
    rules = set(re.findall(r"\b(?:bad|time|high|merkle)-[a-z0-9-]+|unexpected-witness|wrong-block", told))
    assert len(rules) > 20
    assert {rule for rule in rules if f"`{rule}`" not in text} == set()
