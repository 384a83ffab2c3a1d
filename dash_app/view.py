"""A view: one graph, from query to figure, and how it is shown in every state.

A page declares views; this module renders them the same way everywhere: title, help, CSV, the
figure, what to do when there is nothing, and the cause when it failed.
"""

from __future__ import annotations

import csv
import io
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import dash_mantine_components as dmc
import plotly.graph_objects as go
from dash import dcc, html

from dash_app.context import Context
from dash_app.figures.marks import Mark, add_marks
from dash_app.figures.style import Style
from otel_fmd.errors import OtelFmdError
from otel_fmd.queries.facts import adopted_us
from otel_fmd.queries.snapshot import Snapshot
from otel_fmd.queries.versions import versions_seen

_log = logging.getLogger(__name__)
Table = tuple[Sequence[str], Sequence[Sequence[Any]]]
"""A header and rows, for CSV."""


@dataclass(frozen=True, slots=True)
class View:
    """One graph.

    Args:
        name: unique; part of element ids and of the CSV's name.
        title: what it shows.
        description: what it tells, and when to worry.
        load: the query; None or something falsy when there is nothing to show.
        figure: data to figure.
        table: data to header and rows, for CSV.
        empty: what to do when there is nothing.
        over_days: its x axis is days, on which deploys are marked.
        click: from a clicked point to an address; None: nothing happens.
    """

    name: str
    title: str
    description: str
    load: Callable[[Snapshot, Context], Any]
    figure: Callable[[Any, Style], go.Figure]
    table: Callable[[Any, Context], Table]
    empty: str = "No requests in the selected time. Choose a longer time range, or send some."
    click: Callable[[dict[str, Any], Context], str | None] | None = None
    over_days: bool = False


def clicked_key(point: dict[str, Any]) -> str:
    """What a figure put into a clicked point's `customdata`; '' when it has none."""
    found = point.get("customdata")
    if isinstance(found, list):
        found = found[0] if found else ""
    return str(found or "")


def style_of(context: Context) -> Style:
    """How figures look for this browser."""
    settings = context.settings
    return Style(
        dark=context.dark, narrow=context.narrow, zone=context.zone.key, colors=settings.colors
    )


def marks_of(snapshot: Snapshot, context: Context) -> list[Mark]:
    """When each version was first seen, and where an adopted history of FMD ends."""
    endpoints = context.selection(snapshot).endpoint_ids
    marks = [
        Mark(
            context.day_of(version.first_us),
            f"version {version.name} first seen {context.time_of(version.first_us)[:16]}",
        )
        for version in versions_seen(snapshot, endpoints)
    ]
    adopted = adopted_us(snapshot)
    if adopted is not None:
        moment = context.time_of(adopted)
        words = "until here FMD timed the view, from here OpenTelemetry the whole request"
        marks.append(Mark(context.day_of(adopted), f"adopted {moment[:16]}: {words}"))
    return marks


def card(view: View, context: Context) -> dmc.Paper:
    """The whole card of a view, its body rendered."""
    return dmc.Paper(
        [
            dmc.Group(
                [
                    html.H2(view.title, className="card-title"),
                    dmc.Group(
                        [_download(view, "PNG"), _download(view, "CSV")],
                        gap="xs",
                    ),
                ],
                justify="space-between",
            ),
            html.P(view.description, className="card-help"),
            *_drawn(view, body(view, context)),
        ],
        withBorder=True,
        p="md",
        radius="md",
        className="card",
    )


def _download(view: View, kind: str) -> dmc.Button:
    return dmc.Button(
        kind,
        id={"type": kind.lower(), "view": view.name},
        variant="default",
        size="compact-sm",
        **{"aria-label": f"Download {view.title} as {kind}"},
    )


class Body(NamedTuple):
    """A figure and its height in pixels, or what is shown instead of it."""

    figure: go.Figure
    height: int
    message: Any = None

    @property
    def style(self) -> dict[str, str]:
        """The graph's: it stays on the page without a figure, so that a refresh finds it."""
        return {"height": f"{self.height}px"} if self.height else {"display": "none"}


def body(view: View, context: Context) -> Body:
    """The figure of a view, or why there is none."""
    try:
        with context.reader.snapshot() as snapshot:
            data = view.load(snapshot, context)
            marks = marks_of(snapshot, context) if view.over_days else []
    except OtelFmdError as error:
        _log.warning("view %s: %s", view.name, error)
        return Body(go.Figure(), 0, failure(f"The data could not be read: {error}"))
    if not data:
        return Body(go.Figure(), 0, nothing(view.empty))
    figure = add_marks(view.figure(data, style_of(context)), marks, style_of(context))
    return Body(figure, int(figure.layout.height or 420))


def _drawn(view: View, found: Body) -> list[Any]:
    graph = dcc.Graph(
        id={"type": "graph", "view": view.name},
        figure=found.figure,
        responsive=True,
        style=found.style,
        config={
            "displaylogo": False,
            "toImageButtonOptions": {"filename": view.name, "scale": 2},
            "modeBarButtonsToRemove": ["lasso2d", "select2d"],
        },
    )
    return [
        graph,
        html.Div(found.message, id={"type": "message", "view": view.name}),
        dcc.Store(id={"type": "fresh", "view": view.name}),
    ]


def nothing(text: str, commands: Sequence[str] = ()) -> dmc.Center:
    """The empty state: what to do, and the commands that do it."""
    block = html.Div(
        [
            html.Pre("\n".join(f"$ {one}" for one in commands)),
            dcc.Clipboard(content="\n".join(commands), title="copy", className="copy"),
        ],
        className="commands",
    )
    return dmc.Center(
        dmc.Stack(
            [
                html.Div("∅", className="empty-mark", **{"aria-hidden": "true"}),
                dmc.Text("Nothing here yet", fw=600),
                dmc.Text(text, className="muted", ta="center", maw=480),
                *([block] if commands else []),
            ],
            align="center",
            gap="xs",
        ),
        mih=220,
        className="empty",
    )


def failure(text: str) -> dmc.Alert:
    """The error state, with its cause."""
    return dmc.Alert(text, title="This view could not be shown", color="red", variant="light")


def csv_text(view: View, context: Context) -> str:
    """The view's data as CSV."""
    with context.reader.snapshot() as snapshot:
        data = view.load(snapshot, context)
    out = io.StringIO()
    writer = csv.writer(out)
    header, rows = view.table(data, context) if data else ((), ())
    writer.writerows([_harmless(cell) for cell in row] for row in (header, *rows))
    return out.getvalue()


def _harmless(cell: Any) -> Any:
    """No formula: a spreadsheet would run a text that begins like one."""
    if isinstance(cell, str) and cell[:1] in ("=", "+", "-", "@", "\t", "\r"):
        return f"'{cell}"
    return cell
