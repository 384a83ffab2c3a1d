"""CPU that storing a span takes, against a floor measured in turns with it."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
import time
from pathlib import Path

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from otel_fmd.analysis.outliers import OutlierRule
from otel_fmd.ingest.batch import Batch
from otel_fmd.ingest.endpoint_counts import EndpointCounts
from otel_fmd.ingest.write import BatchWriter
from otel_fmd.otlp.spans_protobuf import decode_protobuf
from otel_fmd.requests.translator import Translator
from otel_fmd.rollups.fold import DeltaFolder
from otel_fmd.serve import quiet_garbage_collector
from otel_fmd.store.schema import ensure_schema
from otel_fmd.store.store import Store
from tests.benchmarks.batches import SPANS, bodies
from tests.benchmarks.load import prepared
from tests.benchmarks.report import Report, quartiles
from tests.support.requirements import BUILD

_FOLD_EVERY, _WHO_EVERY = 64, 192


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
            "span BLOB, time_to_first_byte FLOAT)"
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
                            None,
                        )
                    )
        self._connection.execute("BEGIN IMMEDIATE")
        self._connection.executemany("INSERT INTO floor VALUES (?,?,?,?,?,?,?,?,?,?,?)", rows)
        self._connection.execute("COMMIT")


class Ours:
    """The real way: decode, translate, write, judge, count, and fold as a receiver does."""

    def __init__(self, path: Path) -> None:
        store = Store(f"sqlite:///{path}")
        ensure_schema(store)
        self._translator = Translator()
        self._writer = BatchWriter(store, OutlierRule(), counts=EndpointCounts())
        self._folder = DeltaFolder(store)
        self._stored = 0

    def store(self, data: bytes) -> None:
        """One batch, and the folding when its time has come."""
        requests_ = self._translator.translate(decode_protobuf(data).spans).requests
        self._writer.write(Batch(requests_))
        self._stored += 1
        if self._stored % _FOLD_EVERY == 0:
            self._folder.fold(_FOLD_EVERY)
        if self._stored % _WHO_EVERY == 0:
            self._folder.fold_callers(_WHO_EVERY)


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
    report.at_most("ingest cost, times the floor", quartiles(ratios)[1], 1.6)
