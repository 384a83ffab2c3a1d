"""What `/api/v1` adds to its queries, and how fast and in how much memory requests are exported.

Each route is called in this process (no sockets), in turn with the views that it is made from, at
ten million requests; the export is read from a real server.

`python -m tests.benchmarks.api [--quick] [--only routes|exports]`
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import requests

from dash_app.app import create_app
from otel_fmd.actions.tokens import add_token
from otel_fmd.config import Settings
from otel_fmd.people.actor import OPERATOR
from otel_fmd.queries.snapshot import Reader
from otel_fmd.serve import quiet_garbage_collector
from otel_fmd.store.schema import ensure_schema
from otel_fmd.store.store import Store
from otel_fmd.store.times import now_us
from otel_fmd.views.api.look import ApiLook
from otel_fmd.views.load import load
from otel_fmd.views.look import NO_PROCESS, zone_of
from otel_fmd.web.api import PATH
from otel_fmd.web.api.api import ROUTES
from otel_fmd.web.api.route import Route
from tests.benchmarks.load import prepared
from tests.benchmarks.report import Report
from tests.support.requirements import BUILD
from tests.support.serving import Served

_ROUNDS = 15
_MOST_MS = 3.0
_MOST_MIB = 64.0
_ENDPOINT = "3"


def timed(function: Callable[[], Any]) -> float:
    """Milliseconds of one call."""
    began = time.perf_counter()
    function()
    return (time.perf_counter() - began) * 1e3


def routes(report: Report, path: Path) -> None:
    """Each route beside its query, in turns."""
    store = Store(f"sqlite:///{path}")
    ensure_schema(store)
    secret = add_token(OPERATOR, store, f"benchmark {time.time_ns()}", ["admin"], None)
    reader = Reader(store)
    client = create_app(store, Settings(), NO_PROCESS).test_client()
    headers = {"Authorization": f"Bearer {secret}"}
    newest = client.get(f"{PATH}/requests?range=90d&limit=1", headers=headers).json["items"][0]
    quiet_garbage_collector()
    values = {"endpoint": _ENDPOINT, "request": newest["id"]}
    worst = 0.0
    for route in ROUTES:
        if route.method != "GET" or route.rule.endswith(("/export", "/profile")):
            continue
        rule = PATH + route.rule
        for name, value in values.items():
            rule = rule.replace(f"<{name}>", value)
        takes_range = any(one.name == "range" for one in route.parameters)
        query = "?range=90d" if takes_range else ""

        def answer(address: str = rule + query) -> int:
            found = client.get(address, headers=headers)
            assert found.status_code == 200, (address, found.text[:200])
            return len(found.data)

        given = {name: value for name, value in values.items() if f"<{name}>" in route.rule}

        def asked(
            route: Route = route,
            given: dict[str, str] = given,
            takes_range: bool = takes_range,
        ) -> None:
            load(reader, look_of(given, takes_range), route.views)

        size = answer()
        asked()
        pairs = [(timed(answer), timed(asked)) for _ in range(_ROUNDS)]
        # The least of each: whatever else the machine does only adds to them.
        added = min(one for one, _ in pairs) - min(two for _, two in pairs)
        worst = max(worst, added)
        report.row(
            route=route.rule,
            ms=statistics.median(one for one, _ in pairs),
            query_ms=statistics.median(two for _, two in pairs),
            added_ms=added,
            kib=size / 1024,
        )
    report.at_most("a route more than its query, ms", worst, _MOST_MS)
    store.close()


def look_of(values: dict[str, str], takes_range: bool) -> ApiLook:
    """The look that such a call has."""
    return ApiLook(
        actor=replace(OPERATOR, name="benchmark"),
        query={"range": "90d"} if takes_range else {},
        parameters=values,
        zone=zone_of("UTC"),
        now_us=now_us(),
        settings=Settings(),
    )


def exports(report: Report, path: Path, rows: int) -> None:
    """All requests as CSV, and a tenth of them in the other formats."""
    store = Store(f"sqlite:///{path}")
    secret = add_token(OPERATOR, store, f"export {time.time_ns()}", ["read"], None)
    store.close()
    served = Served(f"sqlite:///{path}")
    try:
        process = psutil.Process(served.process.pid)
        for name, most in (("csv", rows), ("jsonl", rows // 10), ("parquet", rows // 10)):
            seen = _Peak(process)
            began = time.perf_counter()
            count, size = streamed(f"{served.dashboard}{PATH}", secret, name, most, seen.begin)
            took = time.perf_counter() - began
            grown = seen.grown() / 2**20
            report.row(
                export=name,
                rows=count,
                rows_per_second=count / took,
                mib=size / 2**20,
                memory_grown_mib=grown,
            )
            report.at_most(f"memory that {name} takes after its begin, MiB", grown, _MOST_MIB)
    finally:
        served.stop()


def streamed(
    base: str, secret: str, name: str, most: int, begun: Callable[[], None]
) -> tuple[int, int]:
    """Read an export until so many rows were seen, or to its end; rows and bytes."""
    headers = {"Authorization": f"Bearer {secret}", "Accept-Encoding": "identity"}
    query = {"format": name, "range": "90d"}
    rows = size = 0
    with requests.get(
        f"{base}/requests/export", params=query, headers=headers, stream=True, timeout=600
    ) as answer:
        answer.raise_for_status()
        for part in answer.iter_content(2**18):
            if not size:
                begun()
            size += len(part)
            # A Parquet file has its number of rows at its end: as many bytes a row as measured.
            rows += part.count(b"\n") if name != "parquet" else 0
            if (rows or size // 60) >= most:
                break
    return rows or size // 60, size


class _Peak:
    """How much memory a process took at the most since its answer began."""

    def __init__(self, process: psutil.Process) -> None:
        self._process, self._goes_on = process, True
        self._first = self._most = process.memory_info().rss
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def begin(self) -> None:
        """The first part has come: what libraries take once does not count."""
        self._first = self._most = self._process.memory_info().rss

    def _watch(self) -> None:
        while self._goes_on:
            self._most = max(self._most, self._process.memory_info().rss)
            time.sleep(0.02)

    def grown(self) -> int:
        """Stop watching; the bytes."""
        self._goes_on = False
        self._thread.join()
        return self._most - self._first


def main() -> None:
    """Both tables."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", default="", choices=("routes", "exports"))
    options = parser.parse_args()
    rows = 100_000 if options.quick else 10_000_000
    report = Report("api")
    with tempfile.TemporaryDirectory(dir=BUILD) as folder:
        path = Path(folder) / "fmd.db"
        shutil.copy(prepared(rows), path)
        if options.only != "exports":
            routes(report, path)
        if options.only != "routes":
            exports(report, path, rows)
    report.write()


if __name__ == "__main__":
    main()
