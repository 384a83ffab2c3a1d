"""What points of metrics cost: how many a second one receiver stores, and their bytes at rest.

`python -m tests.benchmarks.points [--quick]`; `tests.benchmarks.ingest` runs it, too.

Points at rest: 1,000 series for a day, one point each 10, or 60, seconds; the bytes that the
database's file grew by, names, states, minutes, quarters and days together. Of ten series three
are counters of whole numbers, two of seconds with two decimals, two are memory in bytes (multiples
of a page), one is a percentage with a decimal, one a ratio with all its digits, one a constant.
Published: Prometheus says 1 to 2 bytes a sample
(https://prometheus.io/docs/prometheus/latest/storage/#operational-aspects), VictoriaMetrics less
than 1 (https://docs.victoriametrics.com/victoriametrics/faq/); both keep each sample in blocks of
many, and no coarser grains beside them.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import requests
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from sqlalchemy import func, select

from otel_fmd.analysis.outliers import OutlierRule
from otel_fmd.ingest.points import batch_of_points
from otel_fmd.ingest.write import BatchWriter
from otel_fmd.otlp.points_protobuf import decode_protobuf
from otel_fmd.rollups.fold_points import PointFolder
from otel_fmd.rollups.roll_points import PointRoller
from otel_fmd.store.schema import ensure_schema
from otel_fmd.store.space import give_back
from otel_fmd.store.store import Store
from tests.benchmarks.report import Report
from tests.support.requirements import BUILD
from tests.support.serving import Served

SERIES = 1_000
"""Points of a body, each of a series of its own."""
_METRICS = 10
_PER_METRIC = SERIES // _METRICS
_SECOND_NS = 1_000_000_000
_DAY_S = 86_400
_FOLD_EVERY = 64
_CLIENTS = 3


class App:
    """1,000 series of an app, and their values over time."""

    def __init__(self, seed: int, start_ns: int) -> None:
        self._chance = random.Random(seed)
        self._start_ns = start_ns
        self._totals = [0.0] * SERIES
        self._makers: Sequence[Callable[[int], float]] = (
            *[lambda place: self._grown(place, self._chance.randrange(40))] * 3,
            *[lambda place: self._grown(place, self._chance.randrange(300) / 100)] * 2,
            *[lambda place: self._moved(place, self._chance.randrange(-20, 21) * 4096)] * 2,
            lambda _: round(self._chance.uniform(0, 100), 1),
            lambda _: self._chance.random(),
            lambda _: 8.0,
        )

    def _grown(self, place: int, more: float) -> float:
        self._totals[place] = round(self._totals[place] + more, 2)
        return self._totals[place]

    def _moved(self, place: int, by: float) -> float:
        self._totals[place] = max(200_000_000.0, self._totals[place] + by)
        return self._totals[place]

    def body(self, at_ns: int) -> bytes:
        """An export of every series."""
        request = ExportMetricsServiceRequest()
        made = request.resource_metrics.add()
        for key, value in (("service.name", "shop"), ("process.pid", "1"), ("host.name", "h1")):
            made.resource.attributes.add(key=key).value.string_value = value
        scope = made.scope_metrics.add()
        for number, make in enumerate(self._makers):
            metric = scope.metrics.add(name=f"app.metric_{number}", unit="1")
            if number < 5:
                metric.sum.aggregation_temporality = 2  # type: ignore[assignment]
                metric.sum.is_monotonic = True
                points = metric.sum.data_points
            else:
                points = metric.gauge.data_points
            for place in range(number * _PER_METRIC, (number + 1) * _PER_METRIC):
                point = points.add(start_time_unix_nano=self._start_ns, time_unix_nano=at_ns)
                value = make(place)
                if value.is_integer():
                    point.as_int = int(value)
                else:
                    point.as_double = value
                for key, text in (
                    ("http.request.method", "GET"),
                    ("http.route", f"/api/v1/items/{place % _PER_METRIC}"),
                ):
                    point.attributes.add(key=key).value.string_value = text
        return request.SerializeToString()


def histograms(at_ns: int, seed: int) -> bytes:
    """An export of 1,000 explicit histograms, of 14 buckets as for HTTP."""
    chance = random.Random(seed)
    bounds = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)
    request = ExportMetricsServiceRequest()
    made = request.resource_metrics.add()
    made.resource.attributes.add(key="service.name").value.string_value = "shop"
    metric = made.scope_metrics.add().metrics.add(name="http.server.request.duration", unit="s")
    metric.histogram.aggregation_temporality = 1  # type: ignore[assignment]
    for place in range(SERIES):
        point = metric.histogram.data_points.add(
            start_time_unix_nano=at_ns - _SECOND_NS, time_unix_nano=at_ns, explicit_bounds=bounds
        )
        point.bucket_counts.extend(chance.randrange(5) if 2 < n < 9 else 0 for n in range(15))
        point.count, point.sum = sum(point.bucket_counts), chance.random() * 10
        point.attributes.add(key="http.route").value.string_value = f"/api/v1/items/{place}"
    return request.SerializeToString()


def cost(report: Report, bodies: int) -> None:
    """CPU per point: decode, write and fold, in one process; of numbers and of histograms."""
    now_ns = time.time_ns() - 3_600 * _SECOND_NS
    app = App(1, now_ns)
    made = [app.body(now_ns + number * _SECOND_NS // 4) for number in range(bodies)]
    _cost(report, "numbers", made, app.body(now_ns - 1))
    some = [histograms(now_ns + n * _SECOND_NS, n) for n in range(_FOLD_EVERY)]
    _cost(report, "histograms", some, histograms(now_ns - 1, 99))


def _cost(report: Report, what: str, made: Sequence[bytes], first: bytes) -> None:
    bodies = len(made)
    with tempfile.TemporaryDirectory(dir=BUILD) as folder:
        store = Store(f"sqlite:///{folder}/points.db")
        ensure_schema(store)
        writer, folder_ = BatchWriter(store, OutlierRule()), PointFolder(store)
        writer.write(batch_of_points(decode_protobuf(first).points))
        spent = {"decode": 0.0, "write": 0.0, "fold": 0.0}
        for number, data in enumerate(made):
            began = time.process_time()
            points = decode_protobuf(data).points
            decoded = time.process_time()
            writer.write(batch_of_points(points))
            written = time.process_time()
            spent["decode"] += decoded - began
            spent["write"] += written - decoded
            if number % _FOLD_EVERY == _FOLD_EVERY - 1:
                folder_.fold(_FOLD_EVERY)
                spent["fold"] += time.process_time() - written
        store.close()
    each = {name: value / bodies / SERIES * 1e6 for name, value in spent.items()}
    report.row(what=f"{what}, us of CPU a point", **each, all=sum(each.values()))


class _Sender(threading.Thread):
    """One client: a body, its answer, the next body."""

    def __init__(self, url: str, bodies: Sequence[bytes], until: float) -> None:
        super().__init__(daemon=True)
        self._url, self._bodies, self._until = url, bodies, until
        self.acknowledged = 0

    def run(self) -> None:
        """Send until the time is over."""
        session = requests.Session()
        headers = {"Content-Type": "application/x-protobuf"}
        for data in self._bodies:
            if time.monotonic() > self._until:
                return
            session.post(self._url, data, headers=headers).raise_for_status()
            self.acknowledged += SERIES


def rate(report: Report, seconds: float) -> None:
    """Points acknowledged a second by one receiver, SQLite with every commit on the disk."""
    now_ns = time.time_ns() - 1_800 * _SECOND_NS
    sets = []
    for client in range(_CLIENTS):
        app = App(client, now_ns)
        number = int(seconds * 130) + 20
        sets.append([app.body(now_ns + client + n * _SECOND_NS // 10) for n in range(number)])
    with tempfile.TemporaryDirectory(dir=BUILD) as folder:
        served = Served(f"sqlite:///{folder}/points.db", "--no-dashboard")
        url = f"{served.http}/v1/metrics"
        requests.post(
            url, sets[0][0], headers={"Content-Type": "application/x-protobuf"}, timeout=30
        )
        began = time.monotonic()
        senders = [_Sender(url, bodies, began + seconds) for bodies in sets]
        for sender in senders:
            sender.start()
        for sender in senders:
            sender.join()
        found = sum(one.acknowledged for one in senders) / (time.monotonic() - began)
        report.row(
            what="points",
            clients=_CLIENTS,
            points_per_s=found,
            rss_mib=served.rss_mib(),
            points_waiting=_waiting(served.database_url),
        )
        served.stop()
    report.at_least("points of metrics a second, one receiver", found, 200_000.0)


def _waiting(url: str) -> int:
    """Points that are not folded yet: what one step takes, because folding keeps up."""
    store = Store(url)
    with store.read() as connection:
        delta = store.tables.metric_delta.c
        found = connection.execute(select(func.sum(delta.count))).scalar()
    store.close()
    return int(found or 0)


def at_rest(report: Report, every_s: int, hours: int) -> None:
    """Bytes a point in the database's file."""
    end_ns = time.time_ns() // (_DAY_S * _SECOND_NS) * _DAY_S * _SECOND_NS
    start_ns = end_ns - hours * 3_600 * _SECOND_NS
    app = App(7, start_ns - _SECOND_NS)
    with tempfile.TemporaryDirectory(dir=BUILD) as folder:
        path = Path(folder) / "points.db"
        store = Store(f"sqlite:///{path}")
        ensure_schema(store)
        store.run_alone("PRAGMA wal_checkpoint(TRUNCATE)")
        before = path.stat().st_size
        writer, fold = BatchWriter(store, OutlierRule()), PointFolder(store)
        number = 0
        for at_ns in range(start_ns, end_ns, every_s * _SECOND_NS):
            writer.write(batch_of_points(decode_protobuf(app.body(at_ns)).points))
            number += SERIES
            if number // SERIES % 256 == 0:
                fold.fold(256)
        fold.fold(256)
        PointRoller(store).roll(10_000, end_ns // 1000 + 600_000_000)
        give_back(store)
        store.run_alone("PRAGMA wal_checkpoint(TRUNCATE)")
        each = (path.stat().st_size - before) / number
        store.close()
    report.row(what="points at rest", every_s=every_s, points=number, bytes_each=each)
    report.at_most(f"bytes a point at rest, one each {every_s} s", each, 4.0)


def points(report: Report, *, quick: bool) -> None:
    """Everything."""
    cost(report, 128 if quick else 640)
    rate(report, 4.0 if quick else 10.0)
    for every_s in (10, 60):
        at_rest(report, every_s, 6 if quick and every_s == 10 else 24)


def main() -> None:
    """Alone."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    report = Report("points")
    points(report, quick=parser.parse_args().quick)
    report.write()


if __name__ == "__main__":
    main()
