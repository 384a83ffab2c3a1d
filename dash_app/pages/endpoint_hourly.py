"""Hourly utilization of one endpoint, and what metrics say of it."""

from __future__ import annotations

from typing import Any

from dash_app.chart import Chart, card
from dash_app.components.facts import fact_table
from dash_app.context import Context
from dash_app.figures.heatmap import hourly_load
from dash_app.page import ENDPOINT, Page
from dash_app.pages.hourly import open_hour
from otel_fmd.analysis.text import count_text, duration_text
from otel_fmd.views.load import Loaded
from otel_fmd.views.measured import ENDPOINT_MEASURED, EndpointMeasured
from otel_fmd.views.utilization import ENDPOINT_HOURLY

CHART = Chart(ENDPOINT_HOURLY, hourly_load, open_hour, over_days=True)


def measured_facts(data: EndpointMeasured) -> list[tuple[str, str]]:
    """What metrics counted, marked as such, beside what is stored."""
    one = data.measured
    share = "–" if data.share is None else f"{100 * data.share:.3g} %"
    return [
        ("requests, from metrics", f"{one.requests:,}"),
        ("per minute, from metrics", count_text(round(one.requests * 60 / data.seconds, 2))),
        ("errors, from metrics", f"{one.errors:,}"),
        ("median, from metrics", duration_text(one.median_ms)),
        ("95th percentile, from metrics", duration_text(one.p95_ms)),
        ("requests stored, from spans", f"{data.stored:,} ({share} of all)"),
    ]


def layout(loaded: Loaded[Context], _context: Context) -> list[Any]:
    """The chart, and the metrics of the endpoint if there are any."""
    data = loaded[ENDPOINT_MEASURED]
    parts: list[Any] = [card(CHART, loaded)]
    if data is not None:
        parts.append(fact_table(ENDPOINT_MEASURED.title, measured_facts(data)))
    return parts


PAGE = Page(
    "/endpoint/<endpoint>/hourly",
    "Hourly load",
    ENDPOINT,
    (CHART,),
    views=(ENDPOINT_MEASURED,),
    layout=layout,
)
