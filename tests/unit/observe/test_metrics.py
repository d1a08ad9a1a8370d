"""Metrics as Prometheus reads them."""

from __future__ import annotations

import sys

import pytest
from prometheus_client.parser import text_string_to_metric_families

from headway.errors import ConfigError
from headway.node.snapshot import snapshot_of
from headway.observe.families import FAMILIES, Kind, Scrape
from headway.observe.metrics import render, require_client
from tests.virtual import WALL, World

SCRAPE = Scrape(snapshot_of(World().node().machine, WALL), 1 << 40)


def test_the_parser_of_prometheus_reads_what_the_table_says() -> None:
    read = {family.name: family for family in text_string_to_metric_families(render(SCRAPE).decode())}
    for family in FAMILIES:
        found = read[family.name.removesuffix("_total")]
        assert (found.type, found.documentation) == (family.kind, family.help)
        written = {
            tuple(sample.labels.get(label, "") for label in family.labels): sample.value for sample in found.samples
        }
        if family.kind is not Kind.SUMMARY:
            assert written == {labels: value for labels, (value,) in family.values(SCRAPE)}
        assert all(sample.labels.keys() == set(family.labels) for sample in found.samples)
    ping = read["headway_ping_seconds"]
    assert [(sample.name, sample.value) for sample in ping.samples] == [
        ("headway_ping_seconds_count", 0.0),
        ("headway_ping_seconds_sum", 0.0),
    ]
    assert read["process_resident_memory_bytes"].samples[0].value > 1_000_000
    assert read["headway_store_free_bytes"].samples[0].value == 1 << 40


def test_two_answers_have_nothing_to_do_with_each_other() -> None:
    assert render(SCRAPE).count(b"# TYPE headway_peers gauge") == 1
    assert render(SCRAPE).count(b"# TYPE headway_peers gauge") == 1


def test_without_prometheus_client_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    require_client()
    monkeypatch.setitem(sys.modules, "prometheus_client", None)  # as if it were not there
    with pytest.raises(ConfigError, match=r"pip install 'headway\[metrics\]'"):
        require_client()
