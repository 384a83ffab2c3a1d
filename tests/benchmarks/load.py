"""Makes large databases through the real write path: requests over 60 days.

Three services, 20 endpoints each, 6 versions, 200 users, 100 addresses, log-normal durations.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from otel_fmd.analysis.outliers import OutlierRule
from otel_fmd.ingest.batch import Batch
from otel_fmd.ingest.write import BatchWriter
from otel_fmd.requests.request import Request
from otel_fmd.rollups.fold import DeltaFolder
from otel_fmd.signals.record import Resource, Span, SpanKind
from otel_fmd.store.schema import ensure_schema
from otel_fmd.store.store import Store
from tests.support.requirements import BUILD

DAYS = 60
SERVICES = ("shop", "stock", "mail")
ENDPOINTS = tuple(f"GET /resource/{n}" for n in range(20))
VERSIONS = tuple(f"1.{n}" for n in range(6))
USERS = tuple(f"user{n}" for n in range(200))
ADDRESSES = tuple(f"10.0.{n // 10}.{n % 10}" for n in range(100))
MEDIANS_MS = {
    (service, endpoint): 2 * 1.13 ** (17 * (20 * s + e) % 40)
    for s, service in enumerate(SERVICES)
    for e, endpoint in enumerate(ENDPOINTS)
}
_BATCH = 20_000
_STATUSES = (200,) * 94 + (404, 404, 404, 500, 500, 302)


class _NoAttributes:
    def attributes(self, raw: Any, wanted: Any) -> dict[str, Any]:
        return {}

    def events(self, raw: Any) -> tuple[()]:
        return ()


_SOURCE = _NoAttributes()


def generate(number: int, end_us: int, seed: int = 1) -> Iterator[list[Request]]:
    """Requests in batches, the oldest first."""
    chance = random.Random(seed)
    start_us = end_us - DAYS * 86_400 * 1_000_000
    step = (end_us - start_us) / number
    resource = Resource({})
    pairs = list(MEDIANS_MS)
    batch: list[Request] = []
    for index in range(number):
        service, endpoint = pairs[int(chance.random() ** 1.6 * len(pairs))]
        version = VERSIONS[min(5, index * 6 // number)]
        us = int(start_us + index * step)
        median = MEDIANS_MS[service, endpoint]
        duration = int(median * 1e6 * chance.lognormvariate(0, 0.5))
        ids = chance.randbytes(24)
        trace_id, span_id = ids[:16], ids[16:]
        status = _STATUSES[int(chance.random() * 100)]
        start_ns = us * 1000
        span = Span(
            trace_id,
            span_id,
            b"",
            endpoint,
            SpanKind.SERVER,
            start_ns,
            start_ns + duration,
            False,
            False,
            False,
            resource,
            None,
            _SOURCE,
        )
        batch.append(
            Request(
                service,
                endpoint,
                version,
                us,
                duration,
                status,
                USERS[int(chance.random() ** 2 * 200)],
                ADDRESSES[int(chance.random() ** 2 * 100)],
                trace_id,
                span_id,
                span,
                None,
            )
        )
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def load(store: Store, number: int) -> None:
    """Fill a store with that many requests, folded."""
    ensure_schema(store)
    # Outliers are a matter of their own: at these spreads the rule would keep some percent.
    writer = BatchWriter(store, OutlierRule(constant=25.0))
    folder = DeltaFolder(store)
    began = time.monotonic()
    done = 0
    now_us = time.time_ns() // 1000
    for count, batch in enumerate(generate(number, now_us), 1):
        writer.write(Batch(batch))
        done += len(batch)
        if count % 3 == 0:
            folder.fold(100)
        if count % 9 == 0:
            folder.fold_callers(100)
        if count % 50 == 0:
            rate = done / (time.monotonic() - began)
            print(f"  {done:,} of {number:,} ({rate:,.0f}/s)", file=sys.stderr, flush=True)
    while folder.fold(100) or folder.fold_callers(100):
        pass


def prepared(number: int) -> Path:
    """The SQLite database with that many requests, made when it is not there yet."""
    folder = BUILD / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"fmd-{number}.db"
    ready = folder / f"fmd-{number}.ready"
    if not ready.exists():
        path.unlink(missing_ok=True)
        print(f"making {path.name}", file=sys.stderr)
        store = Store(f"sqlite:///{path}")
        load(store, number)
        with store.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        store.close()
        ready.write_text(str(time.time()))
    return path


if __name__ == "__main__":
    prepared(int(sys.argv[1]))
