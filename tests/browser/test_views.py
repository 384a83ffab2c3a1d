"""Every view's numbers, drawn in the browser, against a recount from the rows."""

from __future__ import annotations

import re
import statistics
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from otel_fmd.database.queries.outliers import outlier_count, outlier_loads
from otel_fmd.database.queries.profiles import grouped_profile, profile_count
from otel_fmd.database.queries.snapshot import Reader
from otel_fmd.database.store import Store
from tests.browser.conftest import Visitor
from tests.browser.test_dashboard import Recount
from tests.support.serving import Served

ALL = "range=30d"
WITHIN = 0.0115
"""Figures from histograms are within 1.1 %."""


@pytest.fixture(scope="module")
def recount(demo: Served) -> Recount:
    """The demo's rows."""
    return Recount(demo)


@pytest.fixture
def visitor(visit: Callable[..., Visitor], demo: Served) -> Visitor:
    """A logged-in admin."""
    one = visit(demo)
    one.log_in()
    return one


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
    assert boxes.keys() == want.keys()
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
        lambda row: (getattr(row, column) or "(unknown)", row.version_requested),
    )
    found = {
        (who, version): (size, int(re.search(r"<br>([\d,]+) requests", text)[1].replace(",", "")))  # type: ignore[index]
        for (who, version, _), size, text in zip(
            trace["customdata"], trace["size"], trace["text"], strict=True
        )
    }
    assert found.keys() == want.keys()
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
    want = durations(recount.of("catalog.product"), lambda row: getattr(row, column) or "(unknown)")
    boxes = {t["name"]: t["median"][0] for t in traces if t["type"] == "box"}
    assert boxes.keys() == want.keys()
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
    assert dict(zip(trace["x"], trace["y"], strict=True)) == want
    visitor.page.wait_for_selector(".ag-row")
    failed = sorted((r for r in rows if r.status_code >= 400), key=lambda r: r.id, reverse=True)
    shown = visitor.page.locator(".cell-link").first.inner_text()
    assert shown == failed[0].time_requested.strftime("%Y-%m-%d %H:%M:%S")


def test_outliers_with_the_load_of_the_machine(visitor: Visitor, recount: Recount) -> None:
    """CPU per core and memory, of every outlier."""
    number = recount.endpoint("catalog.search")
    visitor.open(f"/endpoint/{number}/outliers")
    cores = visitor.figure("outlier-cpu")["data"]
    (memory,) = visitor.figure("outlier-memory")["data"]
    store = Store(visitor.served.database_url)
    with Reader(store).snapshot() as snapshot:
        loads, total = outlier_loads(snapshot, number), outlier_count(snapshot, number)
    store.close()
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
    visitor.open(f"/endpoint/{number}/profiler")
    text = visitor.page.locator("#content").inner_text()
    assert f"{count:,} requests were sampled" in text
    assert "% CPU" in text
    visitor.open(f"/endpoint/{number}/grouped-profiler")
    visitor.page.wait_for_selector("[id*='profile-icicle'] .js-plotly-plot .slice")
    values = visitor.page.evaluate(
        "Array.from(document.querySelector(\"[id*='profile-icicle'] .js-plotly-plot\")"
        "._fullData[0].values)"
    )
    assert values == pytest.approx([line.total_ms for line in merged.lines], rel=0.02)
    line = next(one for one in merged.lines if one.code.startswith("related = rank_related"))
    assert line.total_cpu_ms / line.total_ms > 0.7


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


def test_opening_the_report_leaves_the_address_alone(visitor: Visitor) -> None:
    """The back button leads back at once."""
    visitor.open("/reporting?compare=version")
    visitor.figure("reporting")
    assert visitor.page.url.endswith("/reporting?compare=version")


CLICKS = {
    "daily": ("/daily", "daily", ".barlayer .point path", "endpoint="),
    "multi-version": ("/versions?service=shop", "multi-version", ".heatmaplayer image", "version="),
    "api-performance": ("/performance", "api-performance", ".scatterlayer .point", "endpoint="),
    "endpoint-users": ("/endpoint/{id}/users", "endpoint-users", ".scatterlayer .point", "user="),
    "endpoint-addresses": (
        "/endpoint/{id}/addresses",
        "endpoint-addresses",
        ".scatterlayer .point",
        "ip=",
    ),
    "endpoint-versions": (
        "/endpoint/{id}/versions",
        "endpoint-versions",
        ".scatterlayer .point",
        "version=",
    ),
    "endpoint-user-boxes": (
        "/endpoint/{id}/user-performance",
        "endpoint-user-boxes",
        ".scatterlayer .point",
        "user=",
    ),
    "endpoint-hourly": (
        "/endpoint/{id}/hourly",
        "endpoint-hourly",
        ".heatmaplayer image",
        "hour=",
    ),
}


@pytest.mark.parametrize(("path", "view", "target", "parameter"), CLICKS.values(), ids=CLICKS)
def test_a_click_opens_the_requests_behind_it(
    visitor: Visitor, recount: Recount, path: str, view: str, target: str, parameter: str
) -> None:
    """And back with the back button; every request leads to its page."""
    number = recount.endpoint("checkout.mine")
    visitor.open(path.format(id=number) + ("&" if "?" in path else "?") + ALL)
    visitor.figure(view)
    page = visitor.page
    mark = page.locator(f"[id*='\"{view}\"'] {target}").first
    mark.scroll_into_view_if_needed()
    box = mark.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x - 1, y)
    page.mouse.move(x, y)
    # What a click means is known once the figure has found what the pointer is on.
    page.locator(f"[id*='\"{view}\"'] .hoverlayer .hovertext").first.wait_for()
    page.mouse.click(x, y)
    page.wait_for_url(re.compile(r"/requests\?.*" + parameter))
    page.wait_for_selector(".ag-row")
    page.go_back()
    visitor.figure(view)


def test_grouping_by_blueprint_adds_up(visitor: Visitor, recount: Recount) -> None:
    """And leads to the endpoints of one."""
    visitor.open("/?group=blueprint")
    page = visitor.page
    page.wait_for_selector(".ag-row")
    want = sum(recount.names[row.endpoint_id].startswith("catalog.") for row in recount.rows)
    hits = visitor.row("catalog").locator("[col-id=hits_overall]").inner_text()
    assert int(hits.replace(",", "")) == want
    page.get_by_role("link", name="catalog", exact=True).click()
    page.wait_for_url("**blueprint=catalog**")
    page.wait_for_function(
        "document.querySelectorAll('.ag-center-cols-container .ag-row').length === 3"
    )


def test_what_changed_most_is_said(visitor: Visitor) -> None:
    """The release that made products slower, when its week is compared with the one before."""
    visitor.open("/?range=7d")
    visitor.page.locator(".changes").first.wait_for()
    assert "catalog.product" in visitor.page.locator(".changes").first.inner_text()


def test_columns_are_chosen(visitor: Visitor) -> None:
    """Shown and hidden by a checkbox."""
    visitor.open("/")
    page = visitor.page
    page.wait_for_selector(".ag-row")
    assert page.locator(".ag-header-cell[col-id=per_minute]").count() == 0
    page.get_by_label("Choose the columns of Endpoints").click()
    page.get_by_label("per minute").check()
    page.wait_for_selector(".ag-header-cell[col-id=per_minute]")
    page.get_by_label("hits today").uncheck()
    page.wait_for_function(
        "document.querySelectorAll('.ag-header-cell[col-id=hits_today]').length === 0"
    )


def test_a_graph_is_downloaded_as_png(visitor: Visitor) -> None:
    """Without the mouse, too: it is a button."""
    visitor.open(f"/performance?{ALL}")
    visitor.figure("api-performance")
    page = visitor.page
    button = page.get_by_role("button", name="Download API performance as PNG")
    button.focus()
    with page.expect_download() as caught:
        page.keyboard.press("Enter")
    assert caught.value.suggested_filename == "api-performance.png"


def test_live_keeps_zoom_and_scroll(
    visit: Callable[..., Visitor], serve: Callable[..., Served], new_url: Callable[[str], str]
) -> None:
    """New requests come in by themselves; the zoom of a graph and the scroll of a table stay."""
    import requests

    from tests.support.load import PROTOBUF
    from tests.support.spans import Spans, body, flask_attributes

    served = serve(new_url("sqlite"))

    def send(seed: int) -> None:
        spans = [Spans(seed * 100 + n).span(flask_attributes(f"/items/{n}")) for n in range(60)]
        requests.post(served.traces, body(spans), headers=PROTOBUF, timeout=10).raise_for_status()

    send(1)
    one = visit(served)
    one.log_in()
    page = one.page
    page.clock.install()
    one.open("/")
    page.wait_for_selector(".ag-row")
    page.locator(".mantine-Switch-track").click()
    body_ = page.locator(".ag-body-viewport")
    body_.evaluate("element => element.scrollTop = 600")
    send(2)
    page.clock.run_for(5500)
    page.wait_for_function(
        "Array.from(document.querySelectorAll('.figure-value')).some(e => e.innerText === '120')"
    )
    assert body_.evaluate("element => element.scrollTop") == 600
    one.open("/performance")
    one.figure("api-performance")
    page.locator(".mantine-Switch-track").click()
    plot = "document.querySelector('.js-plotly-plot')"
    area = page.locator(".js-plotly-plot .nsewdrag").bounding_box()
    assert area is not None
    page.mouse.move(area["x"] + area["width"] * 0.3, area["y"] + area["height"] * 0.3)
    page.mouse.down()
    page.mouse.move(area["x"] + area["width"] * 0.6, area["y"] + area["height"] * 0.6, steps=8)
    page.mouse.up()
    zoomed = page.evaluate(f"Array.from({plot}.layout.xaxis.range)")
    assert zoomed[1] - zoomed[0] < 1
    send(3)
    page.clock.run_for(5500)
    page.wait_for_function(f"{plot}.data.at(-1).text[0].includes('3 requests')")
    assert page.evaluate(f"Array.from({plot}.layout.xaxis.range)") == zoomed


def test_a_deep_link_after_login(
    visit: Callable[..., Visitor], demo: Served, recount: Recount
) -> None:
    """Somebody who was sent a link logs in and is there, with the selection."""
    one = visit(demo)
    number = recount.endpoint("catalog.search")
    one.page.goto(f"{demo.dashboard}/endpoint/{number}/hourly?range=30d&service=shop")
    one.page.fill("#username", "admin")
    one.page.fill("#password", "correct horse")
    one.page.click("button[type=submit]")
    one.page.wait_for_url(f"**/endpoint/{number}/hourly?range=30d&service=shop")
    one.figure("endpoint-hourly")


def test_everything_is_reached_by_keyboard(visitor: Visitor) -> None:
    """Tab goes through skip link, selectors, navigation and buttons; focus is seen."""
    visitor.open(f"/performance?{ALL}")
    visitor.figure("api-performance")
    page = visitor.page
    page.evaluate("document.activeElement.blur()")
    names: list[str] = []
    for _ in range(40):
        page.keyboard.press("Tab")
        names.append(
            page.evaluate(
                "(document.activeElement.getAttribute('aria-label') ||"
                " document.activeElement.innerText || document.activeElement.id || '').trim()"
            )
        )
    for name in (
        "Skip to content",
        "Service",
        "Time range",
        "Overview",
        "Reporting",
        "Download API performance as PNG",
        "Download API performance as CSV",
    ):
        assert name in names, name


def test_the_time_zone_is_the_browsers(browser: Any, demo: Served, recount: Recount) -> None:
    """Hours and days are those of whoever looks."""
    from zoneinfo import ZoneInfo

    context = browser.new_context(
        timezone_id="Asia/Kolkata", viewport={"width": 1400, "height": 900}
    )
    one = Visitor(context.new_page(), demo.dashboard)
    one.served = demo
    one.log_in()
    one.open(f"/hourly?{ALL}")
    (heat,) = one.figure("hourly")["data"]
    total = sum(map(sum, heat["z"]))
    zone, utc = ZoneInfo("Asia/Kolkata"), ZoneInfo("UTC")
    hours = {
        row.time_requested.replace(minute=0, second=0, microsecond=0, tzinfo=utc)
        for row in recount.rows
    }
    days = {hour.astimezone(zone).date().isoformat() for hour in hours}
    assert total == len(recount.rows)
    assert {x for c, x in enumerate(heat["x"]) if any(row[c] for row in heat["z"])} == days
    assert datetime.fromisoformat(heat["x"][0])
    context.close()
