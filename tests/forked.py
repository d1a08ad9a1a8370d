"""Commands of headway in processes that start at once: forks of one that has loaded everything already.

For tests that start and kill hundreds. `python -m tests.forked` takes orders as lines of JSON (`interop.programs`):
`start` with `words` and `log` gives a `pid`; `wait` with a `pid` gives its `status`, that of a shell. No loop and no
thread runs in it, so a fork of it is like a process that has just begun.
"""

from __future__ import annotations

import importlib
import json
import os
import select
import signal
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final

from headway.cli import main
from tests.data import REPOSITORY
from tests.interop.programs import DEADLINE, POLL, Servant

_LOADED: Final = (
    "headway.aio.node",
    "headway.cli.progress",
    "headway.cli.running",
    "headway.cli.sync",
    "headway.networks",
)


class Forks(Servant):
    """The process whose forks are the commands. Those that still run at its end are killed."""

    def __init__(self) -> None:
        super().__init__("forks", [sys.executable, "-m", "tests.forked"], cwd=REPOSITORY)
        self.alive: set[Fork] = set()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for fork in tuple(self.alive):
            fork.kill()
        super().__exit__(kind, error, trace)

    def handle_started(self) -> None:
        self.answer()

    def start(self, words: Sequence[str | Path], log: Path) -> Fork:
        """`headway WORDS`, whose output goes to the end of a file."""
        return Fork(self, self.order("start", words=[str(word) for word in words], log=str(log))["pid"])


class Fork:
    """One command. Kill it, or wait for its end."""

    def __init__(self, parent: Forks, pid: int) -> None:
        self._parent = parent
        self._pid = pid
        self._ended = os.pidfd_open(pid)
        parent.alive.add(self)

    def wait_while(self, condition: Callable[[], bool]) -> bool:
        """Until the condition holds no more; whether the process is still running then."""
        give_up_at = time.monotonic() + DEADLINE
        while condition():
            assert time.monotonic() < give_up_at, "waited in vain"
            if select.select([self._ended], [], [], POLL)[0]:
                return False
        return True

    def kill(self) -> None:
        """With SIGKILL, as the system does it when memory is short."""
        signal.pidfd_send_signal(self._ended, signal.SIGKILL)
        assert self.wait() in {0, 128 + signal.SIGKILL}

    def wait(self) -> int:
        """The exit code, 128 and the number of the signal that ended it."""
        status = int(self._parent.order("wait", pid=self._pid)["status"])
        self._parent.alive.remove(self)
        os.close(self._ended)
        return status


def _serve() -> None:
    for module in _LOADED:
        importlib.import_module(module)
    _answer({})
    for line in sys.stdin:
        order = json.loads(line)
        if order["order"] == "start":
            _answer({"pid": _fork(order["words"], order["log"])})
        else:
            _, status = os.waitpid(order["pid"], 0)
            code = os.waitstatus_to_exitcode(status)
            _answer({"status": code if code >= 0 else 128 - code})


def _fork(words: Sequence[str], log: str) -> int:
    pid = os.fork()
    if pid:
        return pid
    try:
        output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        for fd, copied in ((0, os.open(os.devnull, os.O_RDONLY)), (1, output), (2, output)):
            os.dup2(copied, fd)
        code = main(words)
        sys.stdout.flush()
        os._exit(code)
    except BaseException:  # noqa: BLE001  # nothing of this process may go on in its fork
        traceback.print_exc()
        os._exit(1)


def _answer(answer: dict[str, Any]) -> None:
    sys.stdout.write(f"@ {json.dumps(answer)}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    _serve()
