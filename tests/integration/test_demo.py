"""`otel-fmd demo`: both services under traffic, with history, in processes of their own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import requests
from sqlalchemy import select

from otel_fmd.queries.counts import sums
from otel_fmd.queries.http_metrics import measured_endpoints
from otel_fmd.queries.logs import LogFilter, logs
from otel_fmd.queries.metrics import Minutes
from otel_fmd.queries.profiles import profile_count
from otel_fmd.queries.runtime import panels
from otel_fmd.queries.selection import Selection
from otel_fmd.queries.snapshot import Reader
from otel_fmd.queries.versions import versions_seen
from otel_fmd.store.store import Store
from tests.support.waiting import wait_for

DAY_US = 86_400_000_000


def test_the_demo_fills_every_view(tmp_path: Path) -> None:
    """History of 14 days, three releases, users, errors and child spans; then it stops."""
    url = f"sqlite:///{tmp_path / 'demo.db'}"
    command = [sys.executable, "-m", "otel_fmd", "demo", "--database-url", url]
    for option in ("--otlp-http-port", "--otlp-grpc-port", "--dashboard-port"):
        command += [option, "0"]
    log = tmp_path / "log"
    with log.open("wb") as errors:
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=errors, text=True, env=dict(os.environ)
        )
    assert process.stdout is not None
    try:
        lines = [process.stdout.readline() for _ in range(2)]
        assert "create the first user at http" in lines[0]
        address = lines[1].split("otlp-http=")[1].split()[0]

        def metric(name: str) -> int:
            text = requests.get(f"{address}/metrics", timeout=10).text
            return int(float(text.split(f"\n{name} ")[1].split("\n")[0]))

        try:
            wait_for(lambda: metric("otel_fmd_requests_stored_total") > 6_000, 120, "history")
        except AssertionError as error:
            metrics = requests.get(f"{address}/metrics", timeout=10).text
            raise AssertionError(f"{error}\n{metrics}\n{log.read_text()}") from None
        assert metric("otel_fmd_requests_not_kept_total") > 1_000
        wait_for(lambda: metric("otel_fmd_points_stored_total") > 50, 60, "metrics")
        wait_for(lambda: metric("otel_fmd_log_records_stored_total") > 0, 60, "logs")
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(40) == 0
    store = Store(url)
    with Reader(store).snapshot() as snapshot:
        names = {(e.service, e.name): e.id for e in snapshot.endpoints.values()}
        assert {service for service, _ in names} == {"shop", "stock"}
        seen = versions_seen(snapshot)
        assert {one.name for one in seen} == {"1.0.0", "1.1.0", "2.0.0", "3.4"}
        first, last = min(one.first_us for one in seen), max(one.last_us for one in seen)
        assert 13 * DAY_US < last - first < 15 * DAY_US
        invoice = names["shop", "checkout.invoice"]
        codes = sums(snapshot, Selection(endpoint_ids=[invoice]), ("status_code",))
        assert (500,) in codes
        columns = store.tables.request.c
        run = snapshot.connection.execute
        assert profile_count(snapshot, names["shop", "catalog.product"]) > 100
        users = set(run(select(columns.group_by).distinct()).scalars())
        addresses = set(run(select(columns.ip).distinct()).scalars())
        now_us = time.time_ns() // 1000
        minutes = Minutes.between(now_us - 600_000_000, now_us, 600_000_000)
        shown = {one.name: one for one in panels(snapshot, "shop", minutes)}
        measured = measured_endpoints(snapshot, "shop", minutes)
        entries = logs(snapshot, now_us - 600_000_000, now_us, LogFilter()).found
    store.close()
    assert len(users) > 5
    assert len(addresses) > 5
    assert {"cpu", "memory", "threads"} <= shown.keys()
    (line,) = shown["memory"].lines
    assert max(value or 0 for value in line.values) > 10_000_000
    assert sum(one.requests for one in measured) > 0
    # What the shop logs within a request belongs to it.
    assert {entry.logger for entry in entries} == {"shop"}
    assert all(entry.trace_id for entry in entries)
