"""Reporting: two intervals, or two versions, compared endpoint by endpoint."""

from __future__ import annotations

from typing import Any

import dash_mantine_components as dmc
import plotly.graph_objects as go
from dash import dcc

from dash_app.chart import Chart, card
from dash_app.components.states import nothing
from dash_app.components.tables import Row, grid
from dash_app.context import Context
from dash_app.figures.forest import Change, median_changes
from dash_app.figures.style import Style
from dash_app.page import APPLICATION, Live, LiveTable, Page
from otel_fmd.views.load import Loaded
from otel_fmd.views.report import (
    BASELINE,
    COMPARE,
    COMPARISON,
    NEW,
    OLD,
    PRESETS,
    REPORT,
    Report,
    sentence,
)


def figure(data: Report, style: Style) -> go.Figure:
    """A forest plot of the changed medians."""
    changes = [
        Change(data.labels[one.endpoint.id], *one.ratio, one.duration_changed)
        for one in data.findings
        if one.ratio is not None
    ]
    return median_changes(changes, style)


CHART = Chart(REPORT, figure)


def layout(loaded: Loaded[Context], context: Context) -> list[Any]:
    """Presets, a choice of times or versions, the forest plot, and the findings in words."""
    data = loaded[REPORT]
    chosen = context.value(COMPARE)
    links = [
        dcc.Link(
            f"Compare {label}",
            href=context.href("/reporting", compare=key),
            className="preset" + (" preset-active" if key == chosen else ""),
        )
        for key, label in PRESETS.items()
    ]
    picked = _choice(context, chosen, data.versions)
    head = [dmc.Group(links, className="card", gap="xs"), picked, card(CHART, loaded)]
    if not data:
        return head
    columns = (
        ("endpoint", "endpoint", "link"),
        ("significant", "significant", "time"),
        ("finding", "finding", "words"),
        ("before", "median before (ms)", "duration"),
        ("after", "median after (ms)", "duration"),
        ("requests_before", "hits before", "number"),
        ("requests_after", "hits after", "number"),
    )
    compared = f"{data.comparison.capitalize()} compared with {data.baseline}"
    note = f"{compared}; significant findings first."
    rows = _rows(data, context)
    found = grid("findings", "Findings", rows, columns, note=note, empty=nothing(REPORT.empty))
    return [*head, found]


def _rows(data: Report, context: Context) -> list[Row]:
    return [
        {
            "id": str(one.endpoint.id),
            "endpoint": data.labels[one.endpoint.id],
            "href": context.href(f"/endpoint/{one.endpoint.id}/versions"),
            "significant": "yes" if one.is_significant else "no",
            "finding": sentence(one),
            "before": one.baseline_median,
            "after": one.comparison_median,
            "requests_before": one.baseline_requests,
            "requests_after": one.comparison_requests,
        }
        for one in data.findings
    ]


def live(data: Report, context: Context) -> Live:
    """The findings, refreshed."""
    return Live(_rows(data, context) if data else [])


def _choice(context: Context, chosen: str, versions: list[str]) -> Any:
    """Pickers for the two ranges, or the two versions; the choice goes into the address."""
    if chosen == "days":
        pickers = [
            dmc.DatePickerInput(
                id={"type": "report", "part": name, "was": context.query.get(name, "")},
                type="range",
                label=label,
                value=_picked(context, name),
                placeholder="First and last day",
                w=260,
            )
            for name, label in (
                (BASELINE.name, "From (baseline)"),
                (COMPARISON.name, "To (comparison)"),
            )
        ]
    elif chosen == "version":
        newest = versions[:2] if len(versions) > 1 else ["", ""]
        pickers = [
            dmc.Select(
                id={"type": "report", "part": name, "was": context.query.get(name) or default},
                label=label,
                data=versions,
                value=context.query.get(name) or default,
                searchable=True,
                allowDeselect=False,
                w=220,
            )
            for name, label, default in (
                (OLD.name, "From version", newest[1]),
                (NEW.name, "To version", newest[0]),
            )
        ]
    else:
        return None
    return dmc.Group(pickers, className="card", align="end")


def _picked(context: Context, name: str) -> list[str | None]:
    days = context.days_of(context.query.get(name, ""))
    return [None, None] if days is None else [days.first.isoformat(), days.last.isoformat()]


PAGE = Page(
    "/reporting",
    "Reporting",
    APPLICATION,
    (CHART,),
    layout=layout,
    tables={"findings": LiveTable(REPORT, live)},
)
