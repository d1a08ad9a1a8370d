"""The handshake with a proxy: what we say, what comes of each answer, and that no answer is too much for it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway.errors import LocalProtocolError, PeerGone, ProxyFailed, RequestTimeout
from headway.types import Address
from headway.ways.socks5 import REPLIES, Socks5

PROXY = Address("127.0.0.1", 9050)
TARGET = Address("peer.example", 8333)
MAX_ANSWERS = 2 + 2 + 262

HELLO = b"\x05\x02\x00\x02"
LOGIN = b"\x01\x04user\x06secret"
ASK = b"\x05\x01\x00\x03\x0cpeer.example\x20\x8d"
DONE = b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00"


def handshake(target: Address = TARGET) -> Socks5:
    return Socks5(PROXY, target, username=b"user", password=b"secret")


def say(machine: Socks5, data: bytes) -> bytes:
    """Give an answer in pieces of what is wanted, and take what is to be said next."""
    while data and machine.wanted:
        piece, data = data[: machine.wanted], data[machine.wanted :]
        machine.receive_data(piece)
    assert not data or machine.failure, "more was said than the handshake reads"
    return machine.data_to_send()


def asked(target: Address = TARGET) -> Socks5:
    """A handshake whose request has gone out."""
    machine = handshake(target)
    machine.data_to_send()
    say(machine, b"\x05\x00")
    assert machine.has_asked
    return machine


def test_proxy_that_chooses_the_login_gets_it_and_then_the_request() -> None:
    machine = handshake()
    assert machine.data_to_send() == HELLO
    assert not machine.has_asked
    assert say(machine, b"\x05\x02") == LOGIN
    assert say(machine, b"\x01\x00") == ASK
    assert say(machine, DONE) == b""
    assert (machine.wanted, machine.failure) == (0, None)


def test_proxy_that_wants_no_login_gets_the_request_at_once() -> None:
    machine = handshake()
    machine.data_to_send()
    assert say(machine, b"\x05\x00") == ASK
    assert say(machine, DONE) == b""
    assert (machine.wanted, machine.failure) == (0, None)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("8.8.8.8", b"\x01\x08\x08\x08\x08"),
        ("2a01:4f8::1", b"\x04" + bytes.fromhex("2a0104f8000000000000000000000001")),
        ("peer.example", b"\x03\x0cpeer.example"),
        ("x" * 56 + ".onion", b"\x03\x3e" + b"x" * 56 + b".onion"),
        ("b\N{LATIN SMALL LETTER U WITH DIAERESIS}cher.example", b"\x03\x15xn--bcher-kva.example"),
        ("x" * 255, b"\x03\xff" + b"x" * 255),
    ],
)
def test_names_are_left_to_the_proxy_and_addresses_are_addresses(host: str, expected: bytes) -> None:
    machine = handshake(Address(host, 0x1234))
    machine.data_to_send()
    assert say(machine, b"\x05\x00") == b"\x05\x01\x00" + expected + b"\x12\x34"


@pytest.mark.parametrize("host", ["", "x" * 256, "a b", "a\x00b", "\N{LATIN SMALL LETTER U WITH DIAERESIS}" * 70])
def test_what_is_no_name_cannot_be_asked_for(host: str) -> None:
    with pytest.raises(PeerGone, match="not a name of a host"):
        handshake(Address(host, 1))


@pytest.mark.parametrize("text", [b"", bytes(256)])
def test_credentials_have_bounds(text: bytes) -> None:
    with pytest.raises(LocalProtocolError):
        Socks5(PROXY, TARGET, username=text, password=b"x")


@pytest.mark.parametrize(
    "bound", [b"\x01" + bytes(6), b"\x04" + bytes(18), b"\x03\x00" + bytes(2), b"\x03\xff" + bytes(257)]
)
def test_not_a_byte_behind_the_answer_is_taken(bound: bytes) -> None:
    """What follows may be the peer's first words already."""
    machine = asked()
    answer = b"\x05\x00\x00" + bound
    for byte in answer:
        assert machine.wanted
        machine.receive_data(bytes([byte]))
    assert (machine.wanted, machine.failure) == (0, None)


@pytest.mark.parametrize("code", range(1, 256))
def test_every_refusal_has_words_and_is_the_peers_but_one(code: int) -> None:
    machine = asked()
    say(machine, bytes((5, code)))
    kind = ProxyFailed if code == 7 else PeerGone
    assert type(machine.failure) is kind
    expected = "makes no connections" if code == 7 else REPLIES.get(code, f"failure {code}")
    assert str(machine.failure).startswith("the proxy 127.0.0.1:9050 ")
    assert str(machine.failure).endswith(expected)
    assert machine.wanted == 0


@pytest.mark.parametrize(
    ("answers", "complaint"),
    [
        ([b"HT"], "speaks no SOCKS5"),
        ([b"\x04\x00"], "speaks no SOCKS5"),
        ([b"\x05\xff"], "other means than a user and a password"),
        ([b"\x05\x01"], "other means than a user and a password"),
        ([b"\x05\x02", b"\x05\x00"], "speaks no SOCKS5"),
        ([b"\x05\x02", b"\x01\x01"], "has accounts, and none for us"),
        ([b"\x05\x00", b"\x00\x00"], "speaks no SOCKS5"),
        ([b"\x05\x00", b"\x05\x00\x00\x02"], "speaks no SOCKS5"),
    ],
)
def test_proxy_that_does_not_do_its_work_is_to_blame(answers: list[bytes], complaint: str) -> None:
    machine = handshake()
    for answer in answers:
        machine.data_to_send()
        say(machine, answer)
    assert type(machine.failure) is ProxyFailed
    assert complaint in str(machine.failure)
    assert (machine.wanted, machine.data_to_send()) == (0, b"")


def test_silence_and_an_end_are_the_proxys_until_it_knows_whom_we_want() -> None:
    for tell, after in ((Socks5.receive_eof, PeerGone), (lambda each: each.receive_timeout(2.0), RequestTimeout)):
        for machine, kind in ((handshake(), ProxyFailed), (asked(), after)):
            tell(machine)
            assert type(machine.failure) is kind
            assert machine.wanted == 0
    machine = handshake()
    machine.receive_timeout(2.0)
    assert str(machine.failure) == "the proxy 127.0.0.1:9050 gave no answer within 2 s"


def test_what_comes_after_the_end_changes_nothing() -> None:
    machine = asked()
    say(machine, DONE)
    machine.receive_eof()
    machine.receive_timeout(1.0)
    machine.receive_data(b"")
    assert machine.failure is None
    with pytest.raises(LocalProtocolError, match="wants 0"):
        machine.receive_data(b"x")


@given(st.binary(max_size=600), st.lists(st.integers(1, 8), min_size=1))
def test_any_answer_ends_or_wants_more_and_is_bounded(data: bytes, pieces: list[int]) -> None:
    machine = handshake()
    at = turn = 0
    while machine.wanted and at < len(data):
        machine.data_to_send()
        size = min(machine.wanted, pieces[turn % len(pieces)])
        machine.receive_data(data[at : at + size])
        at, turn = at + size, turn + 1
    assert at <= MAX_ANSWERS
    machine.receive_eof()
    assert machine.wanted == 0
    assert machine.failure is None or isinstance(machine.failure, PeerGone | ProxyFailed)
