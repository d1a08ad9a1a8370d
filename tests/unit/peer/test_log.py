"""The trace is taken only when somebody listens."""

from __future__ import annotations

import logging

import pytest

from headway.peer.log import node_tracer, tracer


def test_nobody_listens_so_nothing_is_taken(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "headway.trace"):
        assert tracer(1) is None
        assert node_tracer() is None


def test_lines_go_to_the_log_with_the_number_of_their_peer(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, "headway.trace"):
        one, all_ = tracer(7), node_tracer()
        assert one is not None
        assert all_ is not None
        one("< headers [2000]")
        all_("> ping")
    assert caplog.messages == ["7 < headers [2000]", "> ping"]
