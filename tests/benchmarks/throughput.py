"""Spans acknowledged a second: SQLite, PostgreSQL, MariaDB, Galera; several receivers at once."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import grpc
import requests
from sqlalchemy import func, select

from otel_fmd.store.store import Store
from tests.benchmarks.batches import SPANS, bodies
from tests.benchmarks.report import Report
from tests.support.databases import Galera, MariaDb, PostgreSql, open_folder
from tests.support.serving import Served

_EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
_MOST = 4
"""Receivers at once."""
_TURNS = 3


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


class Throughput:
    """Measures, and reports; the batches are made once, each measurement has a new database.

    Args:
        report: where figures go.
        seconds: how long each measurement takes.
    """

    def __init__(self, report: Report, seconds: float) -> None:
        self._report = report
        self._seconds = seconds
        self._sets = [bodies(int(seconds * 90) + 10, 10_000 + n) for n in range(_MOST)]

    def measure(
        self, name: str, served: Sequence[Served], *, first: int = 0, use_grpc: bool = False
    ) -> float:
        """Acknowledged spans per second with one client a receiver, from the set `first` on."""
        began = time.monotonic()
        senders = [
            Sender(one, batches, began + self._seconds, use_grpc)
            for one, batches in zip(served, self._sets[first:], strict=False)
        ]
        for sender in senders:
            sender.start()
        for sender in senders:
            sender.join()
        rate = sum(sender.acknowledged for sender in senders) / (time.monotonic() - began)
        self._report.row(
            what=name,
            receivers=len(served),
            spans_per_s=rate,
            rss_mib=max(one.rss_mib() for one in served),
            deltas_waiting=pending(served[0].database_url),
        )
        return rate

    def sqlite(self, folder: Path) -> None:
        """HTTP, and gRPC."""
        for number in (1, 2, 4):
            with receivers([f"sqlite:///{folder / f'{number}.db'}"] * number) as served:
                self.measure("sqlite", served)
                if number == 1:
                    self.measure("sqlite over gRPC", served, first=1, use_grpc=True)

    def postgresql(self, folder: Path) -> None:
        """With 10 ms before each commit, in turns: the machine's pace changes."""
        server = PostgreSql(folder)
        server.start("commit_delay=10000", "commit_siblings=0")
        ratios = []
        for turn in range(_TURNS):
            rates = {}
            for number in (1, 2, 4):
                url = server.url(f"b{turn}{number}")
                with receivers([url] * number) as served:
                    rates[number] = self.measure("postgresql, 10 ms before commit", served)
            ratios.append(rates[4] / rates[1])
        server.stop()
        self._report.at_least("postgresql, four receivers to one", statistics.median(ratios), 2.5)

    def mariadb(self, folder: Path) -> None:
        """As it comes."""
        server = MariaDb(folder)
        server.start()
        for number in (1, 2, 4):
            with receivers([server.url(f"b{number}")] * number) as served:
                self.measure("mariadb", served)
        server.stop()

    def galera(self, folder: Path) -> None:
        """Three nodes, a receiver a node."""
        cluster = Galera([folder / f"galera{n}" for n in range(3)])
        for number in (1, 2, 3):
            with receivers(cluster.urls(f"b{number}")[:number]) as served:
                self.measure("galera, a receiver a node", served)
        cluster.kill()


def pending(url: str) -> int:
    """Deltas that are not folded yet: few, because folding keeps up."""
    store = Store(url)
    with store.read() as connection:
        query = select(func.count()).select_from(store.tables.delta)
        found = int(connection.execute(query).scalar_one())
    store.close()
    return found


@contextmanager
def receivers(urls: Sequence[str]) -> Iterator[list[Served]]:
    """A receiver for each URL."""
    served = [Served(url, "--no-dashboard") for url in urls]
    yield served
    for one in served:
        one.stop()


def throughput(report: Report, seconds: float) -> None:
    """All engines."""
    measured = Throughput(report, seconds)
    with open_folder() as folder:
        measured.sqlite(folder)
        measured.postgresql(folder / "postgresql")
        measured.mariadb(folder / "mariadb")
        measured.galera(folder)
