"""What processes use, by worker, beside the requests that they answered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from otel_fmd.analysis.rollup import HOUR_US
from otel_fmd.queries.metrics import Minutes
from otel_fmd.queries.runtime import Panel, panels
from otel_fmd.queries.series import time_series
from otel_fmd.queries.snapshot import Snapshot
from otel_fmd.views.look import Look
from otel_fmd.views.metrics import minutes_of, step_start_us
from otel_fmd.views.view import Column, Table, View

_MINUTES_PER_HOUR = 60


class Runtime(NamedTuple):
    """The panels, their steps, and requests a minute by the hour (unix microseconds)."""

    panels: Sequence[Panel]
    minutes: Minutes
    requests: Sequence[tuple[int, float]]

    def __bool__(self) -> bool:
        return bool(self.panels or self.requests)

    def panel(self, name: str) -> Panel | None:
        """A panel, if there is something to show."""
        return next((one for one in self.panels if one.name == name), None)


def load(snapshot: Snapshot, look: Look) -> Runtime:
    """The selected service and time."""
    minutes = minutes_of(look)
    selection = look.selection(snapshot)
    rates = []
    for step in time_series(snapshot, selection, 1):
        # The present hour is not over.
        length_us = min(HOUR_US, max(HOUR_US // _MINUTES_PER_HOUR, look.now_us - step.start_us))
        rates.append((step.start_us, step.requests * 60e6 / length_us))
    return Runtime(panels(snapshot, look.service, minutes), minutes, rates)


def table_of(data: Runtime, look: Look) -> Table:
    """One row per panel, step and process."""
    columns = tuple(map(Column, ("panel", "time", "service", "worker", "value", "unit")))
    rows: list[tuple[Any, ...]] = [
        (
            panel.name,
            look.time_of(step_start_us(data.minutes, step)),
            line.service,
            line.worker,
            value,
            panel.unit,
        )
        for panel in data.panels
        for line in panel.lines
        for step, value in enumerate(line.values)
        if value is not None
    ]
    return Table(columns, rows)


RUNTIME = View(
    name="runtime",
    title="Runtime",
    description="CPU, memory, garbage collection, threads, pools and event loop of each process.",
    load=load,
    table=table_of,
    empty="No metrics of processes in the selected time. In the app's own process the agent "
    "measures them; over OTLP, install opentelemetry-instrumentation-system-metrics in Python, "
    "opentelemetry-instrumentation-runtime-node in Node; Java's agent sends them by itself.",
)
