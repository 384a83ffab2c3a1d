"""How a process is: its version, and whether its database takes requests."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client.metrics_core import GaugeMetricFamily, InfoMetricFamily, Metric

from otel_fmd._version import __version__
from otel_fmd.errors import OtelFmdError
from otel_fmd.rollups.prepare import prepare
from otel_fmd.store.store import Store


class HealthMetrics:
    """The collector of every process that serves.

    Args:
        store: the database.
        can_store: whether the last batch was stored, or another one would be now.
    """

    def __init__(self, store: Store, can_store: Callable[[], bool]) -> None:
        self._store = store
        self._can_store = can_store

    def describe(self) -> list[Metric]:
        """The metrics, without samples."""
        return [_build(), _database_up()]

    def collect(self) -> list[Metric]:
        """The metrics, now; asks the database."""
        build, up = _build(), _database_up()
        build.add_metric((), {"version": __version__})
        up.add_metric((), float(self._is_up()))
        return [build, up]

    def _is_up(self) -> bool:
        try:
            prepare(self._store)
        except OtelFmdError:
            return False
        return self._can_store()


def _build() -> InfoMetricFamily:
    return InfoMetricFamily("otel_fmd_build", "The version of otel-fmd.", labels=())


def _database_up() -> GaugeMetricFamily:
    return GaugeMetricFamily(
        "otel_fmd_database_up",
        "1 if the database can be read and took the last batch, as `/readyz` says; else 0.",
        labels=(),
    )
