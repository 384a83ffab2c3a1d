"""The shared style of all figures: colours, fonts and axes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any

import plotly.graph_objects as go

from otel_fmd.analysis.colors import color_of
from otel_fmd.analysis.text import visible

_FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif"
STATUS_COLORS = {
    "1xx": "#7f7f7f",
    "2xx": "#009e73",
    "3xx": "#56b4e9",
    "4xx": "#e69f00",
    "5xx": "#d55e00",
    "none": "#999999",
}
"""Fixed colours of status classes, distinct to colour-blind readers (Okabe and Ito)."""


@dataclass(frozen=True, slots=True)
class Style:
    """How figures look.

    Dark or light, the time zone for axis titles, and configured colours (red, green, blue by name).
    `narrow` is the screen of a phone.
    """

    dark: bool = False
    narrow: bool = False
    zone: str = "UTC"
    colors: Mapping[str, tuple[int, int, int]] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """Colour of text."""
        return "#dbe4ee" if self.dark else "#26323f"

    @property
    def grid(self) -> str:
        """Colour of grid lines."""
        return "#39424d" if self.dark else "#e3e8ee"

    @property
    def scale(self) -> str:
        """Colour scale of heat maps: readable by colour-blind people, and in print."""
        return "Viridis" if self.dark else "Blues"

    def width(self, characters: int) -> int:
        """How many characters of a name fit next to a chart: fewer on a narrow screen."""
        return min(characters, 18) if self.narrow else characters

    def color_of(self, name: str) -> str:
        """The colour of an endpoint, version or user: as configured, else its name's hash."""
        return color_of(name, self.colors)


def status_class(status: int) -> str:
    """`2xx` and the like; `none` for no status."""
    return f"{status // 100}xx" if 100 <= status < 600 else "none"


def layout(style: Style, **changes: Any) -> dict[str, Any]:
    """The layout shared by every figure, with changes for this one."""
    axis = {"gridcolor": style.grid, "zerolinecolor": style.grid, "automargin": True}
    base: dict[str, Any] = {
        # Plotly's own template is 7 kB in every figure.
        "template": {},
        "hovermode": "closest",
        "font": {"family": _FONT, "size": 13, "color": style.text},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "margin": {"l": 28 if style.narrow else 60, "r": 20, "t": 10, "b": 50},
        "hoverlabel": {"font": {"family": _FONT}},
        "legend": {"orientation": "h", "yref": "container", "yanchor": "bottom", "y": 0},
        "uirevision": "same",
        "height": 420,
    }
    for name in ("xaxis", "yaxis"):
        base[name] = {**axis, **changes.pop(name, {})}
    return {**base, **changes}


MOST_ROWS = 100
"""Most rows of a chart with one row per name; the CSV has all."""
_TALL = 20
"""Rows that fit on a screen; a longer chart has its scale at the top."""


def row_labels(names: Iterable[str], style: Style) -> dict[str, str]:
    """Labels for `named_rows`."""
    return labels(names, 34 if style.narrow else 42)


def named_rows(
    style: Style, title: str, rows: Sequence[str], of: int, across: str, **xaxis: Any
) -> dict[str, Any]:
    """Layout of a chart with a row for each of the labels `rows`, the first of `of` in all.

    On a narrow screen, names go above their rows to leave space for the chart.
    """
    number = len(rows)
    if number < of:
        across += f"<br>the first {number:,} of {of:,}; the CSV has all"
    xaxis["title"] = {"text": across}
    if number > _TALL:
        xaxis["side"] = "top"
    yaxis = {
        "title": {"text": title},
        "type": "category",
        "showticklabels": not style.narrow,
        # Plotly's own margin is a twentieth of all rows.
        "autorangeoptions": {"minallowed": -0.6, "maxallowed": number - 0.4},
    }
    above = {"xref": "paper", "x": 0, "xanchor": "left", "yshift": 17, "showarrow": False}
    return {
        "xaxis": xaxis,
        "yaxis": yaxis,
        "annotations": [{**above, "y": row, "text": row} for row in rows] if style.narrow else [],
        "height": max(260, 120 + (48 if style.narrow else 34) * number),
    }


def scale_bar(style: Style, title: str) -> dict[str, Any]:
    """The colour scale: next to the chart, or above it on a narrow screen."""
    bar: dict[str, Any] = {"title": {"text": title}, "thickness": 12}
    if style.narrow:
        bar |= {"orientation": "h", "yanchor": "bottom", "y": 1}
    return bar


def plain(text: str) -> str:
    """Text to be shown literally: Plotly takes tags, entities and `%{…}` for markup."""
    return escape(visible(text), quote=False).replace("%{", "&#37;{")


def noted(figure: go.Figure, note: str, style: Style) -> go.Figure:
    """The figure, with the note above it if there is one."""
    if note:
        figure.add_annotation(
            text=plain(note),
            x=0,
            y=1,
            xref="paper",
            yref="paper",
            xanchor="left",
            yanchor="bottom",
            showarrow=False,
            font={"color": style.text},
        )
        figure.update_layout(margin={"t": 28})
    return figure


def shorten(text: str, width: int = 42) -> str:
    """Text cut in the middle if it is too long to fit next to a chart."""
    if len(text) <= width:
        return text
    head = width // 2
    return f"{text[:head]}…{text[head + 1 - width :]}"


def labels(names: Iterable[str], width: int = 42) -> dict[str, str]:
    """A short, unique label for each name; the full name belongs in the hover text."""
    found: dict[str, str] = {}
    taken: set[str] = set()
    for name in sorted(set(names), key=lambda name: (len(name) > width, name)):
        label, number = shorten(name, width), 1
        while label in taken:
            number += 1
            mark = f" ({number})"
            label = shorten(name, width - len(mark)) + mark
        taken.add(label)
        found[name] = plain(label)
    return found
