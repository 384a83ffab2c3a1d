"""One selection a page: every number on every page is that of a recount of the selected rows."""

from __future__ import annotations

import random
import statistics
import time
from collections import Counter
from collections.abc import Iterator
from itertools import product
from typing import NamedTuple
from urllib.parse import urlencode

import pytest

from dash_app import routing
from dash_app.chart import style_of
from dash_app.context import Context
from dash_app.live import chart_csv
from otel_fmd.analysis.callers import OTHERS, caller_cell
from otel_fmd.ingest.batch import Batch
from otel_fmd.queries import latency
from otel_fmd.queries.latency import by_caller
from otel_fmd.queries.snapshot import Reader
from otel_fmd.rollups.fold import DeltaFolder
from otel_fmd.store.kinds import USER
from otel_fmd.store.store import Store
from otel_fmd.views.overview import OVERVIEW
from otel_fmd.views.utilization import MULTI_VERSION
from tests.support.look import context_of, everything_of, rows_of, rows_on
from tests.support.spans import Spans, flask_attributes
from tests.unit.ingest.test_write import requests_of, writer

HOUR_NS = 3_600_000_000_000
HOUR_US = HOUR_NS // 1000
VERSIONS = {"shop": ("1", "2"), "stock": ("2", "3")}
USERS = ("ana", "(unknown)", "(others)", "None", "", "ben")
SERVICES = (None, "shop", "stock")
RANGES = ("range=1h", "range=24h", "range=7d", "range=90d", "from={old}&to={new}")


class Row(NamedTuple):
    """What was sent."""

    service: str
    endpoint: str
    version: str
    start_us: int
    ms: float
    status: int
    user: str
    address: str


@pytest.fixture(scope="module")
def sent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Store, list[Row]]]:
    """Requests of ten days, most of them folded, the newest not."""
    from otel_fmd.store.schema import ensure_schema

    store = Store(f"sqlite:///{tmp_path_factory.mktemp('selection') / 'fmd.db'}")
    ensure_schema(store)
    made = writer(store)
    chance = random.Random(7)
    now_ns = time.time_ns() // HOUR_NS * HOUR_NS
    rows: list[Row] = []
    for index in range(90):
        service = "shop" if index % 3 else "stock"
        version = VERSIONS[service][index % 7 > 3]
        start = now_ns - int(240 * HOUR_NS * (1 - index / 90) ** 2) - HOUR_NS // 2
        maker, spans = Spans(index, start), []
        for _ in range(8):
            route = chance.choice(("/a", "/b"))
            status = chance.choice((200, 200, 200, 404, 500))
            user, address = chance.choice(USERS), f"10.0.0.{chance.randrange(4)}"
            ms = round(chance.lognormvariate(2, 0.4), 3) * chance.choice((1, 1, 1, 1, 1, 9))
            who = {"enduser.id": user} if user else {}
            about = {"http.status_code": status, "net.peer.ip": address, **who}
            span = maker.span(flask_attributes(route, **about), duration_ms=ms)
            spans.append(span)
            start_us = span.start_time_unix_nano // 1000
            exact = (span.end_time_unix_nano - span.start_time_unix_nano) / 1e6
            rows.append(
                Row(service, f"GET {route}", version, start_us, exact, status, user, address)
            )
        made.write(Batch(requests_of(spans, service=service, version=version)))
        if index == 70:
            DeltaFolder(store).fold(100)
            DeltaFolder(store).fold_callers(100)
    yield store, rows
    store.close()


def searches() -> Iterator[dict[str, str]]:
    """Every service with every version, its own or not, and every range."""
    day = 24 * 3600
    old, new = (time.strftime("%Y-%m-%d", time.gmtime(time.time() - n * day)) for n in (6, 2))
    for service, version, times in product(SERVICES, (None, "1", "2", "3", "9"), RANGES):
        found = dict(part.split("=") for part in times.format(old=old, new=new).split("&"))
        if service:
            found["service"] = service
        if version:
            found["version"] = version
        yield found


SEARCHES = list(searches())


def selected(rows: list[Row], context: Context) -> list[Row]:
    """A recount: whole hours, and a version that the service never had does not count."""
    start_us, end_us = context.times_us()
    low, high = start_us // HOUR_US, -(-end_us // HOUR_US)
    return [row for row in of(rows, context) if low <= row.start_us // HOUR_US < high]


def of(rows: list[Row], context: Context) -> list[Row]:
    """Those of the service and the version, of all time."""
    service, version = context.service, context.version
    return [
        row for row in rows if service in (None, row.service) and version in (None, row.version)
    ]


def look(store: Store, path: str, search: dict[str, str]) -> Context:
    """As the dashboard does."""
    context = context_of(store, path, f"?{urlencode(search)}")
    with context.reader.snapshot() as snapshot:
        return context.settled(snapshot)


def csv_of(context: Context, place: int = 0) -> list[list[str]]:
    """The rows of a view's CSV, without its header."""
    found = routing.find_page(context.path)
    assert found is not None
    return rows_of(chart_csv(found[0].charts[place], context))[1:]


def test_most_searches_choose_requests(sent: tuple[Store, list[Row]]) -> None:
    """Else the tests below would compare nothing with nothing."""
    store, rows = sent
    chosen = [len(selected(rows, look(store, "/", search))) for search in SEARCHES]
    assert sum(map(bool, chosen)) > len(SEARCHES) * 2 / 3
    assert len(set(chosen)) > 5


@pytest.mark.parametrize("search", SEARCHES, ids=lambda search: urlencode(search))
def test_pages_of_the_application(sent: tuple[Store, list[Row]], search: dict[str, str]) -> None:
    """Hours, days, endpoints, versions: the sums of what is downloaded, which is what is drawn."""
    store, rows = sent
    chosen = selected(rows, look(store, "/", search))
    for path in ("/hourly", "/daily"):
        counted = csv_of(look(store, path, search))
        columns = slice(2, 3) if path == "/hourly" else slice(1, None)
        assert sum(int(v) for row in counted for v in row[columns]) == len(chosen), path
    found = csv_of(look(store, "/performance", search))
    assert {(name, int(number)) for name, number, *_ in found} == {
        (f"{service}: {endpoint}", number)
        for (service, endpoint), number in Counter(r[:2] for r in chosen).items()
    }
    medians = {name: float(row[3]) for name, *row in found}
    for service, endpoint in {row[:2] for row in chosen}:
        mine = [row.ms for row in chosen if row[:2] == (service, endpoint)]
        assert medians[f"{service}: {endpoint}"] == pytest.approx(statistics.median(mine))
    context = look(store, "/versions", search)
    data = context.load([MULTI_VERSION])[MULTI_VERSION]
    hits = 0 if data is None else sum(map(sum, data.share.hits))
    assert hits == len(chosen)
    shown = set() if data is None else {version.name for version in data.share.versions}
    assert shown == {row.version for row in chosen}


@pytest.mark.parametrize("search", SEARCHES, ids=lambda search: urlencode(search))
def test_the_overview(sent: tuple[Store, list[Row]], search: dict[str, str]) -> None:
    """Cards and every column of every row."""
    store, rows = sent
    context = look(store, "/", search)
    chosen, everything = selected(rows, context), of(rows, context)
    data = context.load([OVERVIEW])[OVERVIEW].overview
    assert data.selected.requests == len(chosen)
    assert data.selected.errors == sum(row.status >= 400 for row in chosen)
    assert sum(row.selected.requests for row in data.rows) == len(chosen)
    if chosen:
        assert data.latency is not None
        assert data.latency.median == pytest.approx(statistics.median(r.ms for r in chosen))
    now_hour = context.now_us // HOUR_US
    starts = {
        "today": context.today_us // HOUR_US,
        "week": now_hour - 168,
        "overall": 0,
    }
    named = {(row["service"], row["endpoint"]): row for row in rows_on(context, "overview")}
    assert set(named) == (
        {row[:2] for row in everything}
        if context.version
        else {row[:2] for row in rows if context.service in (None, row.service)}
    )
    for key, shown in named.items():
        mine = [row for row in everything if row[:2] == key]
        for name, start in starts.items():
            inside = [row for row in mine if row.start_us // HOUR_US >= start]
            assert shown[f"hits_{name}"] == len(inside), (key, name)
            assert shown[f"errors_{name}"] == sum(r.status >= 400 for r in inside), (key, name)
        median = statistics.median(row.ms for row in mine)
        assert shown["median_overall"] == pytest.approx(median)
        recent = [row for row in mine if row.start_us // HOUR_US > now_hour - 24]
        assert sum(shown["spark"]) == len(recent)
        last = max(row.start_us for row in mine)
        assert shown["last"] == context.time_of(last)[:16]
        inside = [row for row in chosen if row[:2] == key]
        if inside:
            assert shown["median"] == pytest.approx(statistics.median(r.ms for r in inside))
            errors = sum(row.status >= 400 for row in inside)
            assert shown["error_rate"] == pytest.approx(100 * errors / len(inside))
        else:
            assert shown["median"] is None


@pytest.mark.parametrize("search", SEARCHES, ids=lambda search: urlencode(search))
def test_pages_of_an_endpoint(sent: tuple[Store, list[Row]], search: dict[str, str]) -> None:
    """Of one endpoint: its hours, status codes, versions, users, addresses, requests, outliers."""
    store, rows = sent
    with Reader(store).snapshot() as snapshot:
        endpoint = next(
            one for one in snapshot.endpoints.values() if one[1:3] == ("GET /a", "shop")
        )
    mine = [row for row in rows if row[:2] == ("shop", "GET /a")]
    search = {key: value for key, value in search.items() if key != "service"}

    def asked(name: str) -> Context:
        return look(store, f"/endpoint/{endpoint.id}/{name}", search)

    chosen = selected(mine, asked("hourly"))
    assert sum(int(row[2]) for row in csv_of(asked("hourly"))) == len(chosen)
    statuses = {code: int(number) for code, number, *_ in csv_of(asked("status"))}
    assert statuses == Counter(str(row.status) for row in chosen)
    versions = {name: int(number) for name, number, *_ in csv_of(asked("versions"))}
    assert versions == Counter(row.version for row in chosen)
    users = {(who, version): int(number) for who, version, number, _ in csv_of(asked("users"))}
    assert users == Counter((caller_cell(row.user), row.version) for row in chosen)
    addresses = {(who, v): int(number) for who, v, number, _ in csv_of(asked("addresses"))}
    assert addresses == Counter((row.address, row.version) for row in chosen)
    boxes = csv_of(asked("user-performance"))
    assert sum(int(row[1]) for row in boxes) == len(chosen)
    assert len(boxes) == len({row.user for row in chosen})
    context = look(store, "/requests", {**search, "endpoint": str(endpoint.id)})
    shown = rows_on(context, "requests")
    assert len(shown) == min(100, len(chosen))
    if "version" in search:
        assert {row["version"] for row in shown} <= {search["version"]}
    found = rows_on(asked("outliers"), "outliers")
    times = {context.time_of(row.start_us) for row in chosen}
    assert {row["time"] for row in found} <= times
    with store.read() as connection:
        table = store.tables.outlier
        everything = connection.execute(
            table.select().where(table.c.endpoint_id == endpoint.id)
        ).all()
    ids = {str(row.request_id) for row in everything}
    always = look(store, f"/endpoint/{endpoint.id}/outliers", {"range": "90d"})
    inside = {row["id"] for row in rows_on(always, "outliers")}
    assert inside == ids
    assert len(ids) > 3


def test_keys_decide(sent: tuple[Store, list[Row]]) -> None:
    """Somebody called `(unknown)` is not nobody: both are there, each with its own requests."""
    store, rows = sent
    with Reader(store).snapshot() as snapshot:
        number = next(e.id for e in snapshot.endpoints.values() if e[1:3] == ("GET /a", "shop"))
    mine = [row for row in rows if row[:2] == ("shop", "GET /a")]
    context = look(store, f"/endpoint/{number}/users", {"range": "90d"})
    found = routing.find_page(context.path)
    assert found is not None
    chart = found[0].charts[0]
    data = context.load([chart.view])[chart.view]
    figure = chart.figure(data, style_of(context))
    points = figure.data[0]
    assert len(set(points.y)) == len(USERS)
    opened: dict[str, int] = {}
    for (who, version, what), _ in zip(points.customdata, points.y, strict=True):
        assert chart.click is not None
        href = chart.click({"customdata": [who, version, what]}, context)
        assert href is not None
        there = context_of(store, "/requests", href.partition("?")[2])
        assert {row["user"] for row in rows_on(there, "requests")} == {who}
        opened[who] = opened.get(who, 0) + 1
    assert set(opened) == {row.user for row in mine}
    assert chart.click({"customdata": [OTHERS, "1", "user"]}, context) is None


def test_a_version_that_the_service_never_had(sent: tuple[Store, list[Row]]) -> None:
    """All of its versions are shown, and the page says so; links forget it, too."""
    store, _ = sent
    context = look(store, "/", {"service": "stock", "version": "1"})
    assert context.version is None
    text = "".join(everything_of(context))
    assert "stock never had version 1; all of its versions are shown." in text
    assert "version=1" not in text
    unknown = look(store, "/", {"version": "9"})
    assert unknown.version == "9"
    assert "No endpoint matches the selection" in "".join(everything_of(unknown))


def test_many_requests_of_a_part_of_the_time(
    sent: tuple[Store, list[Row]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The newest are counted, and how many of how many is told."""
    store, _ = sent
    monkeypatch.setattr(latency, "MOST_CALLER_ROWS", 5)
    with Reader(store).snapshot() as snapshot:
        number = next(e.id for e in snapshot.endpoints.values() if e[1:3] == ("GET /a", "shop"))
        context = look(store, f"/endpoint/{number}/users", {"range": "7d"})
        found = by_caller(snapshot, number, USER, context.selection(snapshot))
    assert found.counted == 5
    assert found.selected > 5
    assert f"the newest 5 of {found.selected} requests" in "".join(everything_of(context))
