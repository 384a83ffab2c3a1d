"""Pages: read once, shown to whom they are meant for, and refreshed as they were first shown."""

from __future__ import annotations

import time
from typing import Any

import pytest

from dash_app import routing
from dash_app.live import chart_csv, fresh
from dash_app.page import Page
from dash_app.pages import PAGES
from otel_fmd.errors import NotAllowedError
from otel_fmd.ingest.log_batches import LogBatches
from otel_fmd.ingest.points import batch_of_points
from otel_fmd.otlp.logs_protobuf import decode_protobuf as decode_logs
from otel_fmd.otlp.points_protobuf import decode_protobuf
from otel_fmd.people.actor import NOBODY, OPERATOR, Actor, Role
from otel_fmd.people.audit import entry, note
from otel_fmd.queries.snapshot import Reader
from otel_fmd.store.store import Store
from otel_fmd.views.catalogue import VIEWS
from tests.support.logs import log, logs_body
from tests.support.look import context_of, encoded, everything_of
from tests.support.points import counter, gauge, histogram, metrics_body
from tests.support.raising import batch_of, place_an_order, raised, with_exception
from tests.support.spans import Spans
from tests.unit.ingest.test_write import writer

GUEST = Actor("guest", Role.GUEST)
WITHOUT_REFRESH = {
    "/endpoint/<endpoint>/outliers", "/endpoint/<endpoint>/profiler",
    "/endpoint/<endpoint>/grouped-profiler", "/request/<request>",
    "/admin/users", "/admin/tokens", "/account", "/admin/database", "/admin/configuration",
}  # fmt: skip
"""Pages of which nothing is refreshed here: no request has details, no sender was refused."""


@pytest.fixture
def filled(sqlite_store: Store) -> Store:
    """Requests of one endpoint in two versions, each with an exception."""
    made = writer(sqlite_store)
    for seed, version in enumerate(("1", "2")):
        spans = Spans(seed, time.time_ns()).many(40)
        with_exception(spans[0], raised(place_an_order, seed))
        made.write(batch_of(spans, version=version))
    at_ns = time.time_ns() - 600_000_000_000
    body = metrics_body(
        gauge("load", 1.0, 2.0, at_ns=at_ns),
        gauge("process.memory.usage", 5.0, at_ns=at_ns),
        counter("hits", 1, at_ns=at_ns),
        histogram(
            "http.server.request.duration", [0.1], [2, 1], temporality=1, at_ns=at_ns, total=0.3
        ),
    )
    made.write(batch_of_points(decode_protobuf(body.SerializeToString()).points))
    records = logs_body(log("late", 17, at_ns=at_ns)).SerializeToString()
    made.write(LogBatches().of_records(decode_logs(records).found))
    note(sqlite_store, entry(GUEST, "login", GUEST.name))
    return sqlite_store


def address(page: Page) -> str:
    """About the first endpoint, request, exception group and metric."""
    return page.address({"endpoint": "1", "request": "1", "group": "1", "metric": "1"})


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.path)
def test_a_page_reads_one_snapshot(
    filled: Store, page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When it is shown, and when it is refreshed: its numbers are of one moment."""
    seen: list[Reader] = []
    opened = Reader.snapshot

    def counting(self: Reader) -> Any:
        seen.append(self)
        return opened(self)

    monkeypatch.setattr(Reader, "snapshot", counting)
    reads: list[str] = []
    monkeypatch.setattr(filled, "read", reading(filled, reads))
    for number, look in enumerate((routing.show, fresh), 1):
        look(context_of(filled, address(page), "?version=1&service=shop"))
        assert len(seen) == len(reads) == number


def reading(store: Store, reads: list[str]) -> Any:
    """`Store.read`, counted."""
    read = store.read

    def counted() -> Any:
        reads.append("read")
        return read()

    return counted


@pytest.mark.parametrize("actor", [NOBODY, GUEST], ids=lambda actor: actor.role.name)
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.path)
def test_neither_page_nor_refresh_nor_export_shows_what_is_for_admins(
    filled: Store, page: Page, actor: Actor
) -> None:
    """Settings, users, senders, sizes: by no way that a browser has."""
    context = context_of(filled, address(page), "", actor)
    parts = (routing.show(context), *map(list, fresh(context)))
    shown = "".join(map(encoded, parts))
    for chart in page.charts:
        if actor.role >= chart.view.role:
            shown += chart_csv(chart, context)
            continue
        with pytest.raises(NotAllowedError):
            chart_csv(chart, context)
    for secret in ("OTEL_FMD_DATABASE_URL", "user-add", "prune-now"):
        assert secret not in shown
    allowed = actor.role >= page.role
    assert ("Only" in shown and "can see this page" in shown) is not allowed
    found = fresh(context)
    names = {name for name, table in page.tables.items() if actor.role >= table.view.role}
    assert set(found.tables) == (names if allowed else set())


def test_an_admin_sees_them(filled: Store) -> None:
    """Or the test above would prove nothing."""
    shown = "".join(
        text for page in PAGES for text in everything_of(context_of(filled, address(page), ""))
    )
    for secret in ("OTEL_FMD_DATABASE_URL", "user-add", "prune-now"):
        assert secret in shown


def test_every_view_of_a_page_stands_in_the_catalogue() -> None:
    """So that it has a CSV and its documentation; and every view is on a page."""
    used = {
        view.name
        for page in PAGES
        for view in (
            *page.views,
            *(view for chart in page.charts for view in chart.views),
            *(table.view for table in page.tables.values()),
        )
    }
    assert used | {"choices"} == {view.name for view in VIEWS}


def test_names_of_charts_are_unique() -> None:
    """They are parts of element ids and file names."""
    names = [chart.key for page in PAGES for chart in page.charts]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.path)
def test_a_refresh_shows_what_the_page_showed(filled: Store, page: Page) -> None:
    """The same rows and figures, while nothing is stored."""
    context = context_of(filled, address(page), "")
    first, again = encoded(routing.show(context).content), fresh(context)
    rows = [row for table in again.tables.values() for row in table.rows]
    for row in rows:
        assert encoded(row) in first
    drawn = {
        key: chart
        for key, chart in again.charts.items()
        if encoded({"type": "graph", "view": key}) in first
    }
    for key, (shown, instead) in drawn.items():
        assert encoded(shown["figure"] if instead is None else instead) in first, key
    assert bool(rows or drawn) is (page.path not in WITHOUT_REFRESH)


def test_an_address_without_a_page_says_so(filled: Store) -> None:
    """With the navigation around it."""
    shown = routing.show(context_of(filled, "/nowhere", "", GUEST))
    assert "There is no page at '/nowhere'." in encoded(shown.content)
    assert "Overview" in encoded(shown.navigation)


def test_an_endpoint_that_is_no_number_is_none(filled: Store) -> None:
    """It is not all of them."""
    context = context_of(filled, "/endpoint/all/hourly", "", OPERATOR)
    with context.reader.snapshot() as snapshot:
        assert context.selection(snapshot).endpoint_ids == [0]
    assert "This endpoint does not exist" in encoded(routing.show(context).content)


def test_a_filter_that_cannot_be_read_says_so(filled: Store) -> None:
    """The list names its order, and does not look filtered by what it ignores."""
    query = "?sort=time&limit=0&min_duration_ms=5&hour=x&status=9xxx"
    shown = encoded(routing.show(context_of(filled, "/requests", query)).content)
    assert "Requests, oldest first" in shown
    for said in ("limit: 0 (ignored)", "hour: x (ignored)", "status: 9xxx (ignored)"):
        assert said in shown
    assert "min_duration_ms: 5 \\u2715" in shown
    assert "'x': expected digits" in shown
    unsorted = encoded(routing.show(context_of(filled, "/requests", "?sort=x")).content)
    assert "Requests, newest first" in unsorted
    assert "sort: x (ignored)" in unsorted
