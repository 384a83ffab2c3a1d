"""Metrics and logs beside the demo's history: an hour of two workers, and what the shop logged."""

from __future__ import annotations

import math
import random
import time

import requests
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric
from sqlalchemy import select

from otel_fmd.store.store import Store
from otel_fmd.store.times import unix_us
from tests.support.logs import log, logs_body
from tests.support.points import counter, gauge, histogram, metrics_body
from tests.support.serving import Served

_MINUTES = 55
_BOUNDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0]
_ROUTES = {"/": 1, "/search": 4, "/products/<int:number>": 2}
_WORKERS = (("shop", "41", 20.0), ("shop", "42", 14.0), ("stock", "57", 3.0))
"""Service, process id, and seconds of CPU a minute."""
_HEADERS = {"Content-Type": "application/x-protobuf"}


def plant(served: Served) -> None:
    """Send them."""
    chance, now_ns = random.Random(5), time.time_ns()
    start_ns = now_ns - (_MINUTES + 1) * 60_000_000_000
    used: dict[str, float] = {}
    for minute in range(_MINUTES):
        at_ns = start_ns + minute * 60_000_000_000
        for service, pid, busy in (
            ("shop", "41", 20.0),
            ("shop", "42", 14.0),
            ("stock", "57", 3.0),
        ):
            used[pid] = used.get(pid, 0.0) + busy * chance.uniform(0.7, 1.3)
            wave = math.sin(minute / 9 + int(pid))
            metrics = _process(at_ns, start_ns, used[pid], busy, wave)
            if service == "shop":
                metrics.append(_duration(at_ns, chance))
            body = metrics_body(
                *metrics, **{"service.name": service, "host.name": "web1", "process.pid": pid}
            )
            _post(f"{served.http}/v1/metrics", body.SerializeToString())
    records = []
    for number, (trace_id, time_ns) in enumerate(_traces(served, 40)):
        text = f"slow search: nothing was searched for, all {900 + number} products are sent"
        records.append(log(text, 13, at_ns=time_ns + 2_000_000, trace_id=trace_id))
        records.append(log("erin searched", 9, at_ns=time_ns + 1_000_000, trace_id=trace_id))
    for number in range(12):
        at_ns = now_ns - number * 240_000_000_000
        records.append(log(f"stock is out of product {number * 7}", 17, at_ns=at_ns, order=number))
    body = logs_body(*records, scope="shop")
    _post(f"{served.http}/v1/logs", body.SerializeToString())


def _traces(served: Served, most: int) -> list[tuple[bytes, int]]:
    """Traces of the newest searches, and when they began, in unix nanoseconds."""
    store = Store(served.database_url)
    request, endpoint = store.tables.request.c, store.tables.endpoint.c
    with store.read() as connection:
        search = connection.execute(
            select(endpoint.id).where(endpoint.name == "catalog.search")
        ).scalar_one()
        rows = connection.execute(
            select(request.trace_id, request.time_requested)
            .where(request.endpoint_id == search)
            .order_by(request.id.desc())
            .limit(most)
        ).all()
    store.close()
    return [(bytes(row.trace_id), unix_us(row.time_requested) * 1000) for row in rows]


def _post(url: str, data: bytes) -> None:
    requests.post(url, data, headers=_HEADERS, timeout=30).raise_for_status()


def _process(at_ns: int, start_ns: int, used: float, busy: float, wave: float) -> list[Metric]:
    cpu = counter("process.cpu.time", round(used, 2), at_ns=at_ns, start_ns=start_ns - 1)
    cpu.unit = "s"
    return [
        cpu,
        gauge("process.memory.usage", int(9e7 + busy * 2e6 + wave * 4e6), at_ns=at_ns, unit="By"),
        gauge("process.thread.count", int(11 + 2 * wave), at_ns=at_ns, unit="{thread}"),
        gauge("http.server.active_requests", max(0, int(2 + 2 * wave)), at_ns=at_ns),
    ]


def _duration(at_ns: int, chance: random.Random) -> Metric:
    whole = Metric(name="http.server.request.duration", unit="s")
    for route, slow in _ROUTES.items():
        counts = [chance.randrange(6) for _ in range(3)] + [chance.randrange(3 * slow)] * slow
        counts += [0] * (len(_BOUNDS) + 1 - len(counts))
        one = histogram(
            whole.name, _BOUNDS, counts, temporality=1, at_ns=at_ns,
            total=sum(counts) * 0.02 * slow, attributes=[("http.route", route)],
        )  # fmt: skip
        whole.histogram.aggregation_temporality = 1  # type: ignore[assignment]
        whole.histogram.data_points.extend(one.histogram.data_points)
    return whole
