"""A chart: the figure of a view, and how it is shown in every state.

All charts are drawn the same way: title, help, downloads, the figure, and the empty state.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeVar

import dash_mantine_components as dmc
import plotly.graph_objects as go
from dash import dcc, html

from dash_app.components.frame import framed
from dash_app.components.states import nothing
from dash_app.context import Context
from dash_app.figures.marks import add_marks
from dash_app.figures.style import Style
from otel_fmd.views.deploys import DEPLOYS
from otel_fmd.views.load import Loaded
from otel_fmd.views.view import View

D = TypeVar("D")
Click = Callable[[dict[str, Any], Context], str | None]
"""From a clicked point to an address; None if a click leads nowhere."""


@dataclass(frozen=True, slots=True)
class Chart(Generic[D]):
    """One chart.

    Args:
        view: its data.
        figure: draws the data; called only if there is any.
        click: what a click opens; None: nothing.
        over_days: whether its x axis is days, on which deploys are marked.
        name: unique; by default the view's, which must then have only one chart.
        title: what it shows; by default the view's.
        description: how to read it; by default the view's.
    """

    view: View[D]
    figure: Callable[[Any, Style], go.Figure]
    click: Click | None = None
    over_days: bool = False
    name: str = ""
    title: str = ""
    description: str = ""

    @property
    def key(self) -> str:
        """Part of element ids and of the CSV's name."""
        return self.name or self.view.name

    @property
    def heading(self) -> str:
        """Its heading."""
        return self.title or self.view.title

    @property
    def views(self) -> list[View[Any]]:
        """The views that it needs."""
        return [self.view, DEPLOYS] if self.over_days else [self.view]


def clicked_key(point: dict[str, Any]) -> str:
    """What a figure put into a clicked point's `customdata`; '' when it has none."""
    found = point.get("customdata")
    if isinstance(found, list):
        found = found[0] if found else ""
    return str(found or "")


def style_of(context: Context) -> Style:
    """The style of figures for this browser."""
    settings = context.settings
    return Style(
        dark=context.dark, narrow=context.narrow, zone=context.zone.key, colors=settings.colors
    )


class Body(NamedTuple):
    """A figure and its height in pixels, or the message shown instead of it."""

    figure: go.Figure
    height: int
    message: Any = None

    @property
    def style(self) -> dict[str, str]:
        """CSS of the graph: without a figure it is hidden but stays, so that a refresh finds it."""
        return {"height": f"{self.height}px"} if self.height else {"display": "none"}


def body(chart: Chart[Any], loaded: Loaded[Context]) -> Body:
    """The figure of a chart, or why there is none."""
    data = loaded[chart.view]
    if not data:
        return Body(go.Figure(layout={"template": {}}), 0, nothing(chart.view.empty))
    style = style_of(loaded.look)
    figure = chart.figure(data, style)
    if chart.over_days:
        deploys = loaded[DEPLOYS]
        add_marks(figure, deploys, style)
    return Body(figure, int(figure.layout.height or 420))


def card(chart: Chart[Any], loaded: Loaded[Context]) -> dmc.Paper:
    """The whole card of a chart."""
    found = body(chart, loaded)
    graph = dcc.Graph(
        id={"type": "graph", "view": chart.key},
        figure=found.figure,
        responsive=True,
        style=found.style,
        config={
            "displaylogo": False,
            "toImageButtonOptions": {"filename": chart.key, "scale": 2},
            "modeBarButtonsToRemove": ["lasso2d", "select2d"],
        },
    )
    return framed(
        [
            dmc.Group(
                [
                    html.H2(chart.heading, className="card-title"),
                    dmc.Group([_download(chart, "PNG"), _download(chart, "CSV")], gap="xs"),
                ],
                justify="space-between",
            ),
            html.P(chart.description or chart.view.description, className="card-help"),
            graph,
            html.Div(found.message, id={"type": "message", "view": chart.key}),
            dcc.Store(id={"type": "fresh", "view": chart.key}),
        ]
    )


def _download(chart: Chart[Any], kind: str) -> dmc.Button:
    return dmc.Button(
        kind,
        id={"type": kind.lower(), "view": chart.key},
        variant="default",
        size="compact-sm",
        **{"aria-label": f"Download {chart.heading} as {kind}"},
    )
