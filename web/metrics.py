"""This file is where a server process's figures are put into words that Prometheus reads.

Only sums over the whole server: nothing of a single job, work unit or host. How many transactions
there were is left out: a copy that is asked for in secret is one more, and a seal keeps that back.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate

from prometheus_client import (
    CollectorRegistry,
    GCCollector,
    PlatformCollector,
    ProcessCollector,
)
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from grid import __version__
from grid.daemons.runner import Daemons
from grid.db import listings
from grid.db.store import Store
from grid.db.writer import WAITS_S, Figures
from web import public_view
from web.events import Broadcaster
from web.presence import Presence


class Metrics:
    """The figures of one server process."""

    def __init__(
        self, store: Store, daemons: Daemons | None, events: Broadcaster, presence: Presence
    ) -> None:
        self.registry = CollectorRegistry()
        self.registry.register(_Figures(store, daemons, events, presence))
        for standard in (ProcessCollector, PlatformCollector, GCCollector):
            standard(registry=self.registry)


class _Figures(Collector):
    """Read when they are asked for: counting them costs the hot path next to nothing."""

    def __init__(
        self, store: Store, daemons: Daemons | None, events: Broadcaster, presence: Presence
    ) -> None:
        self._store, self._daemons = store, daemons
        self._events, self._presence = events, presence

    def collect(self) -> Iterator[Metric]:
        """Every figure with its meaning."""
        version = GaugeMetricFamily("grid_info", "Grid's version.", labels=["version"])
        version.add_metric([__version__], 1)
        yield version
        writer = self._store.writing()
        yield _counter("grid_commit_failures", "Transactions rolled back.", writer.failures)
        yield _counter("grid_commit_seconds", "Seconds spent in transactions.", writer.busy_s)
        yield _gauge("grid_commit_waiting", "Requests and commands in line.", writer.waiting)
        reports = CounterMetricFamily(
            "grid_reports", "Reports of hosts, by what became of them.", labels=["answer"]
        )
        for answer, count in sorted(writer.reports.items()):
            reports.add_metric([answer], count)
        yield reports
        yield _waits(writer)
        yield _counter("grid_assignments", "Results given to hosts.", writer.assigned)
        with self._store.read() as connection:
            totals = listings.totals(connection)
        live = self._presence.live(self._store.now())
        for name, value in public_view.server(totals, live).items():
            yield _gauge(f"grid_{name}", "As pages show it, over all server processes.", value)
        yield _gauge("grid_event_streams", "Open event streams.", self._events.streams)
        if self._daemons is not None:
            leads = self._daemons.leads
            yield _gauge("grid_daemons_lead", "1 where the daemons of this process run.", leads)
            age_s = self._daemons.seconds_since_pass()
            yield _gauge("grid_daemon_pass_age_seconds", "Since the slowest daemon's pass.", age_s)
            stuck = self._daemons.log_trouble is not None
            yield _gauge("grid_log_stuck", "1 while the public log does not grow.", stuck)


def _counter(name: str, meaning: str, value: float) -> CounterMetricFamily:
    return CounterMetricFamily(name, meaning, value=value)


def _gauge(name: str, meaning: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, meaning, value=float(value))


def _waits(writer: Figures) -> HistogramMetricFamily:
    bounds = [*map(str, WAITS_S), "+Inf"]
    return HistogramMetricFamily(
        "grid_exchange_seconds",
        "From standing in line to the commit that holds it, of each exchange with a host.",
        buckets=list(zip(bounds, accumulate(writer.waits), strict=True)),
        sum_value=writer.waited_s,
    )
