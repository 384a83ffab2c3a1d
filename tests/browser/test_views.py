"""Every view's numbers, drawn in the browser, against a recount from the rows."""

from __future__ import annotations

import re
import statistics
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import requests

from otel_fmd.analysis.callers import caller_label
from otel_fmd.queries.outliers import outlier_count, outlier_loads
from otel_fmd.queries.profiles import grouped_profile, profile_count
from otel_fmd.queries.snapshot import Reader
from otel_fmd.store.store import Store
from tests.support.recount import Recount
from tests.support.visitor import Visitor

ALL = "range=30d"
WITHIN = 0.0115
"""Figures from histograms are within 1.1 %."""


def day(row: Any) -> str:
    """The day of a row, UTC as the browser's."""
    return row.time_requested.date().isoformat()


def durations(rows: list[Any], key: Callable[[Any], Any]) -> dict[Any, list[float]]:
    """Durations by a key."""
    found: dict[Any, list[float]] = {}
    for row in rows:
        found.setdefault(key(row), []).append(row.duration)
    return found


def test_hourly_utilization(visitor: Visitor, recount: Recount) -> None:
    """Each cell is an hour of a day."""
    visitor.open(f"/hourly?{ALL}")
    (heat,) = visitor.figure("hourly")["data"]
    want = Counter((day(row), row.time_requested.hour) for row in recount.rows)
    assert len(want) > 24
    found = {
        (x, hour): heat["z"][hour][column]
        for column, x in enumerate(heat["x"])
        for hour in range(24)
        if heat["z"][hour][column]
    }
    assert found == want


def test_daily_utilization(visitor: Visitor, recount: Recount) -> None:
    """Each bar is an endpoint's day."""
    visitor.open(f"/daily?{ALL}")
    traces = visitor.figure("daily")["data"]
    want = Counter((recount.names[row.endpoint_id], day(row)) for row in recount.rows)
    assert len(want) > 24
    found = {
        (trace["name"], x): y
        for trace in traces
        for x, y in zip(trace["x"], trace["y"], strict=True)
        if y
    }
    assert found == want


def test_multi_version_utilization(visitor: Visitor, recount: Recount) -> None:
    """Columns of versions add up to 100 %."""
    visitor.open(f"/versions?{ALL}")
    (heat,) = visitor.figure("multi-version")["data"]
    pairs = Counter((recount.names[r.endpoint_id], r.version_requested) for r in recount.rows)
    totals = Counter(row.version_requested for row in recount.rows)
    assert set(heat["x"]) == totals.keys()
    assert set(heat["y"]) == {endpoint for endpoint, _ in pairs}
    for column, version in enumerate(heat["x"]):
        assert sum(row[column] for row in heat["z"]) == pytest.approx(100)
        for line, endpoint in enumerate(heat["y"]):
            want = 100 * pairs[endpoint, version] / totals[version]
            assert heat["z"][line][column] == pytest.approx(want)


def test_api_performance(visitor: Visitor, recount: Recount) -> None:
    """A box per endpoint at its median, exactly: there are few rows."""
    visitor.open(f"/performance?{ALL}")
    traces = visitor.figure("api-performance")["data"]
    want = durations(recount.rows, lambda row: recount.names[row.endpoint_id])
    boxes = {t["name"]: t["median"][0] for t in traces if t["type"] == "box"}
    assert boxes.keys() == want.keys() > {"catalog.home", "catalog.product"}
    for name, values in want.items():
        assert boxes[name] == pytest.approx(statistics.median(values))


@pytest.mark.parametrize(
    ("page", "view", "column"),
    [("users", "endpoint-users", "group_by"), ("addresses", "endpoint-addresses", "ip")],
)
def test_who_by_version(
    visitor: Visitor, recount: Recount, page: str, view: str, column: str
) -> None:
    """A bubble per user (or address) and version, of its median."""
    number = recount.endpoint("checkout.mine")
    visitor.open(f"/endpoint/{number}/{page}?{ALL}")
    (trace,) = visitor.figure(view)["data"]
    want = durations(
        recount.of("checkout.mine"),
        lambda row: (getattr(row, column) or "", row.version_requested),
    )
    found = {
        (who, version): (size, int(re.search(r"<br>([\d,]+) requests", text)[1].replace(",", "")))  # type: ignore[index]
        for (who, version, _), size, text in zip(
            trace["customdata"], trace["size"], trace["text"], strict=True
        )
    }
    assert found.keys() == want.keys()
    assert len(found) > len({version for _, version in found}) > 1
    for key, values in want.items():
        low = sorted(values)[(len(values) + 1) // 2 - 1]
        assert found[key][0] == pytest.approx(low, rel=WITHIN)
        assert found[key][1] == len(values)


@pytest.mark.parametrize(
    ("page", "view", "column"),
    [
        ("versions", "endpoint-versions", "version_requested"),
        ("user-performance", "endpoint-user-boxes", "group_by"),
    ],
)
def test_boxes_per_version_and_user(
    visitor: Visitor, recount: Recount, page: str, view: str, column: str
) -> None:
    """A box each, at its median."""
    number = recount.endpoint("catalog.product")
    visitor.open(f"/endpoint/{number}/{page}?{ALL}")
    traces = visitor.figure(view)["data"]
    want = durations(
        recount.of("catalog.product"), lambda row: caller_label(getattr(row, column) or "")
    )
    boxes = {t["name"]: t["median"][0] for t in traces if t["type"] == "box"}
    assert boxes.keys() == want.keys()
    assert len(boxes) >= 3
    for name, values in want.items():
        low = sorted(values)[(len(values) + 1) // 2 - 1]
        exact = statistics.median(values)
        assert min(abs(boxes[name] / low - 1), abs(boxes[name] / exact - 1)) < WITHIN


def test_status_codes_and_the_failed_requests(visitor: Visitor, recount: Recount) -> None:
    """A bar per code; below, the failed requests, newest first."""
    number = recount.endpoint("checkout.invoice")
    visitor.open(f"/endpoint/{number}/status?{ALL}")
    (trace,) = visitor.figure("endpoint-status")["data"]
    rows = recount.of("checkout.invoice")
    want = Counter(str(row.status_code) for row in rows)
    assert len(want) > 1
    assert dict(zip(trace["x"], trace["y"], strict=True)) == want
    visitor.page.wait_for_selector(".ag-row")
    failed = sorted((r for r in rows if r.status_code >= 400), key=lambda r: r.id, reverse=True)
    shown = visitor.page.locator(".cell-link").first.inner_text()
    assert shown == failed[0].time_requested.strftime("%Y-%m-%d %H:%M:%S")


def test_outliers_with_the_load_of_the_machine(visitor: Visitor, recount: Recount) -> None:
    """CPU per core and memory, of every outlier."""
    number = recount.endpoint("catalog.search")
    visitor.open(f"/endpoint/{number}/outliers?{ALL}")
    cores = visitor.figure("outlier-cpu")["data"]
    (memory,) = visitor.figure("outlier-memory")["data"]
    store = Store(visitor.served.database_url)
    with Reader(store).snapshot() as snapshot:
        loads, total = outlier_loads(snapshot, number), outlier_count(snapshot, number)
    store.close()
    assert len(loads) > 1
    assert len(cores) == len(loads[0].cpu_percent) >= 1
    assert [trace["y"] for trace in cores] == [
        [load.cpu_percent[core] for load in loads] for core in range(len(cores))
    ]
    assert memory["y"] == [load.memory_percent for load in loads]
    text = visitor.page.locator("#content").inner_text()
    assert f"1 to {min(100, total)} of {total}" in text


def test_profiles_one_by_one_and_grouped(visitor: Visitor, recount: Recount) -> None:
    """How many were sampled; the release's slow line is found, and computes."""
    number = recount.endpoint("catalog.product")
    store = Store(visitor.served.database_url)
    with Reader(store).snapshot() as snapshot:
        count, merged = profile_count(snapshot, number), grouped_profile(snapshot, number)
    store.close()
    visitor.open(f"/endpoint/{number}/profiler?{ALL}")
    text = visitor.page.locator("#content").inner_text()
    assert f"{count:,} requests were profiled" in text
    assert "% CPU" in text
    visitor.open(f"/endpoint/{number}/grouped-profiler?{ALL}")
    visitor.page.wait_for_selector("[id*='profile-icicle'] .js-plotly-plot .slice")
    values = visitor.page.evaluate(
        "Array.from(document.querySelector(\"[id*='profile-icicle'] .js-plotly-plot\")"
        "._fullData[0].values)"
    )
    assert values == pytest.approx([line.total_ms for line in merged.lines], rel=0.02)
    line = next(one for one in merged.lines if one.code.startswith("related = rank_related"))
    # Of the CPU time, not of the duration, which grows on a busy machine.
    assert line.total_cpu_ms > 0.5 * max(one.total_cpu_ms for one in merged.lines)


def test_the_report_compares_days_of_choice(visitor: Visitor, recount: Recount) -> None:
    """Medians before and after, as in the rows; the choice is in the address."""
    last = max(row.time_requested for row in recount.rows).date()
    old = (last - timedelta(days=10), last - timedelta(days=7))
    new = (last - timedelta(days=3), last - timedelta(days=1))
    days = [f"{one.isoformat()}..{other.isoformat()}" for one, other in (old, new)]
    visitor.open(f"/reporting?compare=days&baseline={days[0]}&comparison={days[1]}")
    visitor.page.wait_for_selector(".ag-row [col-id=finding]")
    row = visitor.row("catalog.home")
    for column, (first, final) in (("before", old), ("after", new)):
        values = [
            one.duration
            for one in recount.of("catalog.home")
            if first <= one.time_requested.date() <= final
        ]
        assert values
        shown = float(row.locator(f"[col-id={column}]").inner_text())
        assert shown == pytest.approx(statistics.median(values), rel=0.001)
        assert row.locator(f"[col-id=requests_{column}]").inner_text() == str(len(values))


def test_versions_are_chosen_for_the_report(visitor: Visitor) -> None:
    """By selecting one; the address and the findings follow."""
    visitor.open("/reporting?compare=version")
    page = visitor.page
    page.get_by_role("textbox", name="From version").click()
    page.get_by_role("option", name="1.0.0").click()
    page.wait_for_url("**old=1.0.0**")
    page.get_by_text("Version 2.0.0 compared with version 1.0.0").wait_for()


def test_senders_of_refused_requests_are_shown(visitor: Visitor) -> None:
    """An exporter that is set up wrongly: its address, what it asked for, and what it was told."""
    for _ in range(2):
        requests.post(f"{visitor.served.http}/api/traces", data=b"x", timeout=10)
    visitor.open("/admin/configuration")
    text = visitor.page.locator("#content").inner_text()
    assert "points of metrics stored, duplicates included" in text
    assert "log records stored" in text
    row = visitor.page.locator(".ag-row", has_text="127.0.0.1").filter(has_text="(other) (http)")
    row.wait_for()
    assert "404" in row.inner_text()
    assert int(row.locator("[col-id=times]").inner_text()) >= 2


def test_opening_the_report_leaves_the_address_alone(visitor: Visitor) -> None:
    """The back button leads back at once."""
    visitor.open("/reporting?compare=version")
    visitor.figure("reporting")
    assert visitor.page.url.endswith("/reporting?compare=version")
