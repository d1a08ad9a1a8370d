"""The picture on a terminal, drawn into text, and the plain lines elsewhere."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console, RenderableType

from headway.aio.status import NodeStatus
from headway.cli.demo import view
from headway.cli.demo.chain import KeptChain
from headway.cli.demo.family import FAMILIES
from headway.cli.demo.peer import Fault
from headway.cli.demo.watch import Outcome, PeerView
from headway.cli.output import Output
from headway.types import BlockId

BITCOIN = FAMILIES["bitcoin"]()
TIP = BlockId(2_000, bytes(range(32)))
CHAIN = KeptChain(Path("/cache/regtest-2000"), TIP, 100_700_000)
END = NodeStatus(
    network="regtest", phase="current", header_tip=TIP, block_tip=TIP, headers=2_000, blocks=2_000,
    block_bytes=100_700_000, seconds=4.0, peers=2, connecting=0, in_flight=0, stalls=1, reorgs=0, misbehaved=1,
)  # fmt: skip
HALF = replace(END, blocks=1_000, block_bytes=50_000_000, block_tip=BlockId(900, bytes(32)))

ALICE = PeerView("alice", Fault.NONE, "sending", Outcome.SERVED, "", 612, 30_000_000, 14.4, 0.0007)
CAROL = PeerView("carol", Fault.STALL, "silent 1.4 s", Outcome.SERVED, "", 100, 5_000_000, 6.9, 0.163)
DAVE = PeerView("dave", Fault.CORRUPT, "gone", Outcome.DISCOURAGED, "block 734: bad-txnmrklroot", 9, 10, 12.0, None)


def drawn(picture: RenderableType, width: int = 80) -> list[str]:
    console = Console(file=io.StringIO(), width=width)
    with console.capture() as capture:
        console.print(picture)
    return [line.rstrip() for line in capture.get().splitlines()]


def test_half_way_each_peer_has_a_row_with_its_state() -> None:
    lines = drawn(view.picture_of_sync(HALF, [ALICE, CAROL, DAVE], CHAIN))
    (bar,) = (line for line in lines if "blocks" in line and "MB/s" in line and "ETA" in line)
    assert bar.endswith("1,000/2,000 blocks   50.0/100.7 MB   12.5 MB/s  ETA 0:04")
    rows = [line.split() for line in lines if line.startswith(("alice", "carol", "dave"))]
    assert rows == [
        ["alice", "none", "sending", "612", "14.4", "0.7", "ms"],
        ["carol", "stall", "silent", "1.4", "s", "100", "6.9", "163", "ms"],
        ["dave", "corrupt", "discouraged", "9", "12.0", "-", "block", "734:", "bad-txnmrklroot"],
    ]


def test_at_the_end_those_who_served_are_told_so_and_who_is_still_silent_is_not() -> None:
    lines = drawn(view.picture_of_sync(END, [ALICE, CAROL], CHAIN))
    assert [line.split()[2] for line in lines if line.startswith(("alice", "carol"))] == ["served", "silent"]


@pytest.mark.parametrize("width", [80, 100, 200])
def test_the_picture_fits_the_terminal_and_does_not_jump(width: int) -> None:
    first = drawn(
        view.picture_of_sync(replace(HALF, blocks=0, block_bytes=0, seconds=0.0), [ALICE, DAVE], CHAIN), width
    )
    last = drawn(view.picture_of_sync(END, [ALICE, DAVE], CHAIN), width)
    assert max(map(len, first + last)) <= width
    assert len(first) == len(last)
    assert first[1].index("/2,000") == last[1].index("/2,000")


def test_the_making_of_the_chain_is_a_bar_with_its_purpose() -> None:
    (line,) = drawn(view.picture_of_making(500, 2_000, BITCOIN))
    assert line.endswith("making 2,000 regtest blocks, once")
    assert line.startswith("━")


def test_off_a_terminal_each_end_is_told_once_and_progress_five_times(capsys: pytest.CaptureFixture[str]) -> None:
    with view.syncing(Output(), CHAIN) as show:
        for blocks in range(0, 2_001, 10):
            peers = [ALICE, DAVE if blocks >= 1_000 else replace(DAVE, outcome=Outcome.SERVED)]
            show(replace(HALF, blocks=blocks, block_bytes=50_000 * blocks), peers)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.splitlines() == [
        "400 of 2,000 blocks, 20.0 MB, 5.0 MB/s, 2 peers",
        "800 of 2,000 blocks, 40.0 MB, 10.0 MB/s, 2 peers",
        "dave discouraged: block 734: bad-txnmrklroot",
        "1,200 of 2,000 blocks, 60.0 MB, 15.0 MB/s, 2 peers",
        "1,600 of 2,000 blocks, 80.0 MB, 20.0 MB/s, 2 peers",
        "2,000 of 2,000 blocks, 100.0 MB, 25.0 MB/s, 2 peers",
    ]


def test_off_a_terminal_the_making_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with view.making(Output(), BITCOIN, 2_000) as show:
        show(500)
        show(2_000)
    assert capsys.readouterr().err == "making a chain of 2,000 regtest blocks, once\n"


def test_quiet_is_quiet(capsys: pytest.CaptureFixture[str]) -> None:
    with view.making(Output(quiet=True), BITCOIN, 2_000) as made, view.syncing(Output(quiet=True), CHAIN) as show:
        made(10)
        show(END, [ALICE, DAVE])
    assert capsys.readouterr() == ("", "")
