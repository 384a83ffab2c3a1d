"""What storing a span costs, how many a second are stored, and how much memory that takes.

`python -m tests.benchmarks.ingest [--quick]`
"""

from __future__ import annotations

import argparse
import random
import shutil
import sqlite3
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc
import requests
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from sqlalchemy import func, select

from otel_fmd.analysis.outliers import OutlierRule
from otel_fmd.database.fold import Folder
from otel_fmd.database.schema import ensure_schema
from otel_fmd.database.store import Store
from otel_fmd.database.write import BatchWriter
from otel_fmd.otlp.decode import decode_protobuf
from otel_fmd.serve import quiet_garbage_collector
from otel_fmd.spans.request import Translator
from tests.benchmarks.load import ADDRESSES, MEDIANS_MS, USERS, prepared
from tests.benchmarks.report import Report, quartiles
from tests.support.databases import Galera, MariaDb, PostgreSql
from tests.support.requirements import BUILD
from tests.support.serving import Served
from tests.support.spans import Spans, body, flask_attributes

SPANS = 512
_FOLD_EVERY, _WHO_EVERY = 64, 192
_EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"


def bodies(number: int, seed: int) -> list[bytes]:
    """Batches of 512 Flask server spans: 20 endpoints, 200 users, 100 addresses, few outliers."""
    found = []
    for index in range(number):
        makers = Spans(seed * 1_000_000 + index)
        chance = random.Random(seed * 1_000_000 + index)
        spans = [
            makers.span(
                flask_attributes(
                    f"/resource/{(n * 7 + index) % 20}",
                    **{
                        "enduser.id": USERS[(n * n + index) % 200],
                        "net.peer.ip": ADDRESSES[(n * 3 + index) % 100],
                    },
                ),
                duration_ms=chance.lognormvariate(0, 0.4)
                * MEDIANS_MS["shop", f"GET /resource/{(n * 7 + index) % 20}"],
            )
            for n in range(SPANS)
        ]
        found.append(body(spans, service="shop"))
    return found


class Floor:
    """Parse, read each attribute, insert the same row with one index: no less can be done."""

    def __init__(self, path: Path, rows_from: Path | None) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None)
        run = self._connection.execute
        run("PRAGMA journal_mode = WAL")
        run("PRAGMA synchronous = FULL")
        run(
            "CREATE TABLE floor (id INTEGER PRIMARY KEY, endpoint_id INTEGER, duration FLOAT, "
            "time TEXT, version TEXT, group_by TEXT, ip TEXT, status INTEGER, trace BLOB, "
            "span BLOB)"
        )
        if rows_from is not None:
            run(f"ATTACH '{rows_from}' AS big")
            run("INSERT INTO floor SELECT * FROM big.Request")
            run("DETACH big")
        run("CREATE INDEX floor_endpoint ON floor (endpoint_id)")
        self._next = 1 << 62

    def store(self, data: bytes) -> None:
        """One batch."""
        message = ExportTraceServiceRequest()
        message.ParseFromString(data)
        rows = []
        for resource_spans in message.resource_spans:
            for scope_spans in resource_spans.scope_spans:
                for span in scope_spans.spans:
                    values = {}
                    for kv in span.attributes:
                        value = kv.value
                        values[kv.key] = getattr(value, value.WhichOneof("value"))
                    self._next += 1
                    rows.append(
                        (
                            self._next,
                            self._next % 60,
                            (span.end_time_unix_nano - span.start_time_unix_nano) / 1e6,
                            "2026-01-01 00:00:00.000000",
                            "1.0",
                            values["enduser.id"],
                            values["net.peer.ip"],
                            values["http.status_code"],
                            span.trace_id,
                            span.span_id,
                        )
                    )
        self._connection.execute("BEGIN IMMEDIATE")
        self._connection.executemany("INSERT INTO floor VALUES (?,?,?,?,?,?,?,?,?,?)", rows)
        self._connection.execute("COMMIT")


class Ours:
    """The real way: decode, translate, write, judge, and fold as the pipeline does."""

    def __init__(self, path: Path) -> None:
        store = Store(f"sqlite:///{path}")
        ensure_schema(store)
        self._translator = Translator()
        self._writer = BatchWriter(store, OutlierRule())
        self._folder = Folder(store)
        self._stored = 0

    def store(self, data: bytes) -> None:
        """One batch, and the folding when its time has come."""
        requests_ = self._translator.translate(decode_protobuf(data).spans).requests
        self._writer.write(requests_)
        self._stored += 1
        if self._stored % _FOLD_EVERY == 0:
            self._folder.fold(_FOLD_EVERY)
        if self._stored % _WHO_EVERY == 0:
            self._folder.fold_who(_WHO_EVERY)


def cost(report: Report, rows: int, rounds: int) -> None:
    """CPU per span, ours against the floor, in turns."""
    source = prepared(rows)
    with tempfile.TemporaryDirectory(dir=BUILD) as folder:
        mine = Path(folder) / "ours.db"
        shutil.copy(source, mine)
        floor, ours = Floor(Path(folder) / "floor.db", source), Ours(mine)
        floors, ourses = [], []
        quiet_garbage_collector()
        for data in bodies(8, 999):
            floor.store(data)
            ours.store(data)
        for index in range(rounds):
            batches = bodies(_WHO_EVERY, index)
            for one, found in ((floor, floors), (ours, ourses)):
                began = time.process_time()
                for data in batches:
                    one.store(data)
                found.append((time.process_time() - began) / len(batches) / SPANS * 1e6)
    ratios = [a / b for a, b in zip(ourses, floors, strict=True)]
    for name, values in (("floor", floors), ("ours", ourses), ("ratio", ratios)):
        low, middle, high = quartiles(values)
        unit = "times" if name == "ratio" else "us of CPU a span"
        report.row(what=name, rows=rows, median=middle, q1=low, q3=high, unit=unit)
    report.at_most("ingest cost, times the floor", quartiles(ratios)[1], 1.8)


class Sender(threading.Thread):
    """One client of one receiver: a batch, its answer, the next batch."""

    def __init__(self, served: Served, batches: list[bytes], until: float, use_grpc: bool) -> None:
        super().__init__(daemon=True)
        self._served, self._batches, self._until = served, batches, until
        self._use_grpc = use_grpc
        self.acknowledged = 0

    def run(self) -> None:
        """Send until the time is over."""
        if self._use_grpc:
            with grpc.insecure_channel(self._served.grpc) as channel:
                self._loop(channel.unary_unary(_EXPORT))
        else:
            session = requests.Session()
            headers = {"Content-Type": "application/x-protobuf"}

            def post(data: bytes) -> None:
                session.post(self._served.traces, data, headers=headers).raise_for_status()

            self._loop(post)

    def _loop(self, send: object) -> None:
        for data in self._batches:
            if time.monotonic() > self._until:
                return
            send(data)  # type: ignore[operator]
            self.acknowledged += SPANS


_seed = iter(range(10_000, 10_000_000))


def throughput(
    report: Report, name: str, served: list[Served], seconds: float, *, use_grpc: bool = False
) -> float:
    """Acknowledged spans per second with one client a receiver."""
    sets = [bodies(int(seconds * 90) + 10, next(_seed)) for _ in served]
    began = time.monotonic()
    senders = [
        Sender(one, batches, began + seconds, use_grpc)
        for one, batches in zip(served, sets, strict=True)
    ]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    rate = sum(sender.acknowledged for sender in senders) / (time.monotonic() - began)
    memory = max(one.rss_mib() for one in served)
    waiting = pending(served[0].database_url)
    report.row(
        what=name, receivers=len(served), spans_per_s=rate, rss_mib=memory, deltas_waiting=waiting
    )
    return rate


def pending(url: str) -> int:
    """Deltas that are not folded yet: few, because folding keeps up."""
    store = Store(url)
    with store.read() as connection:
        query = select(func.count()).select_from(store.tables.delta)
        found = int(connection.execute(query).scalar_one())
    store.close()
    return found


@contextmanager
def receivers(url: str, number: int) -> Iterator[list[Served]]:
    """That many receivers on one database."""
    served = [Served(url, "--no-dashboard") for _ in range(number)]
    yield served
    for one in served:
        one.stop()


def memory(report: Report, rows: int, seconds: float) -> None:
    """Peak memory of `serve` with its dashboard at full load, pages being read."""
    from tests.support.serving import PASSWORD

    with tempfile.TemporaryDirectory(dir=BUILD) as folder:
        path = Path(folder) / "fmd.db"
        shutil.copy(prepared(rows), path)
        served = Served(f"sqlite:///{path}")
        # One batch after another keeps the receiver busy; the dashboard is asked meanwhile.
        senders = [
            Sender(
                served, bodies(int(seconds * 60), next(_seed)), time.monotonic() + seconds, False
            )
            for _ in range(4)
        ]
        for sender in senders:
            sender.start()
        peak = 0.0
        session = requests.Session()
        page = session.get(f"{served.dashboard}/login", timeout=30).text
        token = page.split('name="token" value="')[1].split('"')[0]
        form = {"username": "admin", "password": PASSWORD, "token": token}
        session.post(
            f"{served.dashboard}/login", form, headers={"Origin": served.dashboard}, timeout=30
        )
        paths = ("/", "/hourly", "/daily", "/versions", "/performance", "/endpoint/3/users")
        asked = 0
        while any(sender.is_alive() for sender in senders):
            peak = max(peak, served.rss_mib())
            route(session, served.dashboard, paths[asked % len(paths)])
            asked += 1
        rate = sum(sender.acknowledged for sender in senders) / seconds
        report.row(
            what="serve with dashboard", rows=rows, spans_per_s=rate, pages=asked, peak_rss_mib=peak
        )
        served.stop()
    report.at_most("peak RSS of serve with its dashboard, MiB", peak, 256.0)


def route(session: requests.Session, base: str, path: str) -> int:
    """Ask the dashboard's router for a page, as the browser does; the bytes of the answer."""
    outputs = ("content", "navigation", "controls")
    answer = session.post(
        f"{base}/_dash-update-component",
        json={
            "output": ".." + "...".join(f"{name}.children" for name in outputs) + "..",
            "outputs": [{"id": name, "property": "children"} for name in outputs],
            "inputs": [
                {"id": "url", "property": "pathname", "value": path},
                {"id": "url", "property": "search", "value": "?range=90d"},
            ],
            "changedPropIds": ["url.pathname"],
        },
        headers={"Origin": base},
        timeout=60,
    )
    answer.raise_for_status()
    return len(answer.content)


def main() -> None:
    """Everything; `--quick` at a hundredth of the size."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    rows, rounds, seconds = (100_000, 3, 3.0) if options.quick else (10_000_000, 9, 8.0)
    report = Report("ingest")

    def wanted(part: str) -> bool:
        return options.only in ("", part)

    if wanted("cost"):
        cost(report, rows, rounds)
    if wanted("throughput"):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            folder.chmod(0o755)
            for number in (1, 2, 4):
                with receivers(f"sqlite:///{folder / f'{number}.db'}", number) as served:
                    throughput(report, "sqlite", served, seconds)
                    if number == 1:
                        throughput(report, "sqlite over gRPC", served, seconds, use_grpc=True)
            server = PostgreSql(folder / "postgresql")
            server.start("commit_delay=10000", "commit_siblings=0")
            rates = {}
            for number in (1, 2, 4):
                with receivers(server.url(f"b{number}"), number) as served:
                    rates[number] = throughput(
                        report, "postgresql, 10 ms before commit", served, seconds
                    )
            server.stop()
            report.at_least("postgresql, four receivers to one", rates[4] / rates[1], 2.5)
            maria = MariaDb(folder / "mariadb")
            maria.start()
            for number in (1, 2, 4):
                with receivers(maria.url(f"b{number}"), number) as served:
                    throughput(report, "mariadb", served, seconds)
            maria.stop()
            folders = [folder / f"galera{n}" for n in range(3)]
            cluster = Galera(folders)
            for number in (1, 2, 3):
                urls = cluster.urls(f"b{number}")[:number]
                nodes = [Served(url, "--no-dashboard") for url in urls]
                throughput(report, "galera, a receiver a node", nodes, seconds)
                for node in nodes:
                    node.stop()
            cluster.kill()
    if wanted("memory"):
        memory(report, rows, seconds * 3)
    report.write()


if __name__ == "__main__":
    main()
