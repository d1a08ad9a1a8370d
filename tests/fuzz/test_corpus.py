"""The corpus of the fuzzer goes through its targets, and the targets see what is wrong: in plain pytest, in seconds.

A fault that the fuzzer found is an input of the corpus, and has a test of its own in `tests/unit`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest

from headway import types
from headway.errors import CodecError
from headway.kernel import scan
from headway.networks.bitcoin import transaction
from headway.networks.dbft import payload
from headway.networks.neo3 import capabilities
from headway.networks.neo3.frames import N3FrameDecoder
from headway.node.machine import NodeMachine
from headway.peer.blocks import Downloads
from headway.peer.deadlines import Deadlines
from headway.peer.exchange import Exchange
from headway.wire.buffer import Reader
from headway.wire.frames import FrameDecoder
from headway.wire.messages import Inv
from tests.fuzz import corpus
from tests.fuzz.source import Source
from tests.fuzz.targets import TARGETS

ENOUGH = 1_000
LARGEST = 2_000_000
"""Bytes of all corpora together."""


@pytest.mark.parametrize("target", TARGETS)
def test_every_input_of_the_corpus_passes(target: str) -> None:
    one_input = TARGETS[target]()
    inputs = corpus.load(target)
    assert inputs
    for data in inputs:
        one_input(data)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("data", [b"", b"\0", b"\xff", bytes(300), b"\xff" * 300], ids=lambda data: repr(data[:1]))
def test_plain_inputs_pass_too(target: str, data: bytes) -> None:
    TARGETS[target]()(data)


def test_the_corpus_is_large_enough_and_small_enough() -> None:
    files = list(corpus.DIRECTORY.iterdir())
    assert sum(len(corpus.load(target)) for target in TARGETS) >= ENOUGH
    assert sum(path.stat().st_size for path in files) < LARGEST
    assert {path.name.split(".")[0] for path in files} <= set(TARGETS), "a file of no target would never run"


def test_a_corpus_comes_back_as_it_was_saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(corpus, "DIRECTORY", tmp_path / "corpus")
    assert corpus.load("any") == []
    assert corpus.save("any", [b"long", b"b", b"a", b"b", b""]) == 3
    assert corpus.load("any") == [b"a", b"b", b"long"]
    (corpus.DIRECTORY / "any.faults.hex").write_text("# what it found\nff00\n")
    corpus.unpack(corpus.load("any"), tmp_path / "files")
    assert corpus.pack(tmp_path / "files") == [b"\xff\0", b"a", b"b", b"long"]


def test_a_source_never_ends() -> None:
    source = Source(b"\1\2\3\4\5")
    assert (source.u8(), source.u16(), source.take(1), source.has_more) == (1, 0x0302, b"\4", True)
    assert (source.take(9), source.u8(), source.u16(), source.rest(), source.has_more) == (b"\5", 0, 0, b"", False)


# An oracle that cannot fail is none: each of these faults is put in on purpose, and the corpus finds it.


def found(target: str) -> Exception:
    """What the corpus brings to light."""
    one_input = TARGETS[target]()
    for data in corpus.load(target):
        try:
            one_input(data)
        except Exception as error:  # noqa: BLE001  # whatever it is, it has been seen
            return error
    pytest.fail("nothing was found")


def test_frames_see_a_decoder_that_loses_what_follows_a_block(monkeypatch: pytest.MonkeyPatch) -> None:
    def receive_data(self: FrameDecoder, data: bytes) -> None:
        room = len(data) if self._block is None else len(self._block) - self._filled
        original(self, data[:room])

    original = FrameDecoder.receive_data
    monkeypatch.setattr(FrameDecoder, "receive_data", receive_data)
    assert isinstance(found("frames-bitcoin"), AssertionError)


def test_frames_see_a_decoder_that_makes_room_for_what_was_only_announced(monkeypatch: pytest.MonkeyPatch) -> None:
    def read_header(self: FrameDecoder) -> bool:
        self.expect_block = True
        return original(self)

    original = FrameDecoder._read_header
    monkeypatch.setattr(FrameDecoder, "_read_header", read_header)
    assert str(found("frames-bitcoin")).startswith("it holds more than has arrived")


def test_messages_see_a_field_that_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Reader, "i64", lambda self, field: len(self.take(8, field)))
    assert str(found("messages-bitcoin")).startswith("it is written as it came")


def test_frames_see_a_decoder_of_n3_that_loses_the_end_of_what_came(monkeypatch: pytest.MonkeyPatch) -> None:
    original = N3FrameDecoder.receive_data
    monkeypatch.setattr(N3FrameDecoder, "receive_data", lambda self, data: original(self, data[:100]))
    assert isinstance(found("frames-neo3"), AssertionError)


def test_messages_see_an_address_of_legacy_that_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(payload, "read_ip", lambda reader, field: "192.0.2.1" if reader.take(16, field) else "")
    assert str(found("messages-neo2")).startswith("it is written as it came")


def test_messages_see_a_capability_of_n3_that_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    original = capabilities.read
    monkeypatch.setattr(capabilities, "read", lambda *arguments: original(*arguments)[:1])
    assert str(found("messages-neo3")).startswith("it is written as it came")


def test_messages_see_an_undocumented_exception(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Reader, "take", lambda self, count, _field: self._data[self.position + count])
    assert isinstance(found("messages-bitcoin"), IndexError)


def test_machine_sees_an_undocumented_exception(monkeypatch: pytest.MonkeyPatch) -> None:
    def on_inv(*_arguments: object) -> None:
        raise ValueError("too many")

    monkeypatch.setitem(cast("dict[type, Any]", Exchange._HANDLERS), Inv, on_inv)
    assert str(found("machine-bitcoin")) == "too many"


def test_machine_sees_a_table_that_grows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Downloads, "end", lambda self, batch: self._late.update(dict.fromkeys(range(100), batch)))
    assert isinstance(found("machine-bitcoin"), AssertionError)


def test_machine_sees_a_timer_after_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Deadlines, "clear", lambda _self: None)
    assert isinstance(found("machine-toynet"), AssertionError)


def test_machine_sees_a_request_that_is_settled_and_not_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Exchange, "_settle", lambda _self, _request, _now: None)
    assert str(found("machine-toynet-neo")).startswith("each request is settled once")


def test_node_sees_a_peer_that_goes_without_a_word(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(NodeMachine, "_peer_lost", lambda *_arguments: None)
    assert isinstance(found("node-toynet"), AssertionError)


def test_transactions_see_a_witness_that_is_not_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transaction, "_skip_witness", lambda _reader: 1)
    assert isinstance(found("transactions"), CodecError | AssertionError)


def test_blocks_see_an_undocumented_exception(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scan, "count_sigops", lambda script: len(script) // 0)
    assert isinstance(found("blocks"), ZeroDivisionError)


def test_addresses_see_a_host_that_is_not_read_as_it_was_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(types, "_canonical_host", lambda host: f"{host}x")
    assert isinstance(found("addresses"), AssertionError)
