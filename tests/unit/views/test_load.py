"""Views are read at one place: for whom they are meant, what they obey, what stands in them."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from otel_fmd.actions.tokens import add_token
from otel_fmd.config import Settings
from otel_fmd.errors import NotAllowedError
from otel_fmd.ingest.log_batches import LogBatches
from otel_fmd.ingest.points import batch_of_points
from otel_fmd.otlp.logs_protobuf import decode_protobuf as decode_logs
from otel_fmd.otlp.points_protobuf import decode_protobuf
from otel_fmd.people.actor import NOBODY, OPERATOR, Actor, Role
from otel_fmd.people.sessions import Sessions
from otel_fmd.queries.snapshot import Reader
from otel_fmd.store.store import Store
from otel_fmd.views.catalogue import FOR_PROGRAMS, VIEWS
from otel_fmd.views.load import load
from otel_fmd.views.look import Look
from otel_fmd.views.view import Column, Table, View, csv_text
from tests.support.logs import log, logs_body
from tests.support.people import with_user
from tests.support.points import gauge, histogram, metrics_body
from tests.support.raising import batch_of, place_an_order, raised, with_exception
from tests.support.spans import Spans
from tests.unit.ingest.test_write import writer

ALL = (*VIEWS, *FOR_PROGRAMS)
GUEST = Actor("guest", Role.GUEST)
ANA = Actor("ana", Role.ADMIN)
WITHOUT_ROWS = {
    "reporting", "failed-requests", "outliers", "outlier-loads", "profiles", "grouped-profile",
    "refused", "endpoint-measured",
}  # fmt: skip
"""Views with nothing to show here: no request failed or has details, all are of now."""


class Recorded(dict[str, str]):
    """An address that remembers what it was asked for."""

    def __init__(self, values: Mapping[str, str]) -> None:
        super().__init__(values)
        self.asked: set[str] = set()

    def get(self, name: str, default: Any = None) -> Any:
        """The value, remembered."""
        self.asked.add(name)
        return super().get(name, default)


def look(actor: Actor, query: Mapping[str, str], parameters: Mapping[str, str]) -> Look:
    """Somebody looks now."""
    return Look(
        actor=actor,
        query=query,
        parameters=parameters,
        zone=ZoneInfo("UTC"),
        now_us=time.time_ns() // 1000,
        settings=Settings(),
    )


@pytest.fixture
def reader(sqlite_store: Store) -> Reader:
    """A database with some requests in two versions."""
    made = writer(sqlite_store)
    for seed, version in enumerate(("1", "2")):
        spans = Spans(seed, time.time_ns()).many(40)
        with_exception(spans[0], raised(place_an_order, seed))
        made.write(batch_of(spans, version=version))
    at_ns = time.time_ns() - 600_000_000_000
    body = metrics_body(
        gauge("load", 1.0, 2.0, at_ns=at_ns),
        gauge("process.memory.usage", 5.0, at_ns=at_ns),
        histogram("http.server.duration", [100.0], [2, 1], temporality=1, at_ns=at_ns, total=9.0),
    )
    made.write(batch_of_points(decode_protobuf(body.SerializeToString()).points))
    records = logs_body(log("late", 17, at_ns=time.time_ns() - 600_000_000_000))
    found = decode_logs(records.SerializeToString()).found
    made.write(LogBatches().of_records(found))
    Sessions(sqlite_store).start(with_user(sqlite_store, ANA.name), "192.0.2.1", "Firefox")
    add_token(ANA, sqlite_store, "ci", ["read"], None)
    return Reader(sqlite_store)


@pytest.mark.parametrize("view", ALL, ids=lambda view: view.name)
def test_a_view_is_as_it_says(reader: Reader, view: View[Any]) -> None:
    """It obeys its parameters and no others, and each row of its table has every column."""
    with reader.snapshot() as snapshot:
        endpoint = str(min(snapshot.endpoints))
        request = snapshot.connection.execute(snapshot.tables.request.select()).first()
    assert request is not None
    query = Recorded({"range": "24h"})
    numbers = {"endpoint": endpoint, "request": str(request.id), "group": "1", "metric": "1"}
    path = Recorded(numbers)
    needed = {one.name: path[one.name] for one in view.parameters if one.in_path}
    parameters = Recorded(needed)
    loaded = load(reader, look(ANA, query, parameters), [view])
    declared = {one.name for one in view.parameters}
    assert query.asked - {"service", "range", "from", "to", "version"} <= declared
    assert parameters.asked <= declared | {"endpoint"}
    table = loaded.table(view)
    assert bool(table.rows) is (view.name not in WITHOUT_ROWS)
    assert all(len(row) == len(table.columns) for row in table.rows)
    assert len(csv_text(table).splitlines()) >= 1 + len(table.rows)


def test_names_are_unique_and_words_are_there() -> None:
    """What stands in the catalogue can be shown and found."""
    assert len({view.name for view in ALL}) == len(ALL)
    assert all(view.title and view.description and view.empty for view in ALL)


@pytest.mark.parametrize("view", ALL, ids=lambda view: view.name)
def test_a_view_for_admins_is_for_nobody_else(reader: Reader, view: View[Any]) -> None:
    """Whoever asks, and by whatever way: nothing is read."""
    for actor in (NOBODY, GUEST, OPERATOR):
        asked = look(actor, {}, {})
        if actor.role >= view.role:
            assert view in load(reader, asked, [view])
            continue
        with pytest.raises(NotAllowedError, match=view.title):
            load(reader, asked, [view])


def test_settings_and_users_are_for_admins() -> None:
    """By name, so that nobody opens them by mistake."""
    closed = {view.name for view in ALL if view.role is Role.ADMIN}
    assert closed == {"settings", "users", "database", "refused", "tokens", "audit"}
    assert all(view.role >= Role.GUEST for view in ALL)


def test_one_snapshot_for_all(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is stored while views are read is in all of them or in none."""
    seen = []
    opened = Reader.snapshot

    def counting(self: Reader) -> Any:
        seen.append(self)
        return opened(self)

    monkeypatch.setattr(Reader, "snapshot", counting)
    load(reader, look(OPERATOR, {}, {"endpoint": "1"}), VIEWS)
    assert len(seen) == 1


def test_a_version_of_another_service_is_dropped_before_views_are_read(reader: Reader) -> None:
    """Every view of the look obeys the same selection."""
    with reader.snapshot() as snapshot:
        service = next(iter(snapshot.services.values()))
    asked = look(GUEST, {"service": service, "version": "9"}, {})
    loaded = load(reader, asked, VIEWS[:1])
    assert loaded.look == replace(asked, query={"service": service}, dropped_version="9")
    assert loaded[VIEWS[0]].overview.selected.requests == 80


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@a", "\ta", "\ra"])
def test_no_cell_of_a_csv_is_a_formula(text: str) -> None:
    """Spreadsheets would run it; numbers stay numbers."""
    found = csv_text(Table((Column(text),), [(text,), (-1,)]))
    assert found.count("'" + text[0]) == 2
    assert found.endswith("\r\n-1\r\n")
