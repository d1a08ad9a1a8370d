"""Which transaction is asked of whom: each of one peer at a time, and no more than a peer may owe."""

from __future__ import annotations

from collections.abc import Iterable

from headway.node.txdownload import MAX_ANNOUNCED, MAX_ASKED, PATIENCE, TxDownloads
from headway.types import Hash
from headway.wire.messages import GetData, InvEntry, InvType

IDS = [number.to_bytes(32, "big") for number in range(1, MAX_ANNOUNCED + 200)]


class Story:
    """Peers 1 and 2 announce by wtxid, peer 3 by txid."""

    def __init__(self) -> None:
        self.here: set[Hash] = set()
        self.downloads = TxDownloads(self.here.__contains__)
        for peer in (1, 2, 3):
            self.downloads.add_peer(peer, by_wtxid=peer < 3)

    def announce(self, peer: int, ids: Iterable[Hash], kind: InvType | None = None) -> None:
        kind = kind or (InvType.WTX if peer < 3 else InvType.TX)
        self.downloads.announced(peer, [InvEntry(kind, each) for each in ids])

    def asked(self, peer: int, now: float = 0.0) -> list[Hash]:
        question = self.downloads.question(peer, now)
        if question is None:
            return []
        assert isinstance(question, GetData)
        assert {entry.type for entry in question.entries} == {InvType.WTX if peer < 3 else InvType.WITNESS_TX}
        return [entry.hash for entry in question.entries]


def test_what_is_announced_is_asked_for_once() -> None:
    story = Story()
    story.announce(1, IDS[:5])
    assert story.asked(1) == IDS[:5]
    assert story.asked(1) == []
    story.announce(1, IDS[:5])
    assert story.asked(1) == []
    story.announce(3, IDS[5:7])
    assert story.asked(3) == IDS[5:7]


def test_what_is_here_is_not_asked_for() -> None:
    story = Story()
    story.here.add(IDS[0])
    story.announce(1, IDS[:3])
    story.here.add(IDS[1])
    assert story.asked(1) == [IDS[2]]


def test_only_the_announcements_that_a_peer_has_agreed_to_count() -> None:
    story = Story()
    story.announce(1, IDS[:3], InvType.TX)
    story.announce(3, IDS[:3], InvType.WTX)
    story.announce(1, IDS[:3], InvType.BLOCK)
    story.announce(9, IDS[:3])
    assert [story.asked(peer) for peer in (1, 3, 9)] == [[], [], []]


def test_no_other_is_asked_while_one_owes_it() -> None:
    story = Story()
    for peer in (1, 2):
        story.announce(peer, IDS[:3])
    assert story.asked(1) == IDS[:3]
    assert story.asked(2) == []
    assert story.downloads.brought(1, {IDS[0], b"?" * 32})
    story.here.add(IDS[0])
    assert story.asked(2, PATIENCE - 0.1) == []
    assert story.asked(1, PATIENCE) == []  # it has failed
    assert story.asked(2, PATIENCE) == IDS[1:3]
    assert not story.downloads.brought(1, {IDS[1]}), "too late: it is another's now"


def test_what_a_peer_owed_that_has_left_is_asked_of_another() -> None:
    story = Story()
    for peer in (1, 2):
        story.announce(peer, IDS[:3])
    assert story.asked(1) == IDS[:3]
    story.downloads.drop_peer(1)
    story.downloads.drop_peer(1)
    assert story.asked(2) == IDS[:3]
    assert story.asked(1) == []
    assert list(story.downloads) == [2, 3]


def test_a_peer_owes_no_more_than_it_may() -> None:
    story = Story()
    story.announce(1, IDS)
    assert story.asked(1) == IDS[:MAX_ASKED]
    assert story.asked(1) == []
    assert story.downloads.brought(1, {IDS[3]})
    assert story.asked(1) == [IDS[MAX_ASKED]]
    seen = MAX_ASKED + 1
    now = 0.0
    while more := story.asked(1, now := now + PATIENCE):
        seen += len(more)
    assert seen == MAX_ANNOUNCED, "what it announces beyond is forgotten"


def test_nothing_counts_that_was_not_asked() -> None:
    story = Story()
    assert not story.downloads.brought(1, {IDS[0]})
    assert not story.downloads.brought(9, {IDS[0]})
