from __future__ import annotations

from headway.networks.dbft.pings import MAX_OUTSTANDING, Pings

NONCES = [1, 2, 3]


def sent(*nonces: int) -> Pings:
    pings = Pings()
    for nonce in nonces:
        pings.sent(nonce)
    return pings


def test_an_echo_settles_its_ping() -> None:
    pings = sent(*NONCES)
    assert [pings.answered(nonce) for nonce in NONCES] == NONCES


def test_a_node_that_writes_its_own_id_answers_in_order() -> None:
    pings = sent(*NONCES)
    assert [pings.answered(0xDEAD) for _ in NONCES] == NONCES


def test_an_echo_passes_over_pings_that_got_no_pong() -> None:
    pings = sent(*NONCES)
    assert pings.answered(2) == NONCES[1]
    assert pings.answered(0xDEAD) == NONCES[2]


def test_a_pong_that_nobody_asked_for_keeps_its_nonce() -> None:
    pings = sent(NONCES[0])
    assert pings.answered(7) == NONCES[0]
    assert pings.answered(7) == 7


def test_pings_that_are_never_answered_are_forgotten() -> None:
    pings = sent(*range(1, 3 * MAX_OUTSTANDING))
    answered = [pings.answered(0xDEAD) for _ in range(MAX_OUTSTANDING + 1)]
    assert answered == [*range(2 * MAX_OUTSTANDING, 3 * MAX_OUTSTANDING), 0xDEAD]
