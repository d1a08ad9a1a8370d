"""Programs that a test starts and ends by itself: output as lines, waiting for a line, an end by process id.

Not here: what the programs are (`nodes` for real nodes, `cli` for our own commands). Nothing here sleeps: a wait is for
output, for the end of the process, or for its deadline, and a wait that fails shows the last lines of the output.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Final, Self

DEADLINE: Final = 60.0
"""Seconds that any one wait may take: far more than a loaded machine needs, less than pytest's own timeout."""
POLL: Final = 0.002
"""Seconds between two looks at something that gives no event, such as the size of a file."""
SHOWN: Final = 40
"""Last lines of a program's output that a failure shows."""


class Program:
    """A process that runs inside the context manager: started and ready when the block begins, dead when it ends."""

    def __init__(
        self, name: str, argv: Sequence[str | Path], *, env: Mapping[str, str] | None = None, cwd: Path | None = None
    ) -> None:
        self.name = name
        self._argv = [str(word) for word in argv]
        self._env = dict(os.environ, **(env or {}))
        self._cwd = cwd
        self._lines: list[str] = []
        self._stdout: list[str] = []
        self._read = 0
        self._changed = threading.Condition()

    def __enter__(self) -> Self:
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(
            self._argv,
            stdin=pipe,
            stdout=pipe,
            stderr=pipe,
            env=self._env,
            cwd=self._cwd,
            text=True,
            errors="replace",
            bufsize=1,
        )
        self._readers = [
            threading.Thread(target=self._drain, args=(stream, copy), daemon=True)
            for stream, copy in ((self._process.stdout, self._stdout), (self._process.stderr, None))
        ]
        for reader in self._readers:
            reader.start()
        try:
            self.handle_started()
        except BaseException:
            self.kill()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()
        if error is not None:
            error.add_note(self.tail())

    def handle_started(self) -> None:
        """For subclasses: wait here until the program is ready."""

    def _drain(self, stream: IO[str], copy: list[str] | None) -> None:
        for line in stream:
            with self._changed:
                self._lines.append(line.rstrip("\n"))
                if copy is not None:
                    copy.append(line.rstrip("\n"))
                self._changed.notify_all()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    @property
    def stdout(self) -> list[str]:
        """Lines of stdout so far; complete once the process has ended."""
        return list(self._stdout)

    @property
    def lines(self) -> list[str]:
        """Lines of stdout and stderr so far, as they came."""
        return list(self._lines)

    def tail(self) -> str:
        """What a failure should show: the state of the process and its last lines."""
        state = "running" if self.running else f"ended with {self._process.returncode}"
        return "\n".join([f"--- {self.name} ({state}), last lines:", *self._lines[-SHOWN:], "---"])

    def peak_memory(self) -> int:
        """The most bytes that it had resident until now (Linux)."""
        status = Path(f"/proc/{self._process.pid}/status").read_text(encoding="utf-8")
        return int(status.partition("VmHWM:")[2].split()[0]) * 1024

    def write_line(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def end_input(self) -> None:
        """It reads the end of its stdin."""
        assert self._process.stdin is not None
        self._process.stdin.close()

    def wait_for_line(self, pattern: str, *, deadline: float = DEADLINE) -> re.Match[str]:
        """The next line, after those matched before, in which `pattern` is found. Raises AssertionError without one."""
        expression = re.compile(pattern)
        give_up_at = time.monotonic() + deadline
        with self._changed:
            while True:
                while self._read < len(self._lines):
                    line = self._lines[self._read]
                    self._read += 1
                    if found := expression.search(line):
                        return found
                ended = not any(reader.is_alive() for reader in self._readers)
                left = give_up_at - time.monotonic()
                if ended or left <= 0:
                    raise AssertionError(f"{self.name} never said {pattern!r}\n{self.tail()}")
                self._changed.wait(min(left, 0.1))

    def wait_while(self, condition: Callable[[], bool], *, deadline: float = DEADLINE, poll: float = POLL) -> bool:
        """Look at `condition` every `poll` seconds until it no longer holds; whether the process is still running then.

        Returns False at once when the process ends. Raises AssertionError when neither happens.
        """
        give_up_at = time.monotonic() + deadline
        while condition() and self.running:
            assert time.monotonic() < give_up_at, f"waited {deadline} s for {self.name} in vain\n{self.tail()}"
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(poll)
        return self.running

    def wait(self, *, deadline: float = DEADLINE) -> int:
        """Exit code once the process has ended and its output is read. Raises AssertionError when it does not end."""
        try:
            code = self._process.wait(deadline)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.name} did not end within {deadline} s\n{self.tail()}") from None
        for reader in self._readers:
            reader.join()
        return code

    def signal(self, number: int) -> None:
        self._process.send_signal(number)

    def kill(self) -> None:
        """End it at once (SIGKILL) unless it has ended, and let go of its pipes."""
        self._process.kill()
        self.wait()
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            if pipe is not None:
                pipe.close()


class Servant(Program):
    """A program that takes orders: an object of JSON a line on stdin, each answered by one line `@ JSON` on stdout.

    The first answer is given unasked, when it is ready. Every other line is its log.
    """

    def answer(self, *, deadline: float = DEADLINE) -> dict[str, Any]:
        """The next answer. Raises AssertionError with the program's own words when it is an error."""
        answer: dict[str, Any] = json.loads(self.wait_for_line(r"^@ (.*)$", deadline=deadline)[1])
        assert "error" not in answer, answer["error"]
        return answer

    def order(self, order: str, *, deadline: float = DEADLINE, **parameters: object) -> dict[str, Any]:
        """Give an order and wait for its answer."""
        self.write_line(json.dumps({"order": order, **parameters}))
        return self.answer(deadline=deadline)
