"""Log records on every engine: which are kept, in what form, and once."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from sqlalchemy import select

from otel_fmd.analysis.outliers import OutlierRule
from otel_fmd.ingest.batch import Batch
from otel_fmd.ingest.log_batches import LogBatches, LogLimits
from otel_fmd.ingest.write import BatchWriter, Written
from otel_fmd.otlp.logs_json import decode_json
from otel_fmd.otlp.logs_protobuf import decode_protobuf
from otel_fmd.store.store import Store
from otel_fmd.upkeep.retention import Ages, Retention
from tests.support.logs import SPAN, START_NS, TRACE, log, logs_body
from tests.support.spans import Spans
from tests.unit.ingest.test_write import requests_of
from tests.unit.otlp.test_logs import as_json


def batch_of(*records: LogRecord, limits: LogLimits | None = None, **resource: Any) -> Batch:
    """The batch of a body."""
    body = logs_body(*records, **resource).SerializeToString()
    return LogBatches(limits).of_records(decode_protobuf(body).found)


def write(store: Store, batch: Batch) -> Written:
    """Store a batch as another process would."""
    return BatchWriter(store, OutlierRule()).write(batch)


def rows(store: Store) -> list[Any]:
    """What is stored, the earliest first."""
    table = store.tables.log_record
    with store.read() as connection:
        return list(connection.execute(select(table).order_by(table.c.id)).all())


def test_records_of_sampled_traces_and_severe_ones_are_kept() -> None:
    """The others are counted, and the sender is told."""
    batch = batch_of(
        log("debug", 5),
        log("warn", 13),
        log("of a trace", 5, trace_id=TRACE, span_id=SPAN),
        log("of an unsampled trace", 9, trace_id=TRACE, sampled=False),
    )
    assert [one.body() for one in batch.records] == ["warn", "of a trace"]
    assert batch.counts == {"records_not_kept": 2, "records_dropped": 0}
    assert batch.warning == (
        "2 log records were not kept: they are below WARN (OTEL_FMD_KEEP_LOG_SEVERITY) and of no "
        "sampled trace"
    )
    everything = batch_of(log("debug", 5), limits=LogLimits(severity="TRACE"))
    assert (len(everything.records), everything.warning) == (1, "")


def test_a_request_and_a_minute_have_bounds() -> None:
    """What is above is dropped and counted; other requests are not affected."""
    limits = LogLimits(per_request=3, per_minute=8)
    other = bytes(reversed(TRACE))
    many = [log(str(n), trace_id=TRACE, at_ns=START_NS + n) for n in range(5)]
    more = [log(str(n), trace_id=other, at_ns=START_NS + n) for n in range(3)]
    errors = [log(str(n), 17, at_ns=START_NS + n) for n in range(5)]
    batch = batch_of(*many, *more, *errors, limits=limits)
    assert len(batch.records) == 8
    assert batch.counts == {"records_not_kept": 0, "records_dropped": 5}
    assert "more than 3 of a request" in batch.warning


def test_a_record_is_stored_once(store: Store) -> None:
    """Whatever is sent again, in whichever encoding and company; the others are new."""
    first = [log(f"line {n}", 13, at_ns=START_NS + n * 1000) for n in range(5)]
    assert write(store, batch_of(*first)).records == 5
    written = write(store, batch_of(*first))
    assert (written.records, written.records_duplicates) == (0, 5)
    found = decode_json(as_json(logs_body(*first, log("new", 17)))).found
    written = write(store, Batch(records=found))
    assert (written.records, written.records_duplicates) == (1, 5)
    assert sorted(row.body for row in rows(store)) == [*(f"line {n}" for n in range(5)), "new"]


def test_records_of_one_moment_are_all_there(store: Store) -> None:
    """Also those whose ids are the same at first, in one batch and in several."""
    many = [log(f"at once {n}", 13) for n in range(300)]
    assert write(store, batch_of(*many[:150])).records == 150
    assert write(store, batch_of(*many)).records == 150
    assert {row.body for row in rows(store)} == {f"at once {n}" for n in range(300)}


def test_a_row_has_what_was_said_without_secrets(store: Store) -> None:
    """In bodies and attributes; large ones are cut, maps are JSON."""
    write(
        store,
        batch_of(
            log("password=hunter22 for ana", 13, api_key="sk-12345678", n=3, ok="yes"),
            log({"token": "abcdefgh", "a": 1}, 17, at_ns=START_NS + 1000),
            log("x" * 100_000, 17, at_ns=START_NS + 2000, trace_id=TRACE, span_id=SPAN),
            log("nul \x00", 17, at_ns=START_NS + 3000, event_name="exception"),
        ),
    )
    first, second, third, fourth = rows(store)
    assert "hunter22" not in first.body
    assert "ana" in first.body
    attributes = json.loads(first.attributes)
    assert attributes == {"api_key": "[redacted]", "n": 3, "ok": "yes"}
    assert (first.severity, first.logger, first.trace_id) == (13, "shop.views", None)
    assert json.loads(second.body) == {"token": "[redacted]", "a": 1}
    assert len(third.body) == 8_192
    assert (bytes(third.trace_id), bytes(third.span_id)) == (TRACE, SPAN)
    assert (fourth.body, fourth.event) == ("nul \ufffd", "exception")
    assert first.time_us == START_NS // 1000


def test_records_and_requests_are_one_transaction(store: Store) -> None:
    """A batch of both, sent twice."""
    requests = requests_of(Spans(3).many(4))
    records = batch_of(log("warn", 13)).records
    for expected in ((4, 1), (0, 0)):
        written = write(store, Batch(requests, records=records))
        assert (written.stored, written.records) == expected


def test_several_writers_store_a_record_once(store: Store) -> None:
    """At the same time."""
    found: list[Written] = []
    records = [log(f"line {n}", 13, at_ns=START_NS + n * 1000) for n in range(50)]

    def run() -> None:
        found.append(write(store, batch_of(*records)))

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(one.records for one in found) == 50 == len(rows(store))


def test_old_records_are_pruned(store: Store) -> None:
    """By their own age, or with the requests."""
    day_ns = 86_400_000_000_000
    for days in (1, 5, 20):
        write(store, batch_of(log(f"{days} days", 13, at_ns=START_NS - days * day_ns)))
    retention, at_us = Retention(store), START_NS // 1000
    assert retention.prune(Ages(requests=10), at_us) == {"logs": 1}
    assert retention.prune(Ages(logs=3, requests=10), at_us) == {"logs": 1}
    assert [row.body for row in rows(store)] == ["1 days"]
    assert retention.delete_oldest("logs", store.tables.log_record, 1) == 1


@pytest.mark.parametrize("severity", ["INFO", "ERROR"])
def test_what_an_exception_is_stays_known(severity: str) -> None:
    """The records of a batch are the neutral ones, with attributes for whoever needs them."""
    batch = batch_of(
        log("failed", 17, exception__type="ValueError", exception__stacktrace="Traceback"),
        log("plain", 17),
        limits=LogLimits(severity=severity),
    )
    assert [one.is_exception for one in batch.records] == [True, False]
    assert batch.records[0].attributes({"exception.type"}) == {"exception.type": "ValueError"}
