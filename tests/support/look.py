"""Looking at pages of the dashboard, without a server."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

from plotly.utils import PlotlyJSONEncoder

from dash_app import routing
from dash_app.context import Context, make_context
from dash_app.pages import PAGES
from dash_app.view import body, csv_text
from otel_fmd.config import Settings
from otel_fmd.queries.snapshot import Reader
from otel_fmd.store.store import Store


def addresses(endpoint: str, request: str) -> list[str]:
    """Of every page, about one endpoint and one request."""
    return [page.address({"endpoint": endpoint, "request": request}) for page in PAGES]


def context_of(store: Store, path: str, search: str, **cookies: str) -> Context:
    """What an admin asks for at an address."""
    made = make_context(
        Reader(store),
        path=path,
        search=search,
        cookies=cookies,
        is_admin=True,
        settings=Settings(),
        prefix="/",
        counters=dict,
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
    for view in found[0].views:
        yield encoded(body(view, context).figure)
        yield csv_text(view, context)
    for live in found[0].live.values():
        yield encoded(list(live(context)))


def rows_of(text: str) -> list[list[str]]:
    """The rows of a CSV."""
    return list(csv.reader(io.StringIO(text)))


def encoded(part: Any) -> str:
    """As it goes over the wire."""
    return PlotlyJSONEncoder().encode(part)
