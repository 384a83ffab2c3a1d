"""Whatever an address says, and whatever a clock said: no page fails, and none is too large."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime
from itertools import chain, product

import pytest

from dash_app.pages import daily, hourly
from otel_fmd.analysis.calendar import MOST_COLUMNS, Columns, days_of_label, label_of
from otel_fmd.ingest.batch import Batch
from otel_fmd.queries.future import future
from otel_fmd.queries.snapshot import Reader
from otel_fmd.rollups.fold import DeltaFolder
from otel_fmd.store.store import Store
from otel_fmd.views.parameters import FIRST_DAY, LAST_DAY, MOST, whole_number
from tests.support.look import addresses, context_of, everything_of, rows_of, rows_on
from tests.support.spans import Spans
from tests.unit.ingest.test_write import requests_of, writer

HOUR_NS = 3_600_000_000_000
MIB = 2**20
LONG = [
    "from=0001-01-01&to=9999-12-31",
    "from=9999-12-31&to=9999-12-31",
    "from=0001-01-01&to=0001-01-01",
    "from=1970-01-01&to=2300-01-01",
    "from=9999-12-31&to=0001-01-01&hour=23",
]
ODD = [
    *LONG,
    "from=2026-02-30&to=2026-13-01",
    "from=&to=%00",
    "from=2026-W01-1&to=20260101",
    "range=99999999999h",
    "hour=99999999999999999999&from=2026-01-01&to=2026-01-01",
    "status=999999999999999999999",
    "status=%C2%B2xx",
    "status=-1",
    "cursor=9223372036854775807",
    "cursor=9223372036854775808",
    "cursor=99999999999999999999999",
    "endpoint=9223372036854775807",
    "endpoint=%D9%A1",
    "page=999999",
    "page=9223372036854775807",
    "compare=days&baseline=0001-01-01..0001-01-02&comparison=9999-12-30..9999-12-31",
    "compare=version&old=%00&new=" + "x" * 5000,
    "service=%00&version=%F0%9F%92%A9",
    "user=%00&ip=%FF",
    "blueprint=%00&group=blueprint",
]
ZONES = ["Pacific/Kiritimati", "Pacific/Pago_Pago", "UTC"]


@pytest.fixture
def odd_times(store: Store) -> Store:
    """Requests of now, of 1970, of 2554, and of ten minutes from now."""
    made = writer(store)
    now = time.time_ns()
    for seed, start in enumerate((now - HOUR_NS, 1_000_000_000, 2**64 - 2**34, now + HOUR_NS // 6)):
        spans = Spans(seed, start).many(3)
        made.write(Batch(requests_of(spans, service=f"shop{seed % 2}")))
    DeltaFolder(store).fold(10)
    DeltaFolder(store).fold_callers(10)
    return store


def test_no_address_makes_a_page_fail(odd_times: Store) -> None:
    """Every page, with every odd parameter, in time zones at both ends of the day.

    In SQLite all of them; servers, which take longer, get every seventh, of each page others.
    """
    with Reader(odd_times).snapshot() as snapshot:
        endpoint = str(min(snapshot.endpoints))
    others = chain(
        addresses(str(MOST), str(MOST)),
        addresses(str(MOST + 1), str(MOST + 1)),
        addresses("٣", "-1"),
    )
    asked = chain(product(addresses(endpoint, "1"), ODD), product(others, ODD[:1]))
    assert len(ODD) % 7
    step = 1 if odd_times.engine.dialect.name == "sqlite" else 7
    for number, (path, search) in enumerate(asked):
        if number % step:
            continue
        zone = ZONES[number % len(ZONES)]
        context = context_of(odd_times, path, f"?{search}", otel_fmd_zone=zone)
        sizes = [len(part) for part in everything_of(context)]
        assert sum(sizes) < MIB, (path, search)


@pytest.mark.parametrize("search", LONG)
def test_a_figure_is_as_large_as_the_screen(sqlite_store: Store, search: str) -> None:
    """Ten years of requests, and any range: months or years, and the sums are right."""
    made = writer(sqlite_store)
    now = time.time_ns()
    for index in range(40):
        start = now - index * 90 * 24 * HOUR_NS
        made.write(Batch(requests_of(Spans(index, start).many(index + 1))))
    total = 40 * 41 // 2
    expected = total if search in (LONG[0], LONG[3], LONG[4]) else 0
    for page in (daily, hourly):
        context = context_of(sqlite_store, page.PAGE.path, f"?{search}")
        loaded = context.load([page.CHART.view])
        columns, rows = loaded.table(page.CHART.view)
        assert sum(row[-1] for row in rows) == expected
        assert [column.name for column in columns[:1]] == ["month"] * bool(expected)
        assert len({row[0] for row in rows}) <= MOST_COLUMNS


def test_the_requests_of_a_long_range_are_in_its_csv(odd_times: Store) -> None:
    """From the first second of 1970 to the year 2554: by the year, nothing lost."""
    context = context_of(odd_times, "/daily", "?from=0001-01-01&to=9999-12-31")
    texts = [part for part in everything_of(context) if part.startswith("year")]
    (rows,) = (rows_of(text) for text in texts)
    assert sum(int(value) for row in rows[1:] for value in row[1:]) == 12
    assert [rows[1][0], rows[-1][0]] == ["1970", "2554"]


def test_a_click_on_a_long_time_shows_its_days(sqlite_store: Store) -> None:
    """A day shows its requests."""
    context = context_of(sqlite_store, "/daily", "?service=shop")
    where = daily.open_day({"x": "2026-W09", "customdata": "7"}, context)
    assert where == "/daily?service=shop&from=2026-02-23&to=2026-03-01"
    where = daily.open_day({"x": "2026-02", "customdata": "7"}, context)
    assert where == "/daily?service=shop&from=2026-02-01&to=2026-02-28"
    context_of_one = context_of(sqlite_store, "/endpoint/7/hourly", "")
    where = hourly.open_hour({"x": "2024", "y": 5}, context_of_one)
    assert where == "/endpoint/7/hourly?from=2024-01-01&to=2024-12-31"
    where = daily.open_day({"x": "2026-02-01", "customdata": "7"}, context)
    assert where == "/requests?service=shop&from=2026-02-01&to=2026-02-01&endpoint=7"


@pytest.mark.parametrize("unit", ["day", "week", "month", "year"])
def test_a_label_names_its_days(unit: str) -> None:
    """Every day of some years lies in what its label names, and in nothing else."""
    days = [date.fromordinal(date(2019, 12, 1).toordinal() + n) for n in range(900)]
    for day in days:
        first, last = days_of_label(label_of(day, unit))
        assert first <= day <= last
        assert label_of(first, unit) == label_of(last, unit) == label_of(day, unit)


@pytest.mark.parametrize(
    ("number", "unit"), [(1, "day"), (120, "day"), (121, "week"), (830, "week"), (850, "month")]
)
def test_columns_stand_for_as_much_as_they_must(number: int, unit: str) -> None:
    """At most 120 of them, until years."""
    columns = Columns(date.fromordinal(738_000 + n) for n in range(number))
    assert columns.unit == unit
    assert len(columns) <= MOST_COLUMNS
    assert columns.place(date.fromordinal(738_000)) == 0
    assert columns.place(date.fromordinal(738_000 + number - 1)) == len(columns) - 1
    assert columns.place(LAST_DAY) is None
    assert len(Columns([FIRST_DAY, LAST_DAY])) == 2


def test_what_is_yet_to_come_is_told_and_kept_out(odd_times: Store) -> None:
    """Neither last nor today, of nobody; stored, and told with the service."""
    context = context_of(odd_times, "/", "")
    with Reader(odd_times).snapshot() as snapshot:
        ahead = future(snapshot, context.now_us)
        assert len(ahead.requests) == 6
        assert sorted(ahead.by_service(snapshot)) == [("shop0", 3), ("shop1", 3)]
    rows = {row["service"]: row for row in rows_on(context, "overview")}
    today = datetime.fromtimestamp(context.now_us / 1e6, UTC)
    assert sum(row["hits_week"] for row in rows.values()) == 3
    assert sum(row["hits_today"] for row in rows.values()) <= 3
    assert sum(row["hits_overall"] for row in rows.values()) == 12
    assert rows["shop0"]["last"] < today.strftime("%Y-%m-%d %H:%M")
    assert rows["shop0"]["last"] > "2026"
    assert rows["shop1"]["last"][:4] == "1970"
    text = "".join(everything_of(context))
    assert "6 requests from the future (3 of shop0, 3 of shop1; until 2554-07-2" in text
    assert "check the clock" in text
    only = context_of(odd_times, "/", "?service=shop1")
    assert "3 requests from the future (3 of shop1;" in "".join(everything_of(only))
    with odd_times.read() as connection:
        table = odd_times.tables.endpoint
        stored = [row.last_requested for row in connection.execute(table.select())]
    assert len(stored) == 2
    assert all(one.year < 2500 for one in stored)


def test_a_right_clock_after_a_wrong_one(sqlite_store: Store) -> None:
    """An endpoint that was once said to be requested in 2554 is not believed for ever."""
    made = writer(sqlite_store)
    made.write(Batch(requests_of(Spans(1, 2**64 - 2**34).many(1))))
    table = sqlite_store.tables.endpoint
    with sqlite_store.write() as connection:
        # As versions before stored it.
        connection.execute(table.update().values(last_requested=datetime(2554, 7, 21)))
    DeltaFolder(sqlite_store).fold(10)
    made.write(Batch(requests_of(Spans(2, time.time_ns() - HOUR_NS).many(1))))
    context = context_of(sqlite_store, "/", "")
    (row,) = rows_on(context, "overview")
    assert row["last"][:4] == str(datetime.now(UTC).year)
    DeltaFolder(sqlite_store).fold(10)
    with sqlite_store.read() as connection:
        (stored,) = connection.execute(table.select()).all()
    assert stored.last_requested.year == datetime.now(UTC).year


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0", 0),
        ("9223372036854775807", MOST),
        ("9223372036854775808", None),
        ("1" * 400, None),
        ("-1", None),
        ("1.5", None),
        ("²", None),
        ("٣", None),
        ("", None),
    ],
)
def test_a_number_in_an_address(text: str, number: int | None) -> None:
    """Digits, and no more than a database takes."""
    if number is not None:
        assert whole_number(text) == number
        return
    with pytest.raises(ValueError, match="expected digits, at most 9223372036854775807"):
        whole_number(text)
