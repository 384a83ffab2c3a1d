"""The dashboard in use: clicks, columns, live, deep links, the keyboard, the time zone."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import Any

import pytest
from playwright.sync_api import TimeoutError

from tests.support.recount import Recount
from tests.support.serving import Served
from tests.support.visitor import Visitor, wait_until
from tests.support.waiting import wait_for

ALL = "range=30d"
WITHIN = 0.0115
"""Figures from histograms are within 1.1 %."""

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


FULLEST_CELL = """view => {
    const plot = document.querySelector(`[id*='"${view}"'] .js-plotly-plot`);
    const z = plot.calcdata[0][0].z;
    let best = [0, 0];
    z.forEach((row, y) => row.forEach((value, x) => {
        if (value > z[best[0]][best[1]]) best = [y, x];
    }));
    const { xaxis, yaxis } = plot._fullLayout;
    const place = plot.getBoundingClientRect();
    return [
        place.x + xaxis._offset + xaxis.c2p(best[1]), place.y + yaxis._offset + yaxis.c2p(best[0])
    ];
}"""
"""Where the cell with the most requests is: others may have none to open."""


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
    if "heatmap" in target:
        x, y = page.evaluate(FULLEST_CELL, view)

    wanted = re.compile(r"/requests\?.*" + parameter)

    def is_there() -> bool:
        if wanted.search(page.url):
            return True
        page.mouse.move(x - 1, y)
        page.mouse.move(x, y)
        # What a click means is known once the figure has found what the pointer is on.
        page.locator(f"[id*='\"{view}\"'] .hoverlayer .hovertext").first.wait_for()
        page.mouse.click(x, y)
        # A refresh may draw the figure anew in between: then the click has no effect.
        with suppress(TimeoutError):
            page.wait_for_url(wanted, timeout=10_000)
        return False

    wait_for(is_there, 60, "the requests")
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
    wait_until(page, "document.querySelectorAll('.ag-center-cols-container .ag-row').length === 3")


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
    wait_until(page, "document.querySelectorAll('.ag-header-cell[col-id=hits_today]').length === 0")


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
    wait_until(
        page,
        "Array.from(document.querySelectorAll('.figure-value')).some(e => e.innerText === '120')",
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
    wait_until(page, f"{plot}.data.at(-1).text[0].includes('3 requests')")
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
