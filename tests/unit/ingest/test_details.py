"""Outliers and profiles, written with the batch of their requests."""

from __future__ import annotations

import json
import zlib
from typing import Any

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from sqlalchemy import Row, event, select

from otel_fmd.analysis.outliers import OutlierRule
from otel_fmd.ingest import details
from otel_fmd.ingest.batch import Batch
from otel_fmd.ingest.write import LEVEL_OUTLIERS, LEVEL_PROFILES, BatchWriter
from otel_fmd.requests.profile import Profile, ProfileLine, profile_attributes
from otel_fmd.store.store import Store
from tests.support.spans import Spans, attribute, flask_attributes
from tests.unit.ingest.test_write import count, requests_of

LINES = [
    ProfileLine("shop.py", 5, "item", "def item(i):", 0, 40_500, 20_250),
    ProfileLine("shop.py", 6, "item", "row = load(i)", 1, 30_000, None),
    ProfileLine("shop.py", 5, "item", "def item(i):", 1, 1, 0),
]


def span_with(name: str, values: dict[str, Any], seed: int = 0, level: int = 3) -> Span:
    """A watched request with an event."""
    span = Spans(seed).span(flask_attributes(**{"fmd.monitor_level": level}))
    attributes = [attribute(key, value) for key, value in values.items()]
    span.events.add(name=name, time_unix_nano=span.end_time_unix_nano, attributes=attributes)
    return span


def profiled(profile: Profile, seed: int = 0) -> Span:
    """A request with a profile."""
    return span_with("fmd.profile", profile_attributes(profile), seed)


def writer(store: Store, level: int = LEVEL_PROFILES) -> BatchWriter:
    """Its endpoints are at that level unless an agent says another."""
    return BatchWriter(store, OutlierRule(), default_level=level)


def rows(store: Store, name: str) -> list[Row[Any]]:
    """All rows of a table, in the order of its keys."""
    table = getattr(store.tables, name)
    with store.read() as connection:
        return list(connection.execute(select(table).order_by(*table.primary_key.columns)))


def test_a_profile_is_stored_line_by_line(store: Store) -> None:
    """In milliseconds, in the order of the tree; each line of code once."""
    writer(store).write(Batch(requests_of([profiled(Profile(LINES, 8, 1_500, is_cut=True))])))
    (request,) = rows(store, "request")
    (profile,) = rows(store, "profile")
    assert (profile.request_id, profile.endpoint_id) == (request.id, request.endpoint_id)
    assert (profile.samples, profile.not_sampled, profile.is_cut) == (8, 1.5, True)
    codes = {row.id: row for row in rows(store, "code_line")}
    assert len(codes) == 2
    found = [
        (
            codes[row.code_id].filename,
            codes[row.code_id].line_number,
            codes[row.code_id].function_name,
            codes[row.code_id].code,
            row.indent,
            row.duration,
            row.cpu_duration,
        )
        for row in rows(store, "stack_line")
    ]
    assert found == [
        ("shop.py", 5, "item", "def item(i):", 0, 40.5, 20.25),
        ("shop.py", 6, "item", "row = load(i)", 1, 30.0, None),
        ("shop.py", 5, "item", "def item(i):", 1, 0.001, 0.0),
    ]
    assert [row.position for row in rows(store, "stack_line")] == [0, 1, 2]
    assert {row.request_id for row in rows(store, "stack_line")} == {request.id}


def test_lines_of_code_are_shared(store: Store) -> None:
    """By requests, batches and processes; another place or text is another line."""
    one = writer(store)
    for seed in range(3):
        one.write(Batch(requests_of([profiled(Profile(LINES, 8, 0, is_cut=False), seed)])))
    writer(store).write(Batch(requests_of([profiled(Profile(LINES, 8, 0, is_cut=False), 3)])))
    assert count(store, "code_line") == 2
    assert count(store, "stack_line") == 12
    line = LINES[0]
    others = [
        line._replace(filename="other.py"),
        line._replace(line_number=7),
        line._replace(function_name="other"),
        line._replace(code="other"),
    ]
    one.write(Batch(requests_of([profiled(Profile(others, 1, 0, is_cut=False), 4)])))
    assert count(store, "code_line") == 6
    lines = {row.id: row for row in rows(store, "code_line")}
    used = [lines[row.code_id] for row in rows(store, "stack_line")]
    places = [(row.filename, row.line_number, row.function_name, row.code) for row in used]
    assert sorted(places[-4:]) == sorted(tuple(other[:4]) for other in others)


def test_lines_that_are_known_are_not_looked_up(sqlite_store: Store) -> None:
    """A transaction makes them, the next one reads them, and then they are in memory."""
    one = writer(sqlite_store)
    asked: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if "CodeLine" in statement:
            asked.append(statement.split()[0])

    event.listen(sqlite_store.engine, "before_cursor_execute", note)
    try:
        found = []
        for seed in range(3):
            one.write(Batch(requests_of([profiled(Profile(LINES[:2], 8, 0, is_cut=False), seed)])))
            found.append(sorted(asked))
            asked.clear()
    finally:
        event.remove(sqlite_store.engine, "before_cursor_execute", note)
    assert found == [["INSERT", "INSERT", "SELECT", "SELECT"], ["SELECT", "SELECT"], []]


def test_a_line_that_does_not_fit_is_cut(store: Store) -> None:
    """Its file, function and text, each to 250 characters."""
    line = ProfileLine("f" * 300, 1, "g" * 300, "c" * 300, 0, 1, 1)
    for seed in range(3):
        writer(store).write(
            Batch(requests_of([profiled(Profile([line], 1, 0, is_cut=False), seed)]))
        )
    (found,) = rows(store, "code_line")
    assert [len(text) for text in (found.filename, found.function_name, found.code)] == [250] * 3
    assert found.filename.startswith("f" * 241 + "~")


def test_the_memory_for_lines_is_bounded(
    sqlite_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It begins anew when it is full, and finds the lines still."""
    monkeypatch.setattr(details, "_CACHE_LIMIT", 2)
    one = writer(sqlite_store)
    lines = [LINES[0]._replace(line_number=n) for n in range(5)]
    for seed, kept in enumerate((0, 1, 2)):
        one.write(Batch(requests_of([profiled(Profile(lines, 1, 0, is_cut=False), seed)])))
        assert len(one._details._codes) == kept
    assert count(sqlite_store, "code_line") == 5


def test_a_profile_that_cannot_be_read_costs_nothing_else(store: Store) -> None:
    """Its request is stored, and the profiles of others."""
    broken = span_with("fmd.profile", {"fmd.profile.data": b"no zlib"}, 1)
    whole = profiled(Profile(LINES, 8, 0, is_cut=False), 2)
    assert writer(store).write(Batch(requests_of([broken, whole]))).stored == 2
    assert count(store, "profile") == 1
    assert writer(store).write(Batch(requests_of([span_with("fmd.profile", {}, 3)]))).stored == 1
    assert count(store, "profile") == 1


@pytest.mark.parametrize(
    ("place", "number"), [(2, 10**12), (2, 10**30), (5, 10**12), (6, 2**63), (7, 10**400)]
)
def test_numbers_that_no_column_holds_cost_no_batch(store: Store, place: int, number: int) -> None:
    """Line, indent or duration: the request is stored with what fits."""
    columns: list[Any] = [["a.py", "f", "x"], [0], [5], [1], [2], [0], [10], [5]]
    columns[place] = [number]
    data = zlib.compress(json.dumps(columns).encode())
    values = {
        "fmd.profile.data": data,
        "fmd.profile.samples": 2**63 - 1,
        "fmd.profile.not_sampled_us": "9" * 400,
    }
    assert writer(store).write(Batch(requests_of([span_with("fmd.profile", values)]))).stored == 1
    (found,) = rows(store, "profile")
    assert (found.samples, bool(found.is_cut)) == (2**31 - 1, True)
    assert count(store, "stack_line") == 0


def test_an_outlier_of_an_agent_has_every_column(store: Store) -> None:
    """Each text of its event where FMD has it."""
    names = {
        "headers": "request_header",
        "environment": "request_environment",
        "url": "request_url",
        "cpu_percent": "cpu_percent",
        "memory": "memory",
        "stack": "stacktrace",
        "values": "request_values",
    }
    values = {f"fmd.outlier.{name}": f"the {name}" for name in names}
    found = writer(store).write(Batch(requests_of([span_with("fmd.outlier", values)])))
    assert found.outliers == 1
    (request,) = rows(store, "request")
    (outlier,) = rows(store, "outlier")
    assert (outlier.request_id, outlier.endpoint_id) == (request.id, request.endpoint_id)
    for name, column in names.items():
        assert getattr(outlier, column) == f"the {name}"


@pytest.mark.parametrize("level", range(4))
def test_an_endpoints_level_decides_what_is_kept(sqlite_store: Store, level: int) -> None:
    """Outliers from level 2 on, profiles at level 3, whatever a client sends."""
    one = BatchWriter(sqlite_store, OutlierRule(), default_level=level)
    spans = [
        span_with("fmd.outlier", {}, 1, level),
        span_with("fmd.profile", profile_attributes(Profile(LINES, 8, 0, is_cut=False)), 2, level),
    ]
    found = one.write(Batch(requests_of(spans)))
    assert found.stored == (2 if level else 0)
    assert found.outliers == count(sqlite_store, "outlier") == (level >= LEVEL_OUTLIERS)
    assert count(sqlite_store, "profile") == (level >= LEVEL_PROFILES)
