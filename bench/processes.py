"""The processes of a benchmark: the prepared source, headway with and without its kernel, and the others.

Each contender runs in a process of its own, so that none warms up or fragments another's memory. A process gives its
result as JSON, in the last line of its stdout. Called by the commands.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from bench.chains import CACHE, REPOSITORY
from bench.measure import NATIVE, Absent, Contender, Sample
from headway import kernel

OTHERS: Final = REPOSITORY / "bench" / "others"
_LIBRARIES: Final = CACHE / "venv"
"""Environment of the other Python libraries, which `make bench` makes from requirements/bench.txt."""
_BCOIN: Final = REPOSITORY / ".cache" / "nodes" / "bcoin" / "node_modules" / "bcoin"
"""Where `make setup` puts bcoin."""
_TOO_LONG: Final = 300
"""Seconds after which a contender hangs."""


class Server:
    """A process that prints `listening PORT`, then answers each line by its CPU seconds; running inside the context
    manager."""

    def __init__(self, argv: Sequence[str], environment: Mapping[str, str]) -> None:
        self._argv = argv
        self._environment = {**os.environ, **environment}

    def __enter__(self) -> Self:
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(
            self._argv, stdin=pipe, stdout=pipe, text=True, cwd=REPOSITORY, env=self._environment
        )
        try:
            self.port = int(self._line().removeprefix("listening "))
        except ValueError:
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def cpu_seconds(self) -> float:
        """What it has used since it began to listen."""
        assert self._process.stdin is not None, "it is a pipe"
        self._process.stdin.write("cpu\n")
        self._process.stdin.flush()
        return float(self._line())

    def peak_memory(self) -> float:
        """MiB."""
        status = Path(f"/proc/{self._process.pid}/status").read_text(encoding="utf-8")
        return int(status.partition("VmHWM:")[2].split()[0]) / 1024

    def _line(self) -> str:
        assert self._process.stdout is not None, "it is a pipe"
        return self._process.stdout.readline().strip()

    def _end(self) -> None:
        self._process.kill()
        self._process.communicate()


class Source(Server):
    """`bench.source`."""

    def __init__(self, *arguments: object) -> None:
        super().__init__([sys.executable, "-m", "bench.source", *map(str, arguments)], {})

    def served(self, contender: Contender) -> Contender:
        """`contender`, whose sample says what it cost the source as well."""

        def run() -> Sample:
            before = self.cpu_seconds()
            sample = contender()
            return {**sample, "source CPU": self.cpu_seconds() - before}

        return run


def our_server(who: str, module: str, *arguments: object) -> Server:
    """A module of `bench` that serves, with the kernel or without."""
    return Server(*_ours(who, module, *arguments))


def bcoin_server(path: Path) -> Server:
    """bcoin by `others/bcoin.js`, with the chain in a blk file."""
    return Server(_bcoin_argv("serve", path), {"NODE_BACKEND": "js"})


def ours(who: str, module: str, *arguments: object) -> Contender:
    """A module of `bench` in a process with the kernel or without."""

    def run() -> Sample:
        return _result(*_ours(who, module, *arguments))

    return run


def _ours(who: str, module: str, *arguments: object) -> tuple[list[str], dict[str, str]]:
    """Command and environment of a module of `bench`."""
    if who == NATIVE and kernel.NAME != "native":
        raise Absent(kernel.describe())
    pure = {"HEADWAY_PURE": "" if who == NATIVE else "1"}
    return [sys.executable, "-m", f"bench.{module}", *map(str, arguments)], pure


def bcoin(*arguments: object) -> Contender:
    """bcoin by `others/bcoin.js`, all in JavaScript: its modules in C do not build on the Node of today."""

    def run() -> Sample:
        return _result_of_others(_bcoin_argv(*arguments), {"NODE_BACKEND": "js"})

    return run


def _bcoin_argv(*arguments: object) -> list[str]:
    node = shutil.which("node")
    if node is None or not _BCOIN.is_dir():
        raise Absent("bcoin is not installed: run `make setup` where Node is installed")
    return [node, str(OTHERS / "bcoin.js"), str(_BCOIN), *map(str, arguments)]


def with_library(name: str, *arguments: object) -> Contender:
    """Another Python library by `others/library.py`."""

    def run() -> Sample:
        python = _LIBRARIES / "bin" / "python"
        if not python.is_file():
            raise Absent("not installed: `make bench` does it")
        argv = [str(python), str(OTHERS / "library.py"), name, *map(str, arguments)]
        return _result_of_others(argv, {"PYTHONPATH": str(REPOSITORY)})

    return run


def allow_descriptors(count: int) -> None:
    """Let this process open so many. Raises RuntimeError where the system's hard limit is lower."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft >= count:
        return
    if hard != resource.RLIM_INFINITY and hard < count:
        raise RuntimeError(f"{count} descriptors are needed, and `ulimit -Hn` is {hard}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (count, hard))


def absent(why: str) -> Contender:
    """One that cannot take part."""

    def run() -> Sample:
        raise Absent(why)

    return run


def _result(argv: list[str], environment: dict[str, str]) -> Sample:
    done = subprocess.run(
        argv,
        env={**os.environ, **environment},
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        text=True,
        timeout=_TOO_LONG,
        check=True,
    )
    sample: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return sample


def _result_of_others(argv: list[str], environment: dict[str, str]) -> Sample:
    """A failure of ours must be seen; one of theirs is a reason why they are absent."""
    try:
        return _result(argv, environment)
    except subprocess.SubprocessError as error:
        raise Absent(f"{argv[0].rpartition('/')[2]} failed: {error}") from None
