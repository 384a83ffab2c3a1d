"""Lines over time: values in steps, gaps where there are none."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

import plotly.graph_objects as go

from dash_app.figures.style import Style, labels, layout, plain

_FEW_POINTS = 60
_LARGE = 10_000.0
"""From here on numbers are shown as thousands, millions and so on."""
_NARROW_NAME, _NAME = 24, 60
_UNITS = {"By": "bytes", "s": "s", "ms": "ms", "1": "", "By/s": "bytes/s", "%": "%"}
"""What units are called on axes; others stand as they are."""


class TimeLine(NamedTuple):
    """A line: its name, and a value for each step, None for a gap."""

    name: str
    values: Sequence[float | None]


def lines_over_time(
    starts_us: Sequence[int],
    lines: Sequence[TimeLine],
    title: str,
    unit: str,
    style: Style,
    *,
    height: int = 420,
    span_us: tuple[int, int] | None = None,
) -> go.Figure:
    """One trace per line, over the time of the viewer's zone.

    Args:
        starts_us: when each step begins, in unix microseconds.
        lines: their values, as many as there are steps.
        title: of the y axis.
        unit: of the values, as UCUM has it.
        style: see `Style`.
        height: in pixels.
        span_us: what the time axis shows, in unix microseconds; None: as far as there are values.
    """
    zone = ZoneInfo(style.zone)
    times = [_local(us, zone) for us in starts_us]
    shown = labels((line.name for line in lines), _NARROW_NAME if style.narrow else _NAME)
    large = any(
        abs(value) >= _LARGE for line in lines for value in line.values if value is not None
    )
    numbers = ".4~s" if large else ".4~g"
    figure = go.Figure()
    for line in lines:
        known = sum(value is not None for value in line.values)
        figure.add_trace(
            go.Scatter(
                name=shown[line.name],
                x=times,
                y=list(line.values),
                mode="lines+markers" if known <= _FEW_POINTS else "lines",
                line={"color": style.color_of(line.name), "width": 1.6},
                marker={"size": 5},
                connectgaps=False,
                hovertemplate=f"%{{x}}<br>%{{y:{numbers}}}<extra>{shown[line.name]}</extra>",
            )
        )
    span = {} if span_us is None else {"range": [_local(us, zone) for us in span_us]}
    axis = plain(_axis(title, unit))
    figure.update_layout(
        layout(
            style,
            xaxis={"title": {"text": f"time ({style.zone})"}, "type": "date", **span},
            yaxis={"title": {"text": axis}, "tickformat": numbers, "rangemode": "tozero"},
            showlegend=len(lines) > 1,
            height=height + (18 * len(lines) if len(lines) > 4 else 0),
        )
    )
    return figure


def _axis(title: str, unit: str) -> str:
    """A title with its unit, unless it says it already.

    UCUM writes what is counted in braces: `{thread}/s`.
    """
    words = _UNITS.get(unit, unit.replace("{", "").replace("}", ""))
    if not words or words.lower() in title.lower():
        return title
    return f"{title} ({words})"


def _local(us: int, zone: ZoneInfo) -> str:
    moment = datetime.fromtimestamp(us / 1e6, UTC).astimezone(zone)
    return moment.strftime("%Y-%m-%d %H:%M:%S")
