"""A node's metrics in the text format of Prometheus, by prometheus-client.

That is an extra, loaded by the first who asks for metrics. Its own registry of the process is left alone: each answer
is made from one snapshot, by a registry that lives as long. Called by `endpoint`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from headway.errors import ConfigError
from headway.observe.families import FAMILIES, Kind, Scrape

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prometheus_client import Metric

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"


def require_client() -> None:
    """Raises ConfigError where prometheus-client is not installed."""
    try:
        import prometheus_client  # noqa: F401, PLC0415  (whether it is there is the question)
    except ImportError:
        raise ConfigError("metrics need prometheus-client: pip install 'headway[metrics]'") from None


def render(scrape: Scrape) -> bytes:
    """The text of one answer: the families of a node, and those of this process (`process_*`)."""
    from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest  # noqa: PLC0415  (an extra)

    registry = CollectorRegistry(auto_describe=False)
    ProcessCollector(registry=registry)
    registry.register(_Collector(scrape))
    return generate_latest(registry)


class _Collector:
    """What prometheus-client asks for metrics."""

    def __init__(self, scrape: Scrape) -> None:
        self._scrape = scrape

    def collect(self) -> Iterator[Metric]:
        from prometheus_client.core import (  # noqa: PLC0415  (an extra)
            CounterMetricFamily,
            GaugeMetricFamily,
            SummaryMetricFamily,
        )

        for family in FAMILIES:
            match family.kind:
                case Kind.GAUGE:
                    gauge = GaugeMetricFamily(family.name, family.help, labels=family.labels)
                    for labels, (value,) in family.values(self._scrape):
                        gauge.add_metric(labels, value)
                    yield gauge
                case Kind.COUNTER:
                    counter = CounterMetricFamily(family.name, family.help, labels=family.labels)
                    for labels, (value,) in family.values(self._scrape):
                        counter.add_metric(labels, value)
                    yield counter
                case Kind.SUMMARY:
                    summary = SummaryMetricFamily(family.name, family.help, labels=family.labels)
                    for labels, (count, total) in family.values(self._scrape):
                        summary.add_metric(labels, count_value=int(count), sum_value=total)
                    yield summary
