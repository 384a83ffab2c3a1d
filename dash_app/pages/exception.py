"""One group of exceptions: where it is raised, how often, and what was decided about it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import dash_mantine_components as dmc
import plotly.graph_objects as go
from dash import dcc, html

from dash_app.chart import Chart, card
from dash_app.components.frame import framed
from dash_app.components.stack_trace import stack_trace
from dash_app.components.states import failure
from dash_app.components.tables import Row, grid
from dash_app.context import Context
from dash_app.figures.occurrences import occurrences_over_time
from dash_app.figures.style import Style
from dash_app.page import HIDDEN, Page
from dash_app.pages.exception_changes import decisions, register, regrouping
from otel_fmd.analysis.text import count_text, visible
from otel_fmd.queries.exception_groups import Status
from otel_fmd.queries.exception_occurrences import Occurrence
from otel_fmd.views.exception_group import EXCEPTION_GROUP, NoGroup, WholeGroup
from otel_fmd.views.exceptions import MOST_USERS, OPEN
from otel_fmd.views.load import Loaded

_MOST_VERSIONS = 12


def figure(data: WholeGroup, style: Style) -> go.Figure:
    """Occurrences over the selected time, by version."""
    first, step, parts = data.span.minutes[0], data.span.step, data.span.number
    starts = [
        datetime.fromtimestamp((first + part * step) * 60, UTC).astimezone(data.zone)
        for part in range(parts)
    ]
    found = data.counts.version_parts
    per_version = {
        name: [found.get((number, part), 0) for part in range(parts)]
        for number, name in data.versions.items()
    }
    return occurrences_over_time(starts, per_version, step, style)


CHART = Chart(
    EXCEPTION_GROUP,
    figure,
    name="exception-occurrences",
    title="Occurrences over time",
    description="Every occurrence counts, kept or not. A version that begins when the bars do "
    "brought the bug.",
)


def layout(loaded: Loaded[Context], context: Context) -> Any:
    """Everything about the group."""
    data = loaded[EXCEPTION_GROUP]
    if isinstance(data, NoGroup):
        return failure(data.reason)
    parts: list[Any] = [_head(data, context), *decisions(data, context)]
    if data.figures.occurrences:
        parts.append(card(CHART, loaded))
    parts.append(_newest(data, context))
    parts.append(_occurrences(data, context))
    parts.append(_endpoints(data, context))
    parts += regrouping(data, context)
    return parts


def _head(data: WholeGroup, context: Context) -> Any:
    one = data.figures
    group, total = one.group, one.total
    users = f"{one.users:,}" + (" or more" if one.users >= MOST_USERS else "")
    figures = (
        ("in the selected time", count_text(one.occurrences), "occurrences"),
        ("of all time", count_text(total.occurrences), "occurrences"),
        ("users", users, "affected, as far as they are known"),
        ("first seen", context.time_of(total.first_us), context.zone.key),
        ("last seen", context.time_of(total.last_us), context.zone.key),
    )
    cards = [
        html.Div(
            [
                html.Div(name, className="figure-name"),
                html.Div(value, className="figure-value"),
                html.Div(note, className="muted"),
            ]
        )
        for name, value, note in figures
    ]
    state = OPEN if one.status is Status.UNRESOLVED else one.status.value
    badges = [html.Span(state, className=f"state state-{state}")]
    if one.is_new:
        badges.append(html.Span("new in this version", className="state"))
    return framed(
        [
            dcc.Link("← Exceptions", href=context.href("/exceptions")),
            html.H2(visible(group.type)),
            html.P(visible(group.message), className="exception-message"),
            html.P(
                [visible(group.culprit), f" · {visible(one.service)}" if one.service else ""],
                className="card-help",
            ),
            dmc.Group([*badges, html.Span(_decided(data, context), className="muted")], gap="xs"),
            dmc.SimpleGrid(cards, cols={"base": 2, "sm": 3, "lg": 5}, mt="md"),
        ]
    )


def _decided(data: WholeGroup, context: Context) -> str:
    """Who decided what about it, and when."""
    group = data.figures.group
    words = []
    if group.state_us is not None and group.state_by:
        verb = {0: "reopened", 1: "resolved", 2: "ignored"}[group.state]
        detail = f" {group.state_detail}" if group.state_detail else ""
        words.append(f"{verb}{detail} by {group.state_by} at {context.time_of(group.state_us)}")
    if group.until_us is not None:
        words.append(f"until {context.time_of(group.until_us)}")
    if group.until_count is not None:
        words.append(f"until it has occurred {group.until_count:,} times")
    if group.assignee:
        words.append(f"assigned to {group.assignee}")
    return ", ".join(words)


def _newest(data: WholeGroup, context: Context) -> Any:
    """The stack trace of the newest occurrence that was kept."""
    if not data.occurrences:
        return framed(
            [
                html.H2("Stack trace", className="card-title"),
                html.P(
                    "No occurrence is kept any more: they were pruned with their requests.",
                    className="card-help",
                ),
            ]
        )
    one = data.occurrences[0]
    return framed(
        [
            html.H2("Newest stack trace", className="card-title"),
            html.P(
                f"{context.time_of(one.time_us)} ({context.zone.key}), version "
                f"{one.version or 'unknown'}. The innermost call stands first; "
                "your own code is open, libraries are closed.",
                className="card-help",
            ),
            occurrence_stack(one, data, context),
        ]
    )


def occurrence_stack(one: Occurrence, data: Any, context: Context) -> Any:
    """The stack trace of an occurrence, with what it does not share with others."""
    chain = data.chains.get(one.stack_trace_id)
    if chain is None:
        return None
    messages = one.details.get("messages") or [one.message]
    variables = one.details.get("variables") or {}
    notes = [html.P(visible(note), className="muted") for note in one.details.get("notes", ())]
    link = (
        dcc.Link("Request →", href=context.href(f"/request/{one.request_id}"))
        if one.request_id is not None and context.path.startswith("/exception")
        else None
    )
    return html.Div([*notes, stack_trace(chain, messages, variables, data.sources), link])


def _occurrences(data: WholeGroup, context: Context) -> Any:
    columns = (
        ("time", f"time ({context.zone.key})", "moment-link"),
        ("message", "message", "name"),
        ("endpoint", "endpoint", "name"),
        ("version", "version", ""),
        ("user", "user", ""),
        ("captured", "handled", "short"),
    )
    kept, total = len(data.occurrences), data.figures.total.occurrences
    note = f"{kept:,} shown of those kept; {total:,} were counted. Click a time for its request."
    table = grid("occurrences", "Occurrences", _rows(data, context), columns, note=note)
    if data.cursor is None:
        return table
    more = context.href(context.path, cursor=str(data.cursor))
    return html.Div([table, dmc.Center(dcc.Link("Older occurrences →", href=more))])


def _rows(data: WholeGroup, context: Context) -> list[Row]:
    return [
        {
            "id": str(one.id),
            "time": context.time_of(one.time_us),
            "href": "" if one.request_id is None else context.href(f"/request/{one.request_id}"),
            "message": one.message,
            "endpoint": data.endpoints.get(one.endpoint_id, ""),
            "version": one.version,
            "user": one.user,
            "captured": "yes" if one.is_captured else "",
        }
        for one in data.occurrences
    ]


def _endpoints(data: WholeGroup, context: Context) -> Any:
    """How often it occurred at each endpoint, and in each version."""
    by_endpoint = sorted(data.counts.endpoints.items(), key=lambda item: -item[1])
    return dmc.SimpleGrid(
        [
            _shares(
                "Endpoints",
                [
                    (
                        dcc.Link(
                            visible(data.endpoints.get(number, "?")),
                            href=context.href(f"/endpoint/{number}/exceptions"),
                        )
                        if number
                        else data.endpoints.get(number, "?"),
                        count,
                    )
                    for number, count in by_endpoint[:_MOST_VERSIONS]
                ],
            ),
            _shares(
                "Versions",
                [
                    (visible(name), count)
                    for name, count in list(data.figures.versions.items())[:_MOST_VERSIONS]
                ],
            ),
        ],
        cols={"base": 1, "lg": 2},
    )


def _shares(title: str, rows: list[tuple[Any, int]]) -> Any:
    total = sum(count for _, count in rows) or 1
    body = [
        dmc.TableTr(
            [
                dmc.TableTd(name),
                dmc.TableTd(f"{count:,}", style={"textAlign": "right"}),
                dmc.TableTd(f"{100 * count / total:.1f} %", style={"textAlign": "right"}),
            ]
        )
        for name, count in rows
    ]
    empty = html.P("None in the selected time.", className="card-help")
    table = dmc.Table(dmc.TableTbody(body)) if rows else empty
    return framed([html.H2(title, className="card-title"), table])


def _drawn(context: Context) -> Any:
    """The page after a change."""
    here = context.at(PAGE.match(context.path) or {})
    return PAGE.content(PAGE.load(here))


PAGE = Page(
    "/exception/<group>",
    "Exception",
    HIDDEN,
    (CHART,),
    layout=layout,
    register=lambda app, make: register(app, make, _drawn),
)
