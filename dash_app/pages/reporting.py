"""Reporting: two intervals, or two versions, compared endpoint by endpoint."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import dash_mantine_components as dmc
import plotly.graph_objects as go
from dash import dcc

from dash_app.components.tables import Row, grid
from dash_app.context import Context
from dash_app.figures.forest import Change, median_changes
from dash_app.figures.style import Style, duration_text
from dash_app.page import APPLICATION, Live, Page
from dash_app.view import Table, View, card, nothing
from otel_fmd.analysis.rollup import HOUR_US, HOURS_PER_DAY
from otel_fmd.queries.reporting import EndpointReport, report
from otel_fmd.queries.selection import Selection
from otel_fmd.queries.snapshot import Snapshot
from otel_fmd.queries.versions import versions_seen

_WEEK = 7 * HOURS_PER_DAY
_MOST_VERSIONS = 100
PRESETS = {
    "week": "this week and the one before",
    "day": "today and yesterday",
    "range": "the selected time and the one before",
    "days": "two times of your choice",
    "version": "two versions",
}
_EMPTY = "No endpoint has requests in both times. Choose others, or wait for more."


class Report(NamedTuple):
    """The findings, what was compared with what, and what endpoints are called by their id."""

    findings: list[EndpointReport]
    baseline: str
    comparison: str
    labels: Mapping[int, str]


def load(snapshot: Snapshot, context: Context) -> Report | None:
    """Compare what the address asks for."""
    compared = _selections(snapshot, context)
    found = report(snapshot, compared.baseline, compared.comparison)
    if not any(one.ratio or one.status for one in found):
        return None
    return Report(found, *compared.names, snapshot.labels)


class Compared(NamedTuple):
    """Two selections, and what they are called."""

    baseline: Selection
    comparison: Selection
    names: tuple[str, str]


def _selections(snapshot: Snapshot, context: Context) -> Compared:
    chosen = context.selection(snapshot)
    ids, versions = chosen.endpoint_ids, chosen.version_ids
    preset = _preset(context)
    now = context.now_us // HOUR_US + 1
    if preset == "version":
        found = _versions(snapshot, context)
        if found is not None:
            return found
    if preset == "day":
        today = context.today_us // HOUR_US
        return Compared(
            Selection(today - HOURS_PER_DAY, today, ids, versions),
            Selection(today, now, ids, versions),
            ("yesterday", "today"),
        )
    days = [context.days_of(context.query.get(name, "")) for name in ("baseline", "comparison")]
    if preset == "days" and days[0] is not None and days[1] is not None:
        old, new = days[0], days[1]
        return Compared(
            Selection.between(*old.times_us).of(ids, versions),
            Selection.between(*new.times_us).of(ids, versions),
            (old.words, new.words),
        )
    length = chosen.end_hour - chosen.start_hour if preset == "range" else _WEEK
    end = chosen.end_hour if preset == "range" else now
    words = f"{length // HOURS_PER_DAY} days" if length % HOURS_PER_DAY == 0 else f"{length} hours"
    return Compared(
        Selection(end - 2 * length, end - length, ids, versions),
        Selection(end - length, end, ids, versions),
        (f"the {words} before", f"the last {words}"),
    )


def _versions(snapshot: Snapshot, context: Context) -> Compared | None:
    """The two versions that are chosen, else the newest two."""
    ids = context.selection(snapshot).endpoint_ids
    seen = {one.name: one.id for one in versions_seen(snapshot, ids)}
    newest = list(seen)[:2]
    if len(newest) < 2:
        return None
    old, new = context.query.get("old", ""), context.query.get("new", "")
    old, new = (old if old in seen else newest[1]), (new if new in seen else newest[0])
    return Compared(
        Selection(endpoint_ids=ids, version_ids=[seen[old]]),
        Selection(endpoint_ids=ids, version_ids=[seen[new]]),
        (f"version {old}", f"version {new}"),
    )


def _preset(context: Context) -> str:
    chosen = context.query.get("compare", "week")
    return chosen if chosen in PRESETS else "week"


def figure(data: Report, style: Style) -> go.Figure:
    """A forest plot of the changed medians."""
    changes = [
        Change(data.labels[one.endpoint.id], *one.ratio, one.duration_changed)
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
    """Presets, a choice of times or versions, the forest plot, and the findings in words."""
    with context.reader.snapshot() as snapshot:
        data = load(snapshot, context)
        seen = versions_seen(snapshot, context.selection(snapshot).endpoint_ids)
    chosen = _preset(context)
    links = [
        dcc.Link(
            f"Compare {label}",
            href=context.href("/reporting", compare=key),
            className="preset" + (" preset-active" if key == chosen else ""),
        )
        for key, label in PRESETS.items()
    ]
    names = [one.name for one in seen[:_MOST_VERSIONS]]
    head = [dmc.Group(links, className="card", gap="xs"), _choice(context, chosen, names)]
    if data is None:
        return [*head, card(VIEW, context)]
    columns = (
        ("endpoint", "endpoint", "link"),
        ("significant", "significant", "time"),
        ("finding", "finding", "words"),
        ("before", "median before (ms)", "duration"),
        ("after", "median after (ms)", "duration"),
        ("requests_before", "hits before", "number"),
        ("requests_after", "hits after", "number"),
    )
    note = f"{data.comparison.capitalize()} compared with {data.baseline}; significant ones first."
    rows = _rows(data, context)
    found = grid("findings", "Findings", rows, columns, note=note, empty=nothing(_EMPTY))
    return [*head, card(VIEW, context), found]


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


def live(context: Context) -> Live:
    """The findings again."""
    with context.reader.snapshot() as snapshot:
        data = load(snapshot, context)
    return Live([] if data is None else _rows(data, context))


def _choice(context: Context, chosen: str, versions: list[str]) -> Any:
    """Pickers of the two times, or of the two versions; what is picked goes into the address."""
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
            for name, label in (("baseline", "From (baseline)"), ("comparison", "To (comparison)"))
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
                ("old", "From version", newest[1]),
                ("new", "To version", newest[0]),
            )
        ]
    else:
        return None
    return dmc.Group(pickers, className="card", align="end")


def _picked(context: Context, name: str) -> list[str | None]:
    days = context.days_of(context.query.get(name, ""))
    return [None, None] if days is None else [days.first.isoformat(), days.last.isoformat()]


PAGE = Page("/reporting", "Reporting", APPLICATION, (VIEW,), layout, live={"findings": live})
