"""SIGKILL under load: every acknowledged point and log record is there, and counts once."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable

import requests

from otel_fmd.queries.logs import LogFilter, logs
from otel_fmd.queries.metric_lines import MetricQuery, metric_lines
from otel_fmd.queries.metrics import Minutes, known_metrics
from otel_fmd.queries.snapshot import Reader
from otel_fmd.store.store import Store
from tests.support.logs import log, logs_body
from tests.support.points import DELTA, counter, metrics_body
from tests.support.serving import Served
from tests.support.waiting import free_port

KILLS = 6
HEADERS = {"Content-Type": "application/x-protobuf"}


class Client(threading.Thread):
    """Sends a delta and a record a time, each again until it is acknowledged."""

    def __init__(self, served: Served, number: int) -> None:
        super().__init__(daemon=True)
        self._urls = [f"{served.http}/v1/{name}" for name in ("metrics", "logs")]
        self._number = number
        self.stopping = False
        self.acknowledged = 0

    def run(self) -> None:
        """Until it is to stop."""
        start_ns = time.time_ns() - 600_000_000_000
        while not self.stopping:
            at_ns = start_ns + self.acknowledged * 1_000_000
            points = counter(
                "hits", 3, temporality=DELTA, at_ns=at_ns, attributes=[("n", str(self._number))]
            )
            record = log(f"{self._number} {self.acknowledged}", 17, at_ns=at_ns)
            bodies = (metrics_body(points), logs_body(record))
            for url, body in zip(self._urls, bodies, strict=True):
                self._send(url, body.SerializeToString())
            self.acknowledged += 1

    def _send(self, url: str, data: bytes) -> None:
        while True:
            try:
                if requests.post(url, data, headers=HEADERS, timeout=10).status_code == 200:
                    return
            except requests.RequestException:
                pass
            time.sleep(0.02)


def test_nothing_acknowledged_is_lost_or_doubled(
    new_url: Callable[[str], str], serve: Callable[..., Served]
) -> None:
    """A sum of deltas shows a point that is missing, and one that counts twice."""
    url, port = new_url("sqlite"), str(free_port())
    options = ["--otlp-http-port", port, "--no-dashboard"]
    served, chance = serve(url, *options), random.Random(3)
    clients = [Client(served, number) for number in range(3)]
    for client in clients:
        client.start()
    for _ in range(KILLS):
        time.sleep(chance.uniform(0.1, 0.6))
        served.kill()
        served = serve(url, *options)
    for client in clients:
        client.stopping = True
    for client in clients:
        client.join(30)
    served.stop()
    acknowledged = sum(client.acknowledged for client in clients)
    store = Store(url)
    now_us = time.time_ns() // 1000
    minutes = Minutes.between(now_us - 3_600_000_000, now_us, 86_400_000_000)
    with Reader(store).snapshot() as snapshot:
        (metric,) = known_metrics(snapshot, "shop")
        query = MetricQuery(metric, {}, (), "sum", minutes)
        (line,) = metric_lines(snapshot, query).lines
        texts, cursor = [], None
        while not texts or cursor is not None:
            page = logs(snapshot, now_us - 3_600_000_000, now_us, LogFilter(), cursor, 1_000)
            texts += [one.body for one in page.found]
            cursor = page.cursor
    store.close()
    assert acknowledged > KILLS
    assert sum(value or 0 for value in line.values) == 3 * acknowledged
    assert len(texts) == len(set(texts)) == acknowledged
