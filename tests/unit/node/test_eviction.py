"""Which outbound peers are of no use any more."""

from __future__ import annotations

from headway.node.eviction import (
    CATCH_UP_TIMEOUT,
    LAST_WORD_TIMEOUT,
    MAX_PROTECTED,
    MINIMUM_CONNECT_TIME,
    CatchUp,
    Standing,
    slow,
    worst,
)

TIP = 1_000
LATER = 10_000.0


def behind(work: int = 10, peer: int = 1) -> Standing:
    return Standing(peer, 0.0, work=work)


def test_a_peer_that_is_behind_has_twenty_minutes_then_a_question_then_two_more() -> None:
    rule, peer = CatchUp(), behind()
    assert rule.judge(peer, TIP, 0.0) == ""
    assert rule.judge(peer, TIP, CATCH_UP_TIMEOUT - 1) == ""
    assert rule.judge(peer, TIP, CATCH_UP_TIMEOUT) == "ask"
    assert rule.judge(peer, TIP, CATCH_UP_TIMEOUT + 1) == ""
    assert rule.judge(peer, TIP, CATCH_UP_TIMEOUT + LAST_WORD_TIMEOUT - 1) == ""
    assert rule.judge(peer, TIP, CATCH_UP_TIMEOUT + LAST_WORD_TIMEOUT) == "drop"


def test_a_peer_that_answers_its_last_question_with_what_we_had_then_may_stay_while_our_tip_moves_on() -> None:
    rule, peer = CatchUp(), behind()
    rule.judge(peer, TIP, 0.0)
    rule.judge(peer, TIP, CATCH_UP_TIMEOUT)
    peer.work = TIP
    now = CATCH_UP_TIMEOUT + 10
    assert rule.judge(peer, TIP + 50, now) == ""
    assert rule.judge(peer, TIP + 50, now + CATCH_UP_TIMEOUT - 1) == "", "it has caught up once, and time begins anew"
    assert rule.judge(peer, TIP + 50, now + CATCH_UP_TIMEOUT) == "ask"


def test_a_peer_that_lies_in_front_is_protected_and_only_so_many_are() -> None:
    rule = CatchUp()
    peers = [behind(TIP, number) for number in range(MAX_PROTECTED + 2)]
    for peer in peers:
        assert rule.judge(peer, TIP, 0.0) == ""
    assert [peer.is_protected for peer in peers] == [True] * MAX_PROTECTED + [False] * 2
    for peer in peers:
        peer.work = 10
        rule.judge(peer, TIP, 1.0)
    verdicts = [rule.judge(peer, TIP, CATCH_UP_TIMEOUT + 1.0) for peer in peers]
    assert verdicts == [""] * MAX_PROTECTED + ["ask"] * 2


def test_protection_is_given_again_when_one_who_had_it_has_gone() -> None:
    rule = CatchUp()
    first = behind(TIP)
    rule.judge(first, TIP, 0.0)
    assert rule.protected == 1
    rule.forget(first)
    rule.forget(behind(TIP, 2))
    assert rule.protected == 0


def paced(*paces: float | None) -> list[Standing]:
    return [Standing(number, 0.0, pace=pace) for number, pace in enumerate(paces, 1)]


def test_slow_is_who_takes_more_than_half_as_long_again_as_the_median() -> None:
    found = slow(paced(1.0, 1.1, 1.0, 1.66))
    assert found is not None
    assert found.peer == 4
    assert slow(paced(1.0, 1.1, 1.0, 1.5)) is None


def test_nobody_is_slow_beside_fewer_than_three_who_were_measured() -> None:
    assert slow(paced(1.0, 9.0)) is None
    assert slow(paced(1.0, 9.0, None)) is None


def test_the_worst_is_the_slow_one_else_the_one_without_news_for_longest() -> None:
    peers = paced(1.0, 1.0, 9.0)
    for peer, news in zip(peers, (50.0, 10.0, 90.0), strict=True):
        peer.news_at = news
    found = worst(peers, LATER)
    assert found is not None
    assert found.peer == 3
    peers[2].pace = 1.0
    found = worst(peers, LATER)
    assert found is not None
    assert found.peer == 2


def test_the_worst_is_none_that_is_new_busy_protected_or_the_only_one_of_its_network() -> None:
    peers = [Standing(number, 0.0, network="ipv4", news_at=100.0) for number in range(1, 7)]
    peers[0].ready_at = LATER - MINIMUM_CONNECT_TIME + 1
    peers[1].is_busy = True
    peers[2].is_protected = True
    peers[3].network = "onion"
    for peer in peers[:4]:
        peer.news_at = 0.0
    found = worst(peers, LATER)
    assert found is not None
    assert found.peer == 6, "of two alike the younger one"
    assert worst(peers[:4], LATER) is None


def test_where_all_are_of_one_network_even_a_single_one_may_be_the_worst() -> None:
    found = worst([Standing(1, 0.0, network="ipv4")], LATER)
    assert found is not None
    assert found.peer == 1
