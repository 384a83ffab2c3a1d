"""Exceptions of a batch: counted exactly, kept as far as needed, in the batch's transaction."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from sqlalchemy import select

from otel_fmd.ingest.batch import Batch
from otel_fmd.ingest.log_batches import LogBatches
from otel_fmd.otlp.logs_protobuf import decode_protobuf as decode_logs
from otel_fmd.queries.exceptions import exception_groups, stack_frames
from otel_fmd.queries.snapshot import Reader
from otel_fmd.requests.translator import Translator
from otel_fmd.rollups.exceptions import ExceptionCompactor
from otel_fmd.store.exceptions import NO_ENDPOINT
from otel_fmd.store.store import Store
from tests.support.logs import log, logs_body
from tests.support.raising import (
    attributes_of,
    batch_of,
    place_an_order,
    raised,
    read_a_file,
    with_exception,
)
from tests.support.spans import Spans, attribute, flask_attributes
from tests.unit.ingest.test_write import count, writer

INTERNAL = 1
DAY_NS = 86_400_000_000_000


def rows(store: Store, name: str) -> list[Any]:
    """All rows of a table."""
    with store.read() as connection:
        return list(connection.execute(select(getattr(store.tables, name))))


def counted(store: Store) -> int:
    """How many exceptions are counted."""
    return sum(int(row[6]) for row in rows(store, "exception_count"))


def within(made: Spans, outer: Span) -> Span:
    """A span within another."""
    return made.span(
        kind=INTERNAL, trace_id=outer.trace_id, parent_span_id=outer.span_id, name="work"
    )


def logged(error: BaseException, span: Span, severity: int = 17) -> Batch:
    """The batch of a body with one log record of an exception, in a span."""
    record = log(
        "failed",
        severity,
        at_ns=span.end_time_unix_nano,
        trace_id=span.trace_id,
        span_id=span.span_id,
        **attributes_of(error),
    )
    data = logs_body(record).SerializeToString()
    return LogBatches(translator=Translator()).of_records(decode_logs(data).found)


def test_a_request_that_fails_is_an_occurrence_of_a_group(store: Store) -> None:
    """FMD's tables have type, message, frames and request; ours the group and its count."""
    span = Spans().span(
        flask_attributes("/order", **{"http.status_code": 500, "enduser.id": "Ana"})
    )
    writer(store).write(batch_of([with_exception(span, raised(place_an_order, 7))]))
    (occurrence,) = rows(store, "exception_occurrence")
    (request,) = rows(store, "request")
    (group,) = rows(store, "exception_group")
    (user,) = rows(store, "exception_user")
    assert occurrence.request_id == request.id
    assert occurrence.time_us == span.end_time_unix_nano // 1000
    assert not occurrence.is_user_captured
    assert (group.type, group.message) == ("ValueError", "order <int> is empty")
    assert group.culprit.endswith("raising.py in place_an_order")
    assert user.name == "Ana"
    assert counted(store) == 1
    with Reader(store).snapshot() as snapshot:
        (fmd,) = exception_groups(snapshot, request.endpoint_id, 0, 10)
        frames = stack_frames(snapshot, [fmd.stack_trace_id])[fmd.stack_trace_id]
    assert (fmd.type, fmd.message, fmd.occurrences) == ("ValueError", "order 7 is empty", 1)
    assert frames[0].function_name == "place_an_order"
    assert frames[0].file_path.endswith("tests/support/raising.py")


def test_a_body_sent_again_counts_nothing_twice(store: Store) -> None:
    """Neither exceptions of requests, nor those of spans without one."""
    made = Spans()
    spans = [
        with_exception(made.span(), raised(place_an_order, 1)),
        with_exception(made.span(kind=INTERNAL), raised(read_a_file, "a")),
    ]
    one, other = writer(store), writer(store)
    one.write(batch_of(spans))
    one.write(batch_of(spans))
    other.write(batch_of(spans))
    assert counted(store) == 2
    assert count(store, "exception_occurrence") == 2
    assert count(store, "received_body") == 1


def test_an_exception_that_passes_several_spans_counts_once(store: Store) -> None:
    """It belongs to the request, if its span is in the same body."""
    made = Spans()
    error = raised(place_an_order, 3)
    entry = with_exception(made.span(), error)
    child = with_exception(within(made, entry), error)
    inner = with_exception(within(made, child), error)
    writer(store).write(batch_of([inner, child, entry]))
    (occurrence,) = rows(store, "exception_occurrence")
    (request,) = rows(store, "request")
    assert occurrence.request_id == request.id
    assert counted(store) == 1


def test_a_request_that_comes_after_its_exceptions_gets_them(store: Store) -> None:
    """Its children came in an earlier body: occurrence and count move to its endpoint."""
    made = Spans()
    error = raised(place_an_order, 3)
    entry = with_exception(made.span(), error)
    child = with_exception(within(made, entry), error)
    one = writer(store)
    one.write(batch_of([child]))
    assert {row.endpoint_id for row in rows(store, "exception_count")} == {NO_ENDPOINT}
    one.write(batch_of([entry]))
    (occurrence,) = rows(store, "exception_occurrence")
    (request,) = rows(store, "request")
    assert occurrence.request_id == request.id
    assert occurrence.endpoint_id == request.endpoint_id
    assert counted(store) == 1
    per_endpoint: dict[int, int] = {}
    for row in rows(store, "exception_count"):
        per_endpoint[row.endpoint_id] = per_endpoint.get(row.endpoint_id, 0) + row[6]
    assert per_endpoint == {NO_ENDPOINT: 0, request.endpoint_id: 1}


def test_the_same_failure_of_several_spans_counts_for_each(store: Store) -> None:
    """Three attempts side by side, in one trace, with the same words: three exceptions."""
    made = Spans()
    entry = made.span()
    attempts = [with_exception(within(made, entry), raised(place_an_order, 3)) for _ in range(3)]
    writer(store).write(batch_of([*attempts, entry]))
    assert counted(store) == 3
    assert {row.request_id for row in rows(store, "exception_occurrence")} == {
        row.id for row in rows(store, "request")
    }


@pytest.mark.parametrize("order", ["span first", "log first", "both twice"])
def test_a_log_record_of_an_exception_that_a_span_tells_of_counts_no_more(
    store: Store, order: str
) -> None:
    """Flask logs what it raises; spans and log records come in separate bodies, in any order."""
    entry = with_exception(Spans().span(), raised(place_an_order, 3))
    bodies = [batch_of([entry]), logged(raised(place_an_order, 3), entry)]
    if order == "log first":
        bodies.reverse()
    one = writer(store)
    for body in bodies * (2 if order == "both twice" else 1):
        one.write(body)
    assert counted(store) == 1
    (occurrence,) = rows(store, "exception_occurrence")
    (request,) = rows(store, "request")
    assert occurrence.request_id == request.id
    assert not occurrence.is_user_captured


def test_log_records_alone_tell_of_exceptions(store: Store) -> None:
    """Errors, once each however often the body comes; warnings were expected."""
    span = Spans().span()
    one = writer(store)
    for severity in (17, 17, 13, 9):
        one.write(logged(raised(place_an_order, 3), span, severity))
    assert counted(store) == 1
    other = Spans(5).span()
    one.write(logged(raised(read_a_file, "a"), other, 21))
    assert counted(store) == 2
    assert {row.is_user_captured for row in rows(store, "exception_occurrence")} == {True}


@pytest.mark.parametrize("kind", [0, 1, 3, 4, 5])
def test_exceptions_of_spans_of_every_kind_count(store: Store, kind: int) -> None:
    """Clients and producers fail, too."""
    span = with_exception(Spans().span(kind=kind), raised(place_an_order, 3))
    writer(store).write(batch_of([span]))
    assert counted(store) == 1


def test_each_service_of_a_trace_has_its_own(store: Store) -> None:
    """One that calls another: what failed in the second belongs to its request."""
    made = Spans()
    first = made.span(flask_attributes("/first"))
    second = made.span(flask_attributes("/second"), trace_id=first.trace_id)
    child = with_exception(within(made, second), raised(place_an_order, 3))
    one = writer(store)
    one.write(batch_of([first], service="a"))
    one.write(batch_of([child, second], service="b"))
    (occurrence,) = rows(store, "exception_occurrence")
    names = {row.id: row.name for row in rows(store, "endpoint")}
    assert names[occurrence.endpoint_id] == "GET /second"


def test_a_handled_exception_finds_its_request_in_a_later_body(store: Store) -> None:
    """The request itself does not tell of it: it went on."""
    made = Spans()
    entry = made.span(flask_attributes("/late", **{"enduser.id": "Ana"}))
    child = with_exception(within(made, entry), raised(place_an_order, 3))
    one = writer(store)
    one.write(batch_of([child]))
    one.write(batch_of([entry]))
    (occurrence,) = rows(store, "exception_occurrence")
    (request,) = rows(store, "request")
    assert occurrence.request_id == request.id
    per_endpoint = Counter[int]()
    for row in rows(store, "exception_count"):
        per_endpoint[row.endpoint_id] += row[6]
    assert +per_endpoint == {request.endpoint_id: 1}


def test_few_exceptions_are_known_again_in_another_body(store: Store) -> None:
    """A Collector that sends again may put them together otherwise."""
    made = Spans()
    spans = [with_exception(made.span(kind=INTERNAL), raised(place_an_order, n)) for n in range(4)]
    one, other = writer(store), writer(store)
    one.write(batch_of(spans[:2]))
    other.write(batch_of(spans[1:]))
    assert counted(store) == 4


def test_different_stack_traces_are_bounded(store: Store) -> None:
    """Of a loop in which each is another one: all count, and few are kept."""

    def at_depth(depth: int) -> None:
        if depth:
            at_depth(depth - 1)
        place_an_order(1)

    made, one = Spans(), writer(store)
    spans = [with_exception(made.span(), raised(at_depth, n % 60)) for n in range(400)]
    one.write(batch_of(spans))
    assert counted(store) == 400
    assert count(store, "exception_occurrence") <= 201
    assert count(store, "exception_group") == 1
    assert count(store, "exception_variant") <= 50


def test_what_nests_too_deeply_is_kept_as_a_text(store: Store) -> None:
    """The requests beside it are stored."""
    made = Spans()
    deep = "".join(
        f"{'  ' * n}+ Exception Group Traceback (most recent call last):\n"
        f"{'  ' * n}| ExceptionGroup: n (1 sub-exception)\n{'  ' * n}+-+---------------- 1 ----\n"
        for n in range(800)
    )
    span = made.span()
    event = span.events.add(name="exception", time_unix_nano=span.end_time_unix_nano)
    for name, value in (("type", "ExceptionGroup"), ("message", "n"), ("stacktrace", deep)):
        event.attributes.append(attribute(f"exception.{name}", value))
    writer(store).write(batch_of([span, *made.many(9)]))
    assert count(store, "request") == 10
    assert counted(store) == 1


SECRET = "hunter2hunter2"


@pytest.mark.parametrize(
    "message",
    [
        "x" * 9_985 + f" postgresql://bob:{SECRET}@db/x",
        f"failed [SQL: INSERT INTO users VALUES (?)] [parameters: ('{SECRET}',)]",
        f"Key (api_token)=({SECRET}) already exists",
    ],
    ids=["cut", "sqlalchemy", "postgresql"],
)
def test_secrets_are_hidden_wherever_a_text_is_cut(store: Store, message: str) -> None:
    """And where databases put them."""

    def fail() -> None:
        raise RuntimeError(message)

    span = with_exception(Spans().span(), raised(fail))
    writer(store).write(batch_of([span]))
    with store.read() as connection:
        for table in store.tables.metadata.sorted_tables:
            for row in connection.execute(select(table)):
                assert "hunter2" not in str(tuple(row)), table.name


def test_a_storm_is_counted_exactly_and_sampled(store: Store) -> None:
    """A loop that raises: every one counts, few are kept, in one group, whatever the message."""
    # At noon: all of it on one day.
    one, made = writer(store), Spans(0, 1_790_000_000_000_000_000 // DAY_NS * DAY_NS + DAY_NS // 2)
    errors = [raised(place_an_order, number) for number in range(40)]
    for _ in range(20):
        one.write(batch_of([with_exception(made.span(), error) for error in errors]))
    assert counted(store) == 800
    assert 20 <= count(store, "exception_occurrence") <= 22
    assert count(store, "exception_group") == count(store, "exception_variant") == 1
    compactor = ExceptionCompactor(store)
    before = count(store, "exception_count")
    compactor.compact((made._time_ns // 1000) + 3_600_000_000)
    assert counted(store) == 800
    assert count(store, "exception_count") < before
    compactor.compact((made._time_ns // 1000) + 100 * 86_400_000_000)
    assert counted(store) == 800
    assert count(store, "exception_count") == 1


def test_a_chain_is_kept_whole(store: Store) -> None:
    """Causes with their frames and messages; FMD's tables have the reported one's frames."""
    span = with_exception(Spans().span(), raised(read_a_file, "orders.csv"))
    writer(store).write(batch_of([span]))
    (trace,) = rows(store, "stack_trace")
    (occurrence,) = rows(store, "exception_occurrence")
    chain = json.loads(trace.chain)
    assert [(one["type"], one["relation"]) for one in chain["raised"]] == [
        ("RuntimeError", ""),
        ("KeyError", "cause"),
    ]
    assert chain["language"] == "python"
    assert json.loads(occurrence.details)["messages"] == [
        "cannot read orders.csv",
        "'orders.csv'",
    ]


def test_secrets_in_messages_and_code_are_hidden(store: Store) -> None:
    """Nothing of them reaches the database."""

    def connect(password: str) -> None:
        raise ConnectionError(f"cannot connect with password={password}")

    span = with_exception(Spans().span(), raised(connect, "hunter2hunter2"))
    writer(store).write(batch_of([span]))
    with store.read() as connection:
        for table in store.tables.metadata.sorted_tables:
            for row in connection.execute(select(table)):
                assert "hunter2" not in str(tuple(row)), table.name


def test_an_unknown_format_is_kept_whole(store: Store) -> None:
    """What cannot be parsed is shown as it came."""
    span = Spans().span()
    event = span.events.add(name="exception", time_unix_nano=span.end_time_unix_nano)
    values = {"exception.type": "Oops", "exception.stacktrace": "no idea\n at all\n"}

    for name, value in values.items():
        event.attributes.append(attribute(name, value))
    writer(store).write(batch_of([span], telemetry_sdk_language="brainfuck"))
    (trace,) = rows(store, "stack_trace")
    assert "no idea" in json.loads(trace.chain)["text"]
    assert [row.type for row in rows(store, "exception_group")] == ["Oops"]
