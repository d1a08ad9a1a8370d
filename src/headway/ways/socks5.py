"""The client's half of a SOCKS5 handshake (RFC 1928, RFC 1929), as a machine: bytes in, bytes out.

The driver writes `data_to_send()`, then reads at most `wanted` bytes, which it gives to `receive_data`, and so on until
nothing is wanted any more. No byte is read that is not the proxy's: what follows belongs to the peer. An answer has at
most 262 bytes, whatever the proxy says.

Each connection is to have credentials of its own: they mean nothing to the proxy, and Tor gives each its own circuit,
so that our peers cannot be told to belong together by where they come from (stream isolation, Core -proxyrandomize).

Whose fault it was stands on the failure: `ProxyFailed` when the proxy does not do its work, and any address would have
failed; `PeerGone` or `RequestTimeout` when the proxy has tried. A "general failure" may be either; it counts as the
peer's, for that is what Tor says of an onion service behind which nobody listens.
Called by `aio.dial` and `blocking.dial`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from headway.errors import LocalProtocolError, PeerGone, ProxyFailed, RequestFailed, RequestTimeout
from headway.types import Address, ip_of

_VERSION: Final = 5
_LOGIN_VERSION: Final = 1
_NO_LOGIN: Final = 0
_LOGIN: Final = 2
_CONNECT: Final = 1
_UNSUPPORTED_COMMAND: Final = 7

_IPV4: Final = 1
_NAME: Final = 3
_IPV6: Final = 4
_SIZES: Final = {_IPV4: 4, _IPV6: 16}

MAX_TEXT: Final = 255
"""Bytes of a name, a user or a password: their length has one byte."""

REPLIES: Final = {
    1: "it could not connect (general failure)",
    2: "its rules do not allow this connection",
    3: "network unreachable",
    4: "host unreachable",
    5: "connection refused",
    6: "no answer in time (TTL expired)",
    8: "it knows no addresses of this kind",
    # Tor's own [ExtendedErrors, proposal 304]
    0xF0: "the onion service is not known (its descriptor cannot be found)",
    0xF1: "the onion service's descriptor is invalid",
    0xF2: "the onion service does not answer (introduction failed)",
    0xF3: "the onion service did not come to the meeting (rendezvous failed)",
    0xF4: "the onion service wants a key of its clients",
    0xF5: "the onion service refuses the key of this client",
    0xF6: "this is no address of an onion service",
    0xF7: "the onion service does not answer in time (introduction timed out)",
}
"""Reply codes, for people."""


class Socks5:
    """One handshake. `failure` says what went wrong; once `wanted` is 0 without one, the connection is the peer's."""

    def __init__(self, proxy: Address, target: Address, *, username: bytes, password: bytes) -> None:
        """`username` and `password`: 1 to 255 bytes each. Raises PeerGone for a name that cannot be asked for."""
        self.failure: RequestFailed | None = None
        self.has_asked = False
        """The proxy knows whom we want: from here on, silence may be the peer's."""
        self._name = f"the proxy {proxy}"
        self._request = bytes((_VERSION, _CONNECT, 0)) + _destination(target) + target.port.to_bytes(2, "big")
        self._login = bytes((_LOGIN_VERSION, *_text(username), *_text(password)))
        self._buffer = b""
        self._needed = 0
        self._step: Callable[[bytes], None]
        self._outgoing = bytes((_VERSION, 2, _NO_LOGIN, _LOGIN))
        self._expect(2, self._method)

    @property
    def wanted(self) -> int:
        """How many bytes may be read now; 0: the handshake has ended."""
        return self._needed - len(self._buffer)

    def data_to_send(self) -> bytes:
        data, self._outgoing = self._outgoing, b""
        return data

    def receive_data(self, data: bytes) -> None:
        """Up to `wanted` bytes."""
        if len(data) > self.wanted:
            raise LocalProtocolError(f"{len(data)} bytes for a handshake that wants {self.wanted}")
        self._buffer += data
        if self.wanted == 0 and self._needed:
            answer, self._buffer = self._buffer, b""
            self._step(answer)

    def receive_eof(self, why: str = "hung up") -> None:
        """The proxy is gone. A verb says what it did: it may have gone with an error."""
        if self.wanted:
            kind = PeerGone if self.has_asked else ProxyFailed
            self._end(kind(f"{self._name} {why}"))

    def receive_timeout(self, seconds: float) -> None:
        """The driver waits no longer."""
        if self.wanted:
            kind = RequestTimeout if self.has_asked else ProxyFailed
            self._end(kind(f"{self._name} gave no answer within {seconds:g} s"))

    # Its steps.

    def _method(self, answer: bytes) -> None:
        version, method = answer
        if version != _VERSION:
            self._fail("speaks no SOCKS5")
        elif method == _NO_LOGIN:
            self._ask()
        elif method == _LOGIN:
            self._outgoing = self._login
            self._expect(2, self._logged_in)
        else:
            self._fail("wants to know us by other means than a user and a password")

    def _logged_in(self, answer: bytes) -> None:
        version, status = answer
        if version != _LOGIN_VERSION:
            self._fail("speaks no SOCKS5")
        elif status:
            self._fail("has accounts, and none for us (headway logs in under a new name for each connection)")
        else:
            self._ask()

    def _ask(self) -> None:
        self._outgoing = self._request
        self.has_asked = True
        self._expect(2, self._reply)

    def _reply(self, answer: bytes) -> None:
        version, code = answer
        if version != _VERSION:
            self._fail("speaks no SOCKS5")
        elif code == _UNSUPPORTED_COMMAND:
            self._fail("makes no connections")
        elif code:
            self._end(PeerGone(f"{self._name} says: {REPLIES.get(code, f'failure {code}')}"))
        else:
            self._expect(2, self._kind)

    def _kind(self, answer: bytes) -> None:
        _, kind = answer
        if kind == _NAME:
            self._expect(1, lambda length: self._expect(length[0] + 2, self._bound))
        elif kind in _SIZES:
            self._expect(_SIZES[kind] + 2, self._bound)
        else:
            self._fail("speaks no SOCKS5")

    def _bound(self, _answer: bytes) -> None:
        """The address that the proxy dialled from; of no use to us."""
        self._end(None)

    def _expect(self, count: int, step: Callable[[bytes], None]) -> None:
        self._needed, self._step = count, step

    def _fail(self, what: str) -> None:
        self._end(ProxyFailed(f"{self._name} {what}"))

    def _end(self, failure: RequestFailed | None) -> None:
        self.failure = failure
        self._needed, self._buffer = 0, b""


def _destination(target: Address) -> bytes:
    """Kind and address. A name goes as it is, so that it is looked up at the other end."""
    ip = ip_of(target.host)
    if ip is not None:
        return bytes((_IPV4 if ip.version == 4 else _IPV6,)) + ip.packed
    try:
        name = target.host.encode("ascii" if target.host.isascii() else "idna")
    except UnicodeError:
        raise PeerGone("not a name of a host") from None
    if not 0 < len(name) <= MAX_TEXT or min(name) <= ord(" "):
        raise PeerGone("not a name of a host")
    return bytes((_NAME, *_text(name)))


def _text(text: bytes) -> bytes:
    if not 0 < len(text) <= MAX_TEXT:
        raise LocalProtocolError(f"a text of SOCKS5 has 1 to {MAX_TEXT} bytes, not {len(text)}")
    return bytes((len(text),)) + text
