"""Reporting: two intervals, or two versions, compared endpoint by endpoint."""

from __future__ import annotations

from typing import Any, NamedTuple

import dash_mantine_components as dmc
import plotly.graph_objects as go
from dash import dcc

from dash_app.components.tables import grid
from dash_app.context import Context
from dash_app.figures.forest import Change, median_changes
from dash_app.figures.style import Style, duration_text
from dash_app.page import APPLICATION, Page
from dash_app.view import Table, View, card, nothing
from otel_fmd.analysis.rollup import HOUR_US, HOURS_PER_DAY
from otel_fmd.database.queries.reporting import EndpointReport, report
from otel_fmd.database.queries.selection import Selection
from otel_fmd.database.queries.snapshot import Snapshot
from otel_fmd.database.queries.versions import versions_seen

_WEEK = 7 * HOURS_PER_DAY
PRESETS = {
    "week": "this week and the one before",
    "day": "today and yesterday",
    "range": "the selected time and the one before",
    "version": "the newest version and the one before",
}
_EMPTY = "No endpoint has requests in both times. Choose others, or wait for more."


class Report(NamedTuple):
    """The findings, and what was compared with what."""

    findings: list[EndpointReport]
    baseline: str
    comparison: str


def load(snapshot: Snapshot, context: Context) -> Report | None:
    """Compare what the address asks for."""
    baseline, comparison, names = _selections(snapshot, context)
    found = report(snapshot, baseline, comparison)
    return Report(found, *names) if any(one.ratio or one.status for one in found) else None


def _selections(
    snapshot: Snapshot, context: Context
) -> tuple[Selection, Selection, tuple[str, str]]:
    chosen = context.selection(snapshot)
    ids = chosen.endpoint_ids
    preset = context.query.get("compare", "week")
    now = context.now_us // HOUR_US + 1
    if preset == "version":
        seen = versions_seen(snapshot, ids)[:2]
        if len(seen) == 2:
            new, old = seen
            return (
                Selection(endpoint_ids=ids, version_ids=[old.id]),
                Selection(endpoint_ids=ids, version_ids=[new.id]),
                (f"version {old.name}", f"version {new.name}"),
            )
    if preset == "day":
        today = context.today_us // HOUR_US
        return (
            Selection(today - HOURS_PER_DAY, today, ids),
            Selection(today, now, ids),
            ("yesterday", "today"),
        )
    length = chosen.end_hour - chosen.start_hour if preset == "range" else _WEEK
    end = chosen.end_hour if preset == "range" else now
    return (
        Selection(end - 2 * length, end - length, ids, chosen.version_ids),
        Selection(end - length, end, ids, chosen.version_ids),
        (f"the {length} hours before", f"the last {length} hours"),
    )


def figure(data: Report, style: Style) -> go.Figure:
    """A forest plot of the changed medians."""
    changes = [
        Change(one.endpoint.name, *one.ratio, one.duration_changed)
        for one in data.findings
        if one.ratio is not None
    ]
    return median_changes(changes, style)


def table(data: Report, _context: Context) -> Table:
    """One row per endpoint."""
    header = (
        "endpoint",
        "service",
        "baseline_requests",
        "comparison_requests",
        "baseline_median_ms",
        "comparison_median_ms",
        "ratio",
        "ratio_low",
        "ratio_high",
        "p_value",
        "adjusted_p_value",
        "significant",
        "finding",
    )
    rows = [
        (
            one.endpoint.name,
            one.endpoint.service,
            one.baseline_requests,
            one.comparison_requests,
            one.baseline_median,
            one.comparison_median,
            *(one.ratio or ("", "", "")),
            one.p_value,
            one.adjusted,
            one.is_significant,
            sentence(one),
        )
        for one in data.findings
    ]
    return header, rows


def sentence(one: EndpointReport) -> str:
    """A finding in words."""
    parts = []
    if one.ratio is None:
        parts.append("not enough requests in both times to compare durations")
    elif one.duration_changed:
        percent = 100 * (one.ratio[0] - 1)
        word = "slower" if percent > 0 else "faster"
        parts.append(
            f"{abs(percent):.0f} % {word}: the median went from "
            f"{duration_text(one.baseline_median)} to {duration_text(one.comparison_median)} "
            f"(95 % confidence {100 * (one.ratio[1] - 1):+.0f} to "
            f"{100 * (one.ratio[2] - 1):+.0f} %)"
        )
    else:
        parts.append("no significant change of the durations")
    if one.status_changed:
        worst = max(one.status, key=lambda change: change.change)
        parts.append(
            f"status {worst.status_code} went from {worst.baseline:.1f} % to "
            f"{worst.comparison:.1f} % of the requests"
        )
    return "; ".join(parts)


VIEW = View(
    name="reporting",
    title="What changed",
    description="Each dot is an endpoint: how much its median changed, with the 95 % confidence "
    "interval. Orange got slower, green faster; grey may be chance (median test, corrected for "
    "testing many endpoints at once by Benjamini and Hochberg, false discovery rate 5 %).",
    load=load,
    figure=figure,
    table=table,
    empty=_EMPTY,
)


def layout(context: Context) -> list[Any]:
    """Presets, the forest plot, and the findings in words."""
    with context.reader.snapshot() as snapshot:
        data = load(snapshot, context)
    chosen = context.query.get("compare", "week")
    links = [
        dcc.Link(
            f"Compare {label}",
            href=context.href("/reporting", compare=key),
            className="preset" + (" preset-active" if key == chosen else ""),
        )
        for key, label in PRESETS.items()
    ]
    head = dmc.Group(links, className="card")
    if data is None:
        return [head, card(VIEW, context)]
    rows = [
        {
            "endpoint": one.endpoint.name,
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
    columns = (
        ("endpoint", "endpoint", "link"),
        ("significant", "significant", ""),
        ("finding", "finding", "words"),
        ("before", "median before (ms)", "duration"),
        ("after", "median after (ms)", "duration"),
        ("requests_before", "requests before", "number"),
        ("requests_after", "requests after", "number"),
    )
    note = f"{data.comparison} compared with {data.baseline}; significant findings first."
    found = grid("findings", "Findings", rows, columns, note=note, empty=nothing(_EMPTY))
    return [head, card(VIEW, context), found]


PAGE = Page("/reporting", "Reporting", APPLICATION, (VIEW,), layout)
