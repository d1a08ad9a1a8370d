"""A Tor network of its own on loopback: three authorities, four relays, an onion service, and a client with its proxy.

Tor itself is not installed by us: `apt-get install tor` (0.4.7 or newer) brings `tor` and `tor-gencert`; where they are
not, a test skips with the reason. No relay is an exit, so nothing leaves the machine. It takes a minute or two until
such a network stands.
"""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
from pathlib import Path
from typing import Final, Self

from headway.types import Address
from tests.data import absent
from tests.interop.programs import Program

_HOST: Final = "127.0.0.1"
_AUTHORITIES: Final = 3
_RELAYS: Final = 4
"""Besides the authorities. The circuits of a service and of its client want four distinct ones each."""
_BOOT: Final = 300.0
"""Seconds until a program has found its way in."""

_COMMON: Final = """\
TestingTorNetwork 1
DataDirectory {directory}
PathsNeededToBuildCircuits 0.25
Log notice stdout
"""
_RELAY: Final = """\
Nickname {name}
Address 127.0.0.1
AssumeReachable 1
OrPort 127.0.0.1:{onion_port}
DirPort 127.0.0.1:{directory_port}
SocksPort 0
ExitRelay 0
ContactInfo nobody
"""
_AUTHORITY: Final = """\
AuthoritativeDirectory 1
V3AuthoritativeDirectory 1
TestingV3AuthInitialVotingInterval 20
TestingV3AuthInitialVoteDelay 4
TestingV3AuthInitialDistDelay 4
V3AuthVotingInterval 20
V3AuthVoteDelay 4
V3AuthDistDelay 4
TestingDirAuthVoteGuard *
TestingDirAuthVoteHSDir *
TestingMinExitFlagThreshold 0
"""
_CLIENT: Final = """\
SocksPort 127.0.0.1:{proxy_port} ExtendedErrors
ControlPort 127.0.0.1:{control_port}
"""
_SERVICE: Final = """\
SocksPort 0
HiddenServiceDir {directory}/service
HiddenServicePort {port} 127.0.0.1:{target}
"""


class TorNetwork:
    """`proxy` leads into it. `onion` is the service at `port`, behind which `target` of this machine is to listen."""

    def __init__(self, directory: Path, *, target: int, port: int) -> None:
        if not (shutil.which("tor") and shutil.which("tor-gencert")):
            absent("tor is not installed: apt-get install tor")
        self._directory = directory
        self._port = port
        self._stack = contextlib.ExitStack()
        self._target = target
        ports = iter(_free_ports(2 * (_AUTHORITIES + _RELAYS) + 2))
        self.proxy = Address(_HOST, next(ports))
        self._control = Address(_HOST, next(ports))
        self._relays = {
            f"relay{number}": (next(ports), next(ports), number < _AUTHORITIES)
            for number in range(_AUTHORITIES + _RELAYS)
        }

    def __enter__(self) -> Self:
        authorities = [self._authority(name) for name, (*_, leads) in self._relays.items() if leads]
        with self._stack:
            for name in self._relays:
                self._start(name, self._relay(name), authorities)
            service = _SERVICE.format(directory=self._home("service"), port=self._port, target=self._target)
            client = _CLIENT.format(proxy_port=self.proxy.port, control_port=self._control.port)
            started = [self._start("service", service, authorities), self._start("client", client, authorities)]
            for each in started:
                each.wait_for_line(r"Bootstrapped 100%", deadline=_BOOT)
            name = (self._home("service") / "service" / "hostname").read_text("ascii").strip()
            self.onion = Address(name, self._port)
            self._stack = self._stack.pop_all()
        return self

    def __exit__(self, *_error: object) -> None:
        self._stack.close()

    def circuits(self) -> list[dict[str, str]]:
        """The client's circuits that stand, as its control port tells of them (control-spec 3.9, circuit-status)."""
        with socket.create_connection((_HOST, self._control.port)) as control, control.makefile("rw") as lines:
            lines.write('AUTHENTICATE ""\r\nGETINFO circuit-status\r\nQUIT\r\n')
            lines.flush()
            built = [line.split() for line in lines if " BUILT " in line]
        return [dict(word.split("=", 1) for word in words if "=" in word) for words in built]

    # How.

    def _home(self, name: str) -> Path:
        home = self._directory / name
        home.mkdir(mode=0o700, exist_ok=True)
        return home

    def _start(self, name: str, torrc: str, authorities: list[str]) -> Program:
        file = self._configure(name, torrc, authorities)
        return self._stack.enter_context(Program(f"tor {name}", ["tor", "-f", file]))

    def _configure(self, name: str, torrc: str, authorities: list[str]) -> Path:
        file = self._home(name) / "torrc"
        file.write_text("\n".join([_COMMON.format(directory=self._home(name)), torrc, *authorities, ""]))
        return file

    def _relay(self, name: str) -> str:
        onion_port, directory_port, leads = self._relays[name]
        text = _RELAY.format(name=name, onion_port=onion_port, directory_port=directory_port)
        return text + _AUTHORITY if leads else text

    def _authority(self, name: str) -> str:
        """Its keys, made now, and the line by which the others know it."""
        onion_port, directory_port, _ = self._relays[name]
        keys = self._home(name) / "keys"
        keys.mkdir(mode=0o700)
        where = f"{_HOST}:{directory_port}"
        files = zip("isc", ("identity_key", "signing_key", "certificate"), strict=True)
        options = [word for option, file in files for word in (f"-{option}", keys / f"authority_{file}")]
        _run("tor-gencert", "--create-identity-key", "--passphrase-fd", "0", "-m", "12", "-a", where, *options)
        certificate = (keys / "authority_certificate").read_text("ascii").splitlines()
        identity = next(line.split()[1] for line in certificate if line.startswith("fingerprint "))
        nobody = f"nobody {_HOST}:1 {40 * 'f'}"  # an authority must know some authority to tell its own name
        torrc = self._configure(name, self._relay(name), [])
        found = _run("tor", "--quiet", "-f", torrc, "--DirAuthority", nobody, "--list-fingerprint").splitlines()
        fingerprint = found[-1].split(maxsplit=1)[1].replace(" ", "")
        return f"DirAuthority {name} orport={onion_port} no-v2 v3ident={identity} {where} {fingerprint}"


def _run(*words: str | Path) -> str:
    done = subprocess.run(words, input="nothing secret\n", capture_output=True, text=True, check=True)
    return done.stdout.strip()


def _free_ports(count: int) -> list[int]:
    """Free a moment ago: an authority's port stands in the configuration of the others before it can listen."""
    with contextlib.ExitStack() as stack:
        listeners = [stack.enter_context(socket.create_server((_HOST, 0))) for _ in range(count)]
        return [int(listener.getsockname()[1]) for listener in listeners]
