"""`headway peer ping`: a line a round trip, and what they come to at the end."""

from __future__ import annotations

import json
import re
import signal
import socket

import pytest

from headway.cli import main
from headway.cli.output import Exit
from headway.cli.peer.ping import Tally
from headway.testing import TestPeer
from headway.wire import messages as m
from tests.farend import meanwhile
from tests.interop.cli import Headway
from tests.unit.cli.conftest import Served


def words(address: str, *more: str) -> list[str]:
    return ["peer", "ping", address, "--network", "regtest", "-i", "0", *more]


def test_each_round_trip_is_a_line_and_the_end_tells_them_all(
    served: Served, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words(served.address, "-c", "3")) == Exit.DONE
    printed = capsys.readouterr()
    *pongs, head, counts, times = printed.out.splitlines()
    assert [re.sub(r"[\d.]+ ms", "T", pong) for pong in pongs] == [
        f"pong from {served.address}: seq={number} time=T" for number in (1, 2, 3)
    ]
    assert head == f"--- {served.address} ---"
    assert counts == "3 sent, 3 came back"
    least, mean, greatest = map(float, re.findall(r"\d+\.\d+", times))
    assert 0 < least <= mean <= greatest
    assert re.search(r"is /headway:[\d.]+/, version 70016", printed.err)


def test_json_is_the_summary_and_jsonl_the_pings(served: Served, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words(served.address, "-c", "2", "--json")) == Exit.DONE
    summary = json.loads(capsys.readouterr().out)
    assert " ".join(summary) == "addr transmitted received min avg max"
    assert (summary["addr"], summary["transmitted"], summary["received"]) == (served.address, 2, 2)
    assert 0 < summary["min"] <= summary["avg"] <= summary["max"] < 60
    assert main(words(served.address, "-c", "2", "--jsonl")) == Exit.DONE
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["seq"] for line in lines] == [1, 2]
    assert all(line["time"] > 0 for line in lines)


def test_interrupt_ends_with_the_summary(served: Served) -> None:
    with Headway("peer", "ping", served.address, "--network", "regtest", "-i", "0.01") as command:
        command.wait_for_line("seq=3")
        command.signal(signal.SIGINT)
        assert command.wait() == Exit.INTERRUPTED
        assert command.stdout[-1].startswith("round trip min/avg/max = ")
        assert not any("Traceback" in line for line in command.lines)


def test_ping_without_a_pong_ends_with_what_came_and_exit_3(capsys: pytest.CaptureFixture[str]) -> None:
    def far_end() -> None:
        far = listener.accept(auto_pong=False)
        far.handshake()
        far.send(m.Pong(far.expect(m.Ping).nonce))
        far.expect(m.Ping)
        far.expect_closed(timeout=60)

    with TestPeer.listen("regtest") as listener, meanwhile(far_end):
        assert main(words(str(listener.address), "--timeout", "2", "--json")) == Exit.NO_PEERS
    printed = capsys.readouterr()
    summary = json.loads(printed.out)
    assert (summary["transmitted"], summary["received"]) == (2, 1)
    assert "did not answer ping in time" in summary["error"]
    assert summary["error"] in printed.err


def test_port_where_nothing_listens_is_exit_3_without_a_summary(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = "{}:{}".format(*listener.getsockname())
    assert main(words(address)) == Exit.NO_PEERS
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "connection refused" in printed.err


def test_tally_keeps_least_mean_and_greatest() -> None:
    tally = Tally()
    assert tally.data() == {"transmitted": 0, "received": 0, "min": None, "avg": None, "max": None}
    for round_trip in (0.003, 0.001, 0.002):
        tally.sent += 1
        tally.add(round_trip)
    tally.sent += 1
    assert tally.data() == {"transmitted": 4, "received": 3, "min": 0.001, "avg": pytest.approx(0.002), "max": 0.003}
    assert tally.text("x").splitlines()[1:] == ["4 sent, 3 came back", "round trip min/avg/max = 1.000/2.000/3.000 ms"]
