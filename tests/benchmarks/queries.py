"""Every query that a page needs, at 1 and 10 million requests, warm and from a fresh process.

`python -m tests.benchmarks.queries [--quick]`
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from otel_fmd.analysis.calendar import midnight_us
from otel_fmd.queries.latency import by_caller, caller_distributions, distributions
from otel_fmd.queries.overview import overview
from otel_fmd.queries.reporting import report
from otel_fmd.queries.rows import RequestFilter, requests
from otel_fmd.queries.selection import Selection
from otel_fmd.queries.snapshot import Reader, Snapshot
from otel_fmd.queries.utilization import daily, hourly, status_codes, version_share
from otel_fmd.store.kinds import ADDRESS, USER
from otel_fmd.store.store import Store
from tests.benchmarks.load import prepared
from tests.benchmarks.report import Report
from tests.support.requirements import BUILD, ROOT

UTC = ZoneInfo("UTC")
_HOUR_US = 3_600_000_000
_WARM = 7
Query = Callable[[Snapshot], Any]


def queries(end_us: int) -> dict[str, tuple[Query, float]]:
    """Name -> (query, the bound of its warm time at 10 million in seconds)."""
    end_hour = end_us // _HOUR_US + 1
    everything = Selection(end_hour - 24 * 61, end_hour)
    week = Selection(end_hour - 168, end_hour)
    week_before = Selection(end_hour - 336, end_hour - 168)
    hour = Selection(end_hour - 400, end_hour - 399)
    one = everything.of([3])

    def find(snapshot: Snapshot, keep: RequestFilter) -> Any:
        return requests(snapshot, one, keep=keep)

    return {
        "overview, 7 days": (
            lambda s: overview(s, week, now_us=end_us, today_us=midnight_us(end_us, UTC)),
            0.1,
        ),
        "overview, 60 days": (
            lambda s: overview(s, everything, now_us=end_us, today_us=midnight_us(end_us, UTC)),
            0.1,
        ),
        "daily utilization": (lambda s: daily(s, everything, UTC), 0.1),
        "hourly utilization": (lambda s: hourly(s, everything, UTC), 0.1),
        "hourly load of an endpoint": (lambda s: hourly(s, one, UTC), 0.1),
        "multi-version utilization": (lambda s: version_share(s, everything, 100), 0.1),
        "API performance": (lambda s: distributions(s, everything, ("endpoint_id",)), 0.1),
        "per-version performance": (lambda s: distributions(s, one, ("version_id",)), 0.1),
        "status codes": (lambda s: status_codes(s, one), 0.1),
        "users by version": (lambda s: by_caller(s, 3, USER), 0.1),
        "addresses by version": (lambda s: by_caller(s, 3, ADDRESS), 0.1),
        "per-user performance": (lambda s: caller_distributions(s, 3, USER), 0.1),
        "report, week against week": (lambda s: report(s, week_before, week), 0.5),
        "requests of an hour": (lambda s: requests(s, hour.of([3]), limit=100), 0.05),
        "requests of a user": (lambda s: find(s, RequestFilter(group_by="user150")), 0.3),
        "requests of nobody": (lambda s: find(s, RequestFilter(group_by="nobody")), 0.3),
        "requests of an address": (lambda s: find(s, RequestFilter(ip="10.0.9.9")), 0.3),
    }


def last_us(path: Path) -> int:
    """When the newest request of a prepared database began."""
    store = Store(f"sqlite:///{path}")
    with Reader(store).snapshot() as snapshot:
        page = requests(snapshot, Selection(), limit=1)
    store.close()
    moment = page.requests[0].time_requested
    return int(moment.replace(tzinfo=UTC).timestamp() * 1e6)


def once(path: Path, name: str, end_us: int) -> float:
    """Seconds of one run of a query on a new snapshot."""
    store = Store(f"sqlite:///{path}")
    with Reader(store).snapshot() as snapshot:
        began = time.perf_counter()
        queries(end_us)[name][0](snapshot)
        took = time.perf_counter() - began
    store.close()
    return took


def warm(path: Path, name: str, end_us: int) -> float:
    """Median seconds, with the connection and the cache warm."""
    store = Store(f"sqlite:///{path}")
    reader, query = Reader(store), queries(end_us)[name][0]
    found = []
    for _ in range(_WARM + 1):
        began = time.perf_counter()
        with reader.snapshot() as snapshot:
            query(snapshot)
        found.append(time.perf_counter() - began)
    store.close()
    return statistics.median(found[1:])


def fresh(path: Path, name: str, end_us: int) -> float:
    """Seconds in a process of its own."""
    command = [sys.executable, "-m", "tests.benchmarks.queries", "--once", name, str(path)]
    done = subprocess.run(
        [*command, str(end_us)], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return float(done.stdout)


FMD = """
import json, sys, time
from flask import Flask
import flask_monitoringdashboard as dashboard
dashboard.config.database_name = sys.argv[1]
app = Flask(__name__)
app.secret_key = "x"
dashboard.bind(app)
client = app.test_client()
client.post("/dashboard/login", data={"name": "admin", "password": sys.argv[2]})
found = {}
for name, path, body in json.loads(sys.argv[3]):
    began = time.perf_counter()
    answer = (client.get("/dashboard/api/" + path) if body is None
              else client.post("/dashboard/api/" + path, json=body))
    assert answer.status_code == 200, (path, answer.status_code)
    found[name] = time.perf_counter() - began
print("RESULT" + json.dumps(found))
"""


def original(out: Report, path: Path, end_us: int) -> None:
    """What FMD 5.1.0 takes on the same database."""
    import shutil

    from otel_fmd.people.setup import prepare_first_user
    from tests.integration.test_original_fmd import PASSWORD

    python = BUILD / "fmd" / "bin" / "python"
    if not python.exists():
        print("FMD 5.1.0 is not installed in build/fmd; `make test` installs it")
        return
    copy = path.with_name("fmd-original.db")
    shutil.copy(path, copy)
    store = Store(f"sqlite:///{copy}")
    prepare_first_user(store, "admin", PASSWORD)
    store.close()
    end_s = end_us // 1_000_000
    week = 7 * 86_400
    asked = [
        ("overview, 7 days", "overview", None),
        (
            "report, week against week",
            "reporting/make_report/intervals",
            {
                "interval": {"from": end_s - week, "to": end_s},
                "baseline_interval": {"from": end_s - 2 * week, "to": end_s - week},
            },
        ),
        ("hourly load of an endpoint", "hourly_load/2026-09-01/2026-11-30/3", None),
    ]
    done = subprocess.run(
        [str(python), "-c", FMD, f"sqlite:///{copy}", PASSWORD, json.dumps(asked)],
        capture_output=True,
        text=True,
        check=False,
    )
    copy.unlink()
    lines = [line for line in done.stdout.splitlines() if line.startswith("RESULT")]
    if not lines:
        print("FMD 5.1.0 failed:", done.stderr[-500:])
        return
    for name, seconds in json.loads(lines[0].removeprefix("RESULT")).items():
        out.row(query=name, rows="1M, FMD 5.1.0", seconds=seconds)


def main() -> None:
    """Both sizes."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--once", nargs=3)
    options = parser.parse_args()
    if options.once:
        name, path, end_us = options.once
        print(once(Path(path), name, int(end_us)))
        return
    small, large = (20_000, 100_000) if options.quick else (1_000_000, 10_000_000)
    out = Report("queries")
    paths = {number: prepared(number) for number in (small, large)}
    ends = {number: last_us(path) for number, path in paths.items()}
    for name, (_, bound) in queries(ends[large]).items():
        times = {number: warm(path, name, ends[number]) for number, path in paths.items()}
        cold = fresh(paths[large], name, ends[large])
        out.row(
            query=name,
            small_ms=times[small] * 1e3,
            large_ms=times[large] * 1e3,
            fresh_ms=cold * 1e3,
        )
        out.at_most(f"{name}, seconds warm", times[large], bound)
        allowed = max(times[small] * 1.5, times[small] + 0.05)
        out.at_most(f"{name}, seconds warm after growing tenfold", times[large], allowed)
    original(out, paths[small], ends[small])
    out.write()


if __name__ == "__main__":
    main()
