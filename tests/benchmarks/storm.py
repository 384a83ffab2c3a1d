"""A bad day: a loop that raises a thousand times a second, and what that costs the receiver."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import requests
from sqlalchemy import func, select

from otel_fmd.store.store import Store
from tests.benchmarks.report import Report, quartiles
from tests.support.raising import place_an_order, raised, with_exception
from tests.support.requirements import BUILD
from tests.support.serving import Served
from tests.support.spans import Spans, body, flask_attributes

RATE, IN_BODY = 1_000, 100
_FRAMES = 30
_HEADERS = {"Content-Type": "application/x-protobuf"}


def deep(number: int, depth: int = _FRAMES) -> None:
    """Raise from as many frames as an app has."""
    if depth:
        deep_inner(number, depth - 1)
    place_an_order(number)


def deep_inner(number: int, depth: int) -> None:
    """The other half of the stack."""
    deep(number, depth)


def storm(report: Report, seconds: float) -> None:
    """Requests that fail, at a steady rate, and the same that do not; CPU, size, latency."""
    costs = {}
    for kind in (
        "requests",
        "requests that raise",
        "requests, each with another stack, that raise",
    ):
        with tempfile.TemporaryDirectory(dir=BUILD) as folder:
            path = Path(folder) / "fmd.db"
            served = Served(f"sqlite:///{path}", "--no-dashboard")
            costs[kind] = _send(report, served, path, kind, seconds)
            served.stop()
    extra = costs["requests that raise"] - costs["requests"]
    report.row(what="exception", extra_cpu_us=extra)
    report.at_most("CPU that an exception adds, in microseconds", extra, 200.0)


def _send(report: Report, served: Served, path: Path, kind: str, seconds: float) -> float:
    """Send for a time; the CPU of the receiver for each request, in microseconds."""
    raises = kind.endswith("raise")
    made = Spans(7)
    number = int(RATE * seconds)
    bodies = []
    for start in range(0, number, IN_BODY):
        spans = [made.span(flask_attributes("/orders")) for _ in range(IN_BODY)]
        if raises:
            for place, span in enumerate(spans):
                depth = (start + place) % 200 if "another" in kind else _FRAMES
                with_exception(span, raised(deep, start + place, depth))
        bodies.append(body(spans, **{"telemetry.sdk.language": "python"}))
    session = requests.Session()
    waits = []
    before, began = served.cpu_s(), time.monotonic()
    for place, data in enumerate(bodies):
        time.sleep(max(0.0, began + place * IN_BODY / RATE - time.monotonic()))
        asked = time.monotonic()
        answer = session.post(served.traces, data, headers=_HEADERS, timeout=30)
        waits.append(1_000 * (time.monotonic() - asked))
        answer.raise_for_status()
    cpu_us = 1e6 * (served.cpu_s() - before) / number
    store = Store(f"sqlite:///{path}")
    with store.read() as connection:
        count, occurrence = store.tables.exception_count.c, store.tables.exception_occurrence.c
        counted = int(connection.execute(select(func.sum(count.count))).scalar() or 0)
        kept = int(connection.execute(select(func.count(occurrence.id))).scalar() or 0)
        size = store.database.used_bytes(connection)
    store.close()
    _, median, _ = quartiles(waits)
    report.row(
        what=kind,
        sent=number,
        counted=counted,
        kept=kept,
        cpu_us=cpu_us,
        bytes_each=size / number,
        median_ms=median,
        slowest_ms=max(waits),
    )
    if raises:
        report.at_most(f"exceptions that are not counted: {kind}", number - counted, 0)
        report.at_most(f"occurrences kept of a storm: {kind}", kept, 300)
        report.at_most(f"slowest answer in a storm, in ms: {kind}", max(waits), 1_000.0)
    return cpu_us
