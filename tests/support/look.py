"""Looking at pages of the dashboard, without a server."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

from plotly.utils import PlotlyJSONEncoder

from dash_app import routing
from dash_app.context import Context, make_context
from dash_app.live import chart_csv, fresh
from dash_app.page import Page
from dash_app.pages import PAGES
from otel_fmd.config import Settings
from otel_fmd.people.actor import OPERATOR, Actor
from otel_fmd.queries.snapshot import Reader
from otel_fmd.store.store import Store
from otel_fmd.views.look import NO_PROCESS


def addresses(endpoint: str, request: str) -> list[str]:
    """Of every page, about one endpoint and one request."""
    return [page.address({"endpoint": endpoint, "request": request}) for page in PAGES]


def context_of(
    store: Store, path: str, search: str, actor: Actor = OPERATOR, **cookies: str
) -> Context:
    """What somebody asks for at an address."""
    made = make_context(
        Reader(store),
        path=path,
        search=search,
        cookies=cookies,
        actor=actor,
        settings=Settings(),
        prefix="/",
        process=NO_PROCESS,
        host="localhost",
    )
    found = routing.find_page(path)
    return made if found is None else made.at(found[1])


def everything_of(context: Context) -> Iterator[str]:
    """All that a browser may be sent for an address: the page, its figures, tables and CSVs."""
    shown = routing.show(context)
    for part in shown:
        # React draws no list within a list.
        assert not any(isinstance(one, list) for one in (part if isinstance(part, list) else []))
    yield from (encoded(part) for part in shown)
    found = routing.find_page(context.path)
    if found is None:
        return
    yield encoded(list(fresh(context)))
    for chart in found[0].charts:
        yield chart_csv(chart, context)


def plain_charts() -> list[tuple[Page, str]]:
    """Every chart that needs no details of requests, and no metrics, with its page."""
    return [
        (page, chart.key)
        for page in PAGES
        for chart in page.charts
        if not chart.key.startswith(("outlier-", "profile-", "runtime-", "metric"))
    ]


def rows_on(context: Context, table: str) -> list[dict[str, Any]]:
    """The rows of a table on the page that is looked at."""
    return fresh(context).tables[table].rows


def rows_of(text: str) -> list[list[str]]:
    """The rows of a CSV."""
    return list(csv.reader(io.StringIO(text)))


def encoded(part: Any) -> str:
    """As it goes over the wire."""
    return PlotlyJSONEncoder().encode(part)
