"""One connection as a test sees it: what it says, what it hears, how it ends; and that no input raises."""

from __future__ import annotations

import random

import pytest

from headway.errors import LocalProtocolError, PeerGone
from headway.network import Network
from headway.networks.bitcoin import REGTEST
from headway.testing.conversation import (
    MAX_INBOX,
    MAX_INBOX_BYTES,
    MAX_OPENING,
    MAX_QUEUED,
    SERVICES,
    USER_AGENT,
    Closed,
)
from headway.types import Instant
from headway.wire import messages as m
from tests.link import NETWORKS
from tests.tape import BEGIN, REMOTE, THEIRS, WALL, Tape


class Listening:
    """Who takes the place of the test."""

    is_reading = True

    def __init__(self) -> None:
        self.heard = bytearray()
        self.ends: list[float] = []

    def receive(self, data: bytes, now: Instant) -> None:
        del now
        self.heard += data

    def ended(self, now: Instant) -> None:
        self.ends.append(now)


def kept(tape: Tape) -> list[m.Message]:
    return [heard.message for heard in tape.talk.unread]


@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
def test_what_one_side_says_the_other_hears(network: Network) -> None:
    tape = Tape(network)
    tape.talk.say([tape.talk.version(BEGIN), m.Verack()], BEGIN)
    version, verack = tape.hears()
    assert isinstance(version, m.Version)
    assert version.user_agent == USER_AGENT
    assert verack == m.Verack()
    tape.says(m.Verack(), m.GetAddr())
    assert kept(tape) == [m.Verack(), m.GetAddr()]
    assert [line[:9] for line in tape.talk.transcript.lines] == [
        "= connect",
        "> version",
        "> verack",
        "< verack",
        "< getaddr",
    ]


def test_a_version_is_a_dumb_peers_but_for_what_is_said_otherwise() -> None:
    version = Tape().talk.version(BEGIN + 5)
    assert (version.protocol, version.services, version.start_height) == (70016, SERVICES, 0)
    assert (version.wall_time, version.remote, version.relay) == (int(WALL) + 5, REMOTE, False)
    assert Tape().talk.version(BEGIN, nonce=1, services=0, user_agent="/x/") == m.Version(
        70016, 0, int(WALL), 1, "/x/", 0, remote=REMOTE
    )


def test_nonces_fit_the_network_and_differ() -> None:
    for network in NETWORKS.values():
        talk = Tape(network).talk
        nonces = {talk.version(BEGIN).nonce for _ in range(20)}
        assert len(nonces) == 20
        assert max(nonces) < 1 << network.codec.nonce_bits
        assert talk.ping(BEGIN).nonce != 0


def test_their_first_version_is_kept() -> None:
    tape = Tape()
    tape.says(THEIRS, m.Version(1, 0, 0, 0, "/second/", 0))
    assert tape.talk.theirs is not None
    assert tape.talk.theirs.user_agent == "/far:1/"


def test_pings_have_their_pong_at_once_with_the_height_that_we_stated() -> None:
    tape = Tape(NETWORKS["neo3"])
    tape.talk.say([tape.talk.version(BEGIN, start_height=33)], BEGIN)
    tape.hears()
    tape.says(m.Ping(9, 1, 1), now=BEGIN + 2)
    assert tape.hears() == [m.Pong(9, 33, int(WALL) + 2)]
    assert [heard.is_answered for heard in tape.talk.unread] == [True]


def test_pings_have_no_pong_where_that_is_not_wanted_or_cannot_be() -> None:
    stubborn, full, closed, old = Tape(auto_pong=False), Tape(), Tape(), Tape()
    full.queued = MAX_QUEUED + 1
    closed.talk.close(BEGIN)
    for tape in (stubborn, full, closed):
        tape.says(m.Ping(9))
    old.says(m.Ping(None))
    for tape in (stubborn, full, closed, old):
        assert tape.sent == b""
        assert [heard.is_answered for heard in tape.talk.unread] == [False]


def test_what_is_no_message_is_told_and_does_not_stop_what_follows() -> None:
    tape = Tape()
    tape.talk.say_corrupt(m.Ping(1), "checksum", 0, BEGIN)
    bad = bytes(tape.sent)
    tape.talk.receive_data(bad, BEGIN)
    tape.says(m.Unknown("addr", b"\x05"), m.Verack())
    assert kept(tape) == [m.Verack()]
    faults = [line for line in tape.talk.transcript.lines if line.startswith("!")]
    assert [fault[:8] for fault in faults] == ["! ping: ", "! addr: "]


def test_a_stream_that_cannot_be_read_is_told_once_and_read_no_further() -> None:
    tape = Tape()
    tape.talk.receive_data(b"HTTP/1.1 400 Bad Request\r\n", BEGIN)
    tape.says(m.Verack())
    tape.talk.receive_eof(BEGIN)
    assert "this looks like an HTTP server" in tape.talk.unreadable
    assert kept(tape) == []
    assert [line[0] for line in tape.talk.transcript.lines] == ["=", "!", "x"]


def test_the_end_tells_what_a_few_bytes_were() -> None:
    tape = Tape()
    tape.talk.receive_data(b"zzzz", BEGIN)
    assert tape.talk.unreadable == ""
    tape.talk.receive_eof(BEGIN)
    assert "wrong magic" in tape.talk.unreadable


@pytest.mark.parametrize("name", NETWORKS)
def test_no_bytes_raise_however_they_are_cut(name: str) -> None:
    rng = random.Random(name)
    for _ in range(30):
        tape = Tape(NETWORKS[name])
        good = b"".join(bytes(chunk) for chunk in NETWORKS[name].codec.open(inbound=True).encode(m.Ping(7)))
        data = bytearray(good * 3 + rng.randbytes(rng.randrange(200)))
        for _ in range(rng.randrange(4)):
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        while data:
            count = rng.randint(1, 60)
            tape.talk.receive_data(bytes(data[:count]), BEGIN)
            del data[:count]
        tape.talk.receive_eof(BEGIN)
        assert tape.talk.closed == Closed("remote", "closed", 0.0)


def test_text_of_the_remote_is_harmless_in_the_transcript() -> None:
    tape = Tape()
    tape.says(m.Reject("\x1b[2J", 1, "\x1b[31m"))
    assert "\x1b" not in str(tape.talk.transcript)


def test_of_too_many_messages_the_oldest_are_dropped() -> None:
    tape = Tape(auto_pong=False)
    tape.says(*(m.Ping(nonce) for nonce in range(1, MAX_INBOX + 6)))
    assert len(tape.talk.unread) == MAX_INBOX
    assert tape.talk.take().message == m.Ping(6)


def test_of_too_many_bytes_the_oldest_are_dropped() -> None:
    tape = Tape()
    big = m.Block(bytes(3_999_000), REGTEST.codec.parser)
    for number in range(20):
        tape.says(m.Ping(number + 1), big)
    blocks = [message for message in kept(tape) if isinstance(message, m.Block)]
    assert len(blocks) == MAX_INBOX_BYTES // 3_999_024
    while tape.talk.unread:
        tape.talk.take()
    tape.says(big)
    assert len(tape.talk.unread) == 1


def test_a_message_can_be_taken_out_of_the_middle() -> None:
    tape = Tape()
    tape.says(m.Verack(), m.GetAddr(), m.Verack())
    second = list(tape.talk.unread)[1]
    assert tape.talk.take(second).message == m.GetAddr()
    assert kept(tape) == [m.Verack(), m.Verack()]


def test_what_is_said_stands_in_the_transcript_as_it_was() -> None:
    talk = Tape().talk
    talk.say([m.Ping(1), m.GetAddr()], BEGIN)
    talk.say_raw(b"abc", BEGIN)
    talk.say_corrupt(m.Ping(1), "checksum", 0, BEGIN)
    talk.half_close(BEGIN)
    assert talk.transcript.lines[1:] == [
        "> ping",
        "> getaddr",
        "> 3 raw bytes",
        "> ping, corrupt: checksum",
        "= we send nothing more (FIN)",
    ]


def test_nothing_is_said_of_messages_that_the_network_does_not_have() -> None:
    tape = Tape()
    with pytest.raises(LocalProtocolError, match="Bitcoin has no getblockbyindex"):
        tape.talk.say([m.Ping(1), m.GetBlockByIndex(1)], BEGIN)
    assert tape.sent == b""
    assert len(tape.talk.transcript) == 1


def test_the_end_counts_from_what_was_said_last() -> None:
    tape = Tape()
    tape.talk.say([m.GetAddr()], BEGIN + 1)
    tape.talk.handle_connection_lost("reset", BEGIN + 3)
    tape.talk.receive_eof(BEGIN + 4)
    assert tape.talk.closed == Closed("remote", "reset", 2.0)
    assert tape.talk.transcript.lines[-1] == "x reset by remote"


@pytest.mark.parametrize(("order", "how"), [("close", "closed"), ("drop", "reset")])
def test_our_own_end_is_ours(order: str, how: str) -> None:
    tape = Tape()
    getattr(tape.talk, order)(BEGIN)
    assert tape.ends == [order]
    assert tape.talk.closed == Closed("us", how, 0.0)
    with pytest.raises(LocalProtocolError, match="we have closed"):
        tape.talk.check_not_ours()


def test_who_has_gone_cannot_be_told_anything() -> None:
    tape = Tape()
    tape.talk.receive_eof(BEGIN)
    gone = pytest.raises(PeerGone, match=f"nothing can be said to {REMOTE} any more: closed by remote")
    with gone:
        tape.talk.say([m.Verack()], BEGIN)
    with gone:
        tape.talk.say_raw(b"x", BEGIN)
    with gone:
        tape.talk.half_close(BEGIN)


# Who hears in place of the test.


def test_an_audience_hears_the_bytes_from_the_first_on_and_the_end_and_answers_by_itself() -> None:
    tape, audience = Tape(), Listening()
    tape.says(THEIRS)
    tape.talk.open_to(audience, BEGIN)
    tape.says(m.Ping(1))
    tape.talk.receive_data(b"HTTP", BEGIN)
    tape.talk.receive_data(b" and what nobody can read", BEGIN)
    assert audience.heard.endswith(b"HTTP and what nobody can read")
    assert audience.heard.startswith(REGTEST.magic)
    assert [message.command for message in kept(tape)] == ["version", "ping"]
    assert tape.hears() == []
    tape.talk.receive_eof(BEGIN + 1)
    tape.talk.drop(BEGIN + 2)
    assert audience.ends == [BEGIN + 1]


def test_an_audience_that_does_not_want_to_hear_says_so() -> None:
    tape, audience = Tape(), Listening()
    assert tape.talk.is_reading
    tape.talk.open_to(audience, BEGIN)
    audience.is_reading = False
    assert not tape.talk.is_reading


@pytest.mark.parametrize("begin", ["said", "answered", "flooded"])
def test_an_audience_that_comes_too_late_is_told(begin: str) -> None:
    tape = Tape()
    if begin == "said":
        tape.talk.say([m.GetAddr()], BEGIN)
    elif begin == "answered":
        tape.says(m.Ping(1))
    else:
        for _ in range(2):
            tape.talk.receive_data(bytes(MAX_OPENING // 2 + 1), BEGIN)
    with pytest.raises(LocalProtocolError, match="this one is under way"):
        tape.talk.open_to(Listening(), BEGIN)
    tape.says(m.GetAddr())
    assert tape.talk.audience is None
