"""A stack trace: the reported exception and what caused it, the innermost frame first."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

import dash_mantine_components as dmc
from dash import html

from otel_fmd.analysis.text import visible
from otel_fmd.queries.exception_occurrences import Chain, ChainFrame, ChainLink, Source

_RELATIONS = {
    "cause": "caused by",
    "context": "raised while handling",
    "member": "with",
    "suppressed": "suppressed",
}
_BEFORE, _AFTER = 12, 6
"""Lines of a function around the one that raised."""
Sources = Mapping[tuple[str, int], Source]


def stack_trace(
    chain: Chain, messages: Sequence[str], variables: Mapping[str, str], sources: Sources
) -> html.Div:
    """All exceptions of a chain.

    Args:
        chain: the exceptions.
        messages: theirs, in the same order; fewer if they are not known.
        variables: local variables as JSON, by `file:line`.
        sources: the source of functions, by file and line of the frame.
    """
    parts: list[Any] = []
    for place, link in enumerate(chain.links):
        message = messages[place] if place < len(messages) else ""
        parts.append(_link(link, message, variables, sources))
    if chain.text:
        parts.append(html.Pre(chain.text, tabIndex=0, className="raw-stack"))
    return html.Div(parts, className="stack")


def _link(
    link: ChainLink, message: str, variables: Mapping[str, str], sources: Sources
) -> html.Section:
    relation = _RELATIONS.get(link.relation, "")
    head = [html.Span(f"{relation} ", className="muted")] if relation else []
    title = html.H4([*head, html.B(visible(link.type)), f": {visible(message)}" if message else ""])
    frames = list(reversed(link.frames))
    has_own = any(frame.in_app for frame in frames)
    rows: list[Any] = []
    for own, run in groupby(frames, key=lambda frame: frame.in_app):
        found = [_frame(frame, variables, sources) for frame in run]
        if own or not has_own:
            rows += found
        else:
            words = f"{len(found)} frame{'s' if len(found) > 1 else ''} of libraries"
            rows.append(
                html.Li(html.Details([html.Summary(words, className="muted"), html.Ol(found)]))
            )
    return html.Section([title, html.Ol(rows, className="frames")])


def _frame(frame: ChainFrame, variables: Mapping[str, str], sources: Sources) -> html.Li:
    name = f"{frame.module}.{frame.function}" if frame.module else frame.function
    place = frame.file if frame.line is None else f"{frame.file}:{frame.line}"
    parts: list[Any] = [
        html.Div(
            [
                html.Code(visible(name) or "?"),
                html.Span(f" {visible(_short(place))}", className="muted", title=place),
            ]
        )
    ]
    source = sources.get((frame.file, frame.line or 0))
    if source is not None:
        parts.append(_source(source, frame.line or 0))
    elif frame.code:
        parts.append(html.Pre(frame.code, className="frame-code"))
    local = variables.get(place)
    if local:
        parts.append(_variables(local))
    return html.Li(parts, className="frame-own" if frame.in_app else "frame-library")


def _source(source: Source, line: int) -> html.Details:
    """The function around the line, which is marked."""
    rows = []
    for number, text in enumerate(source.code.split("\n"), source.start):
        if line - _BEFORE <= number <= line + _AFTER:
            rows.append(
                html.Span(
                    f"{number:>5}  {text}\n", className="line-raised" if number == line else None
                )
            )
    summary = html.Summary("Source", className="muted")
    return html.Details([summary, html.Pre(rows, tabIndex=0, className="frame-code")], open=True)


def _variables(text: str) -> Any:
    try:
        found = json.loads(text)
    except ValueError:
        return html.Pre(text, tabIndex=0)
    rows = [
        dmc.TableTr([dmc.TableTh(visible(str(name))), dmc.TableTd(html.Code(visible(str(value))))])
        for name, value in found.items()
    ]
    return html.Details(
        [
            html.Summary("Local variables", className="muted"),
            dmc.Table(dmc.TableTbody(rows), variant="vertical", withTableBorder=True),
        ]
    )


def _short(place: str) -> str:
    """The last parts of a path; the whole is its tooltip."""
    return "/".join(place.replace("\\", "/").split("/")[-3:])
