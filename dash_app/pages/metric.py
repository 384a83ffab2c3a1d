"""One metric over time: aggregation, grouping and filters are links, so that they can be shared."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go
from dash import dcc, html

from dash_app.chart import Chart, card
from dash_app.components.frame import framed
from dash_app.components.states import failure
from dash_app.components.tables import grid
from dash_app.context import Context
from dash_app.figures.lines import TimeLine, lines_over_time
from dash_app.figures.style import Style
from dash_app.page import HIDDEN, Page
from dash_app.pages.metrics import PATH
from otel_fmd.analysis.text import duration_text, visible
from otel_fmd.queries.exemplars import LinkedExemplar
from otel_fmd.signals.metric import KIND_NAMES
from otel_fmd.views.load import Loaded
from otel_fmd.views.metrics import (
    AGGREGATION,
    GROUP_BY,
    LABELS,
    METRIC_OVER_TIME,
    STEP_SECONDS,
    MetricOverTime,
    NoMetric,
    step_start_us,
)

_OWN = (AGGREGATION, GROUP_BY, LABELS, STEP_SECONDS)
_MOST_LINKS = 30


def line_name(labels: Sequence[str], whole: str) -> str:
    """What a line is called: its labels' values, or the metric."""
    return ", ".join(one or "(none)" for one in labels) or whole


def figure(data: MetricOverTime, style: Style) -> go.Figure:
    """A line for each group."""
    starts = [step_start_us(data.minutes, step) for step in range(data.minutes.steps)]
    lines = [TimeLine(line_name(line.labels, data.metric.name), line.values) for line in data.lines]
    title = f"{data.aggregation} of {data.metric.name}"
    return lines_over_time(starts, lines, title, data.unit, style)


CHART = Chart(METRIC_OVER_TIME, figure)


def layout(loaded: Loaded[Context], context: Context) -> Any:
    """What it is, how it is shown, the lines, and exemplars."""
    data = loaded[METRIC_OVER_TIME]
    if isinstance(data, NoMetric):
        return failure(data.reason)
    metric = data.metric
    read = f"{data.series:,} series" + (
        f" of {data.of_series:,}: the first ones" if data.series < data.of_series else ""
    )
    rest = f"; {data.others:,} more lines with smaller values are not shown" if data.others else ""
    head = framed(
        [
            dcc.Link("← Metrics", href=context.href(PATH)),
            html.H2(visible(metric.name)),
            html.P(visible(metric.description), className="card-help"),
            html.P(
                f"{KIND_NAMES[metric.kind]} of {visible(metric.service)}"
                + (f" in {visible(metric.unit)}" if metric.unit else "")
                + f"; {read}{rest}.",
                className="muted",
            ),
            _links("Show", _aggregations(data, context)),
            _links("A line for each", _groups(data, context)),
            _filters(data, context),
        ]
    )
    parts = [head, card(CHART, loaded)]
    if data.exemplars:
        parts.append(_exemplars(data.exemplars, metric.unit, context))
    return parts


def _href(context: Context, **changes: str | None) -> str:
    own = {one.name: context.query.get(one.name) for one in _OWN}
    return context.href(context.path, **{**own, **changes})


def _link(label: str, href: str, *, active: bool) -> dcc.Link:
    return dcc.Link(
        visible(label), href=href, className="preset" + (" preset-active" if active else "")
    )


def _links(title: str, links: Sequence[Any]) -> Any:
    if not links:
        return None
    return html.Div([html.Span(f"{title}:", className="muted"), *links], className="changes")


def _aggregations(data: MetricOverTime, context: Context) -> list[Any]:
    return [
        _link(one, _href(context, aggregation=one), active=one == data.aggregation)
        for one in data.aggregations
    ]


def _groups(data: MetricOverTime, context: Context) -> list[Any]:
    found = []
    for name in list(data.labels)[:_MOST_LINKS]:
        on = name in data.group_by
        rest = [one for one in data.group_by if one != name]
        wanted = ",".join(rest if on else [*rest, name]) or None
        found.append(_link(name, _href(context, group_by=wanted), active=on))
    return found


def _filters(data: MetricOverTime, context: Context) -> Any:
    """A list of values to choose from for each label; the chosen ones can be removed."""
    chosen = context.value(LABELS)
    refusal = context.refusal(LABELS)
    parts: list[Any] = [
        _link(
            f"{name}: {value or '(none)'} ✕",
            _href(context, labels=_json({k: v for k, v in chosen.items() if k != name})),
            active=True,
        )
        for name, value in chosen.items()
    ]
    if refusal:
        parts.append(html.Span(f"labels (ignored): {refusal}", className="muted"))
    for name, values in list(data.labels.items())[:_MOST_LINKS]:
        if name in chosen or len(values) < 2:
            continue
        links = [
            _link(
                value or "(none)",
                _href(context, labels=_json({**chosen, name: value})),
                active=False,
            )
            for value in values
        ]
        parts.append(
            html.Details([html.Summary(visible(name)), html.Div(links, className="changes")])
        )
    return _links("Only", parts)


def _json(labels: dict[str, str]) -> str | None:
    return json.dumps(labels, separators=(",", ":")) if labels else None


def _exemplars(found: Sequence[LinkedExemplar], unit: str, context: Context) -> Any:
    rows = [
        {
            "id": f"{one.time_us}-{one.trace_id}-{place}",
            "href": "" if one.request is None else context.href(f"/request/{one.request.id}"),
            "time": context.time_of(one.time_us),
            "value": f"{one.value:.6g} {visible(unit)}",
            "took": "not stored" if one.request is None else duration_text(one.request.duration),
            "trace": one.trace_id,
        }
        for place, one in enumerate(found)
    ]
    columns = (
        ("time", "measured at", "moment-link"),
        ("value", "value", "short"),
        ("took", "its request took", "short"),
        ("trace", "trace", "words"),
    )
    note = "The largest measurements that name a span; a link leads to the request."
    return grid("exemplars", "Exemplars", rows, columns, note=note)


PAGE = Page(f"{PATH}/<metric>", "Metric", HIDDEN, (CHART,), layout=layout)
