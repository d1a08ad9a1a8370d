"""Which processes there are, to see that none was left behind, and where one of them listens."""

from __future__ import annotations

import re
from pathlib import Path

_LISTEN = "0A"
"""State of a listening socket in /proc/net/tcp (the kernel's TCP_LISTEN)."""


def processes_naming(path: Path) -> list[int]:
    """Ids of the running processes that have `path` in an argument."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                arguments = (entry / "cmdline").read_bytes()
            except OSError:  # it has ended meanwhile
                continue
            if str(path).encode() in arguments:
                found.append(int(entry.name))
    return found


def listening(pid: int) -> dict[str, int]:
    """Port by IPv4 address of the sockets on which a process listens; empty once it has ended.

    For programs that take port 0 and do not say which port it became. One port an address: give each purpose its own,
    127.0.0.1 and 127.0.0.2.
    """
    inodes = set()
    try:
        for entry in Path(f"/proc/{pid}/fd").iterdir():
            if found := re.fullmatch(r"socket:\[(\d+)\]", str(entry.readlink())):
                inodes.add(found[1])
    except OSError:  # the process has ended, or this socket is closed meanwhile
        return {}
    ports = {}
    for line in Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]:
        _, local, _, state, *_, inode = line.split()[:10]
        if state == _LISTEN and inode in inodes:
            address, port = local.split(":")
            ports[".".join(str(byte) for byte in reversed(bytes.fromhex(address)))] = int(port, 16)
    return ports


def children(pid: int) -> set[int]:
    """Processes that another has started, and that it has not waited for."""
    return set(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()))


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and that nobody has waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
