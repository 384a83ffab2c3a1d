"""A request's profile as a tree of source lines."""

from __future__ import annotations

from typing import Any

import dash_mantine_components as dmc
from dash import dcc, html

from dash_app.components.frame import framed
from dash_app.context import Context
from otel_fmd.analysis.text import duration_text
from otel_fmd.queries.profiles import ProfiledRequest, StackLine


def profile_card(one: ProfiledRequest, context: Context, *, opened: bool = True) -> dmc.Paper:
    """The card of a profiled request: a collapsible tree with ms, share, and how much was CPU."""
    request = one.request
    whole = max(request.duration, 1e-9)
    notes = [f"{one.samples} samples"]
    if one.samples > 1:
        notes[0] += f", one every {duration_text(request.duration / one.samples)}"
    if one.not_sampled_ms >= 0.1:
        notes.append(f"{duration_text(one.not_sampled_ms)} not sampled")
    if one.is_cut:
        notes.append("the shortest lines were dropped")
    when = context.time_text(request.time_requested)
    title = html.Summary(
        [html.B(when), f" took {duration_text(request.duration)} ({', '.join(notes)})"]
    )
    link = dcc.Link(
        "Request details →",
        href=context.href(f"/request/{request.id}"),
        className="profile-link",
    )
    return framed(html.Details([title, link, *_tree(one.lines, whole)], open=opened))


def _tree(lines: list[StackLine], whole_ms: float) -> list[Any]:
    """Lines nested by their indents; each with lines below it can be collapsed."""
    root: list[Any] = []
    above: list[tuple[int, list[Any]]] = [(-1, root)]
    for place, line in enumerate(lines):
        while above[-1][0] >= line.indent:
            above.pop()
        below = place + 1 < len(lines) and lines[place + 1].indent > line.indent
        row = _row(line, whole_ms)
        if below:
            inner: list[Any] = []
            parts = [html.Summary(row), html.Div(inner, className="tree")]
            node = html.Details(parts, open=not _is_package(line))
            above[-1][1].append(node)
            above.append((line.indent, inner))
        else:
            above[-1][1].append(html.Div(row, className="leaf"))
    return root


def _row(line: StackLine, whole_ms: float) -> html.Span:
    """The code, its duration, its share as a bar (CPU and waiting), and its source location."""
    share = min(100.0, 100 * line.duration_ms / whole_ms)
    words = f"{duration_text(line.duration_ms)} · {share:.1f} %"
    cpu = 0.0
    if line.cpu_ms is not None and line.duration_ms > 0:
        cpu = min(1.0, line.cpu_ms / line.duration_ms)
        words += f" · {100 * cpu:.0f} % CPU"
    place = f"{line.filename}:{line.line_number}" if line.filename else ""
    if _is_package(line):
        place = "library"
    bar = html.Span(
        [
            html.Span(className="bar-cpu", style={"width": f"{share * cpu:.2f}%"}),
            html.Span(className="bar-wait", style={"width": f"{share * (1 - cpu):.2f}%"}),
        ],
        className="bar",
        **{"aria-hidden": "true"},
    )
    return html.Span(
        [
            html.Code(line.code, className="code", title=line.code),
            html.Span(words, className="muted numbers"),
            bar,
            html.Span(_short(place), className="muted place", title=place),
        ],
        className="line",
    )


def _is_package(line: StackLine) -> bool:
    """Whether it stands for the lines of a library, which are collapsed at first."""
    return line.line_number == 0 and line.code == f"({line.filename})"


def _short(place: str) -> str:
    """The last parts of a path; the whole is its tooltip."""
    parts = place.replace("\\", "/").split("/")
    return "/".join(parts[-2:])
