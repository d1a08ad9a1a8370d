"""Lines that say how far a node is; live on a terminal, one now and then elsewhere."""

from __future__ import annotations

import asyncio
import os
import pty
import subprocess
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from headway.aio.status import NodeStatus
from headway.cli import progress
from headway.cli.output import Output
from headway.cli.progress import Meter, cache_data, counting, duration
from headway.node.reassembly import CacheUse
from headway.sync.lowwork import PresyncProgress
from headway.types import BlockId
from tests.interop.cli import HEADWAY
from tests.loopback import on_loop
from tests.unit.cli.conftest import Served

HEADERS = NodeStatus(
    network="regtest",
    phase="headers",
    header_tip=BlockId(0, bytes(32)),
    block_tip=BlockId(0, bytes(32)),
    headers=0,
    blocks=0,
    block_bytes=0,
    seconds=0.0,
    peers=1,
    connecting=0,
    in_flight=0,
    stalls=0,
    reorgs=0,
    misbehaved=0,
)
BLOCKS = replace(HEADERS, phase="blocks", header_tip=BlockId(10_000, bytes(32)), in_flight=16)


def at_height(height: int, status: NodeStatus = BLOCKS) -> NodeStatus:
    """After so many blocks of 100,000 bytes."""
    return replace(
        status, blocks=height, block_tip=BlockId(height, bytes(32)), block_bytes=height * 100_000, seconds=float(height)
    )


def test_headers_have_a_height_and_a_rate_and_no_end_in_sight() -> None:
    meter = Meter(None)
    meter.line(HEADERS, 0.0)
    later = replace(HEADERS, headers=4_000, header_tip=BlockId(4_000, bytes(32)), peers=3, connecting=5)
    assert meter.line(later, 2.0) == ("regtest headers  headers 4,000  2,000/s  3 peers (+5)  0 in flight  ETA -")


def test_headers_that_are_not_kept_yet_are_told_of() -> None:
    under_way = replace(HEADERS, presync=PresyncProgress(123_456, 0.128))
    assert Meter(None).line(under_way, 0.0) == (
        "regtest headers  headers 0  pre-synchronising headers, height ~123,456, 13%  0/s  1 peer  0 in flight  ETA -"
    )


def test_headers_that_wait_for_others_are_counted_beside_the_tip() -> None:
    assert "headers 0 (+12,000)  0/s" in Meter(None).line(replace(HEADERS, held_headers=12_000), 0.0)


def test_peers_whose_chain_our_own_rules_reject_are_told_of() -> None:
    line = Meter(None).line(replace(HEADERS, rejected=2), 0.0)
    assert "our own rules reject the chain of 2 peers" in line


def test_what_a_transaction_cache_is_good_for_is_told() -> None:
    use = CacheUse(transactions=2_412, bytes=12_100_000)
    meter = Meter(None)
    assert "  cache 2,412 txs, 12.1 MB  " in meter.line(replace(HEADERS, tx_cache=use), 0.0)
    use = replace(use, found=963, asked=38)
    assert "  cache 2,412 txs, 12.1 MB, hit 96.2% of 1,001  " in meter.line(replace(HEADERS, tx_cache=use), 0.0)
    assert "cache" not in meter.line(HEADERS, 0.0)
    assert cache_data(None) == {}
    assert cache_data(use)["tx_cache"]["hit_rate"] == use.hit_rate


def test_blocks_have_a_rate_in_bytes_too_and_a_time_left() -> None:
    meter = Meter(None)
    meter.line(at_height(1_000), 100.0)
    assert meter.line(at_height(1_500), 105.0) == (
        "regtest blocks  headers 10,000  blocks 1,500  100/s  10.0 MB/s  1 peer  16 in flight  ETA 1:25"
    )


def test_rate_is_of_the_last_seconds_so_that_a_stall_shows() -> None:
    meter = Meter(None)
    meter.line(at_height(0), 0.0)
    meter.line(at_height(5_000), 5.0)
    stuck = replace(at_height(5_000), stalls=1)
    for second in range(6, 17):
        line = meter.line(stuck, float(second))
    assert "blocks 5,000  0/s  0.0 MB/s" in line
    assert line.endswith("1 stall  ETA -")


def test_lines_that_come_a_little_late_have_rates_all_the_same() -> None:
    meter = Meter(None)
    for number in range(4):
        line = meter.line(at_height(1_000 * number), number * 10.004)
    assert "blocks 3,000  100/s" in line


def test_height_that_is_aimed_at_is_where_the_time_ends() -> None:
    meter = Meter(1_600)
    meter.line(at_height(1_000), 100.0)
    assert meter.line(at_height(1_500), 105.0).endswith("ETA 0:01")
    assert meter.line(at_height(1_600), 106.0).endswith("ETA 0:00")


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0:00"), (59.4, "0:59"), (59.6, "1:00"), (3_599, "59:59"), (93_784, "26:03:04")]
)
def test_durations_read_like_a_clock(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@on_loop
async def test_lines_come_now_and_then_where_there_is_no_terminal() -> None:
    seen = asyncio.Event()

    class Heard(Output):
        def note(self, text: str) -> None:
            assert "blocks 7" in text
            seen.set()

    quick = pytest.MonkeyPatch()
    quick.setattr(progress, "PLAIN_INTERVAL", 0.001)
    shown = asyncio.create_task(progress.show(Heard(), lambda: at_height(7), None))
    await seen.wait()
    shown.cancel()
    await asyncio.wait([shown])
    quick.undo()


@pytest.mark.parametrize(("interval", "shown"), [(0.0, [1, 2, 3]), (3600.0, [3])])
def test_what_is_counted_is_shown_now_and_then_and_at_the_end(
    interval: float, shown: list[int], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "PLAIN_INTERVAL", interval)
    with counting(Output(), 3, lambda count: f"{count} of 3") as done:
        for count in (1, 2, 3):
            done(count)
    assert capsys.readouterr().err.splitlines() == [f"{count} of 3" for count in shown]


class Terminal(Output):
    def live(self) -> bool:
        return True


def test_what_is_counted_on_a_terminal_is_redrawn_and_its_line_ended(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "LIVE_INTERVAL", 0.0)
    for last, text in ((2, "\r1 of 3\r2 of 3\n"), (3, "\r1 of 3\r2 of 3\r3 of 3\n")):
        with counting(Terminal(), 3, lambda count: f"{count} of 3") as done:
            for count in range(1, last + 1):
                done(count)
        assert capsys.readouterr().err == text


def on_terminal(*words: str, stdout: bool = False) -> tuple[int, bytes, bytes]:
    """Exit code, screen and stdout of a command whose stderr is a terminal, and its stdout, too, if so said."""
    ours, theirs = pty.openpty()
    environment = dict(os.environ, TERM="xterm", COLUMNS="120")
    to = theirs if stdout else subprocess.PIPE
    command = subprocess.Popen([HEADWAY, *words], stderr=theirs, stdout=to, env=environment)
    os.close(theirs)
    screen = bytearray()

    def read() -> None:
        try:
            while data := os.read(ours, 4_096):
                screen.extend(data)
        except OSError:
            pass  # the other end was closed: that is how a terminal ends

    reader = threading.Thread(target=read)
    reader.start()
    piped, _ = command.communicate()
    reader.join()
    os.close(ours)
    return command.returncode, bytes(screen), piped or b""


def test_line_is_live_on_a_terminal_and_leaves_nothing_on_stdout(served: Served) -> None:
    words = ["sync", "--network", "regtest", "--connect", served.address, "--stop-at", str(served.height + 1)]
    code, screen, stdout = on_terminal(*words, "--deadline", "1")
    assert code == 4
    assert f"blocks {served.height}".encode() in screen
    assert b"ETA" in screen
    assert screen.count(b"\x1b[2K") > 1  # redrawn in its place
    assert b"ETA" not in stdout


def test_it_has_ended_before_the_first_block_of_a_chain_that_is_followed(served: Served, tmp_path: Path) -> None:
    words = ["--network", "regtest", "--connect", served.address, "--datadir", str(tmp_path), "--count", "1"]
    code, screen, _ = on_terminal("follow", *words, stdout=True)
    assert code == 0
    before, line = screen.split(b"+ ")
    assert served.tip.encode() in line
    assert before.endswith(b"\x1b[2K"), "its line was wiped"
    assert b"ETA" not in line
