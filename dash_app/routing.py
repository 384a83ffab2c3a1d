"""From an address to what is shown: content, navigation and selectors."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, NamedTuple

import dash_mantine_components as dmc
from dash import Dash, Input, Output, html

from dash_app import shell
from dash_app.context import Context
from dash_app.figures.style import visible
from dash_app.page import Page
from dash_app.pages import PAGES
from dash_app.view import failure, nothing
from otel_fmd.errors import OtelFmdError
from otel_fmd.queries.versions import versions_seen
from otel_fmd.requests.naming import SOURCES

_log = logging.getLogger(__name__)
_MOST_VERSIONS = 100
Make = Callable[[str, str], Context]
"""A context from the path and the search part of a browser's address."""


class Shown(NamedTuple):
    """What fills the shell."""

    content: Any
    navigation: Any
    controls: Any


def find_page(path: str) -> tuple[Page, dict[str, str]] | None:
    """The page at an address, and its parameters."""
    for page in PAGES:
        found = page.match(path)
        if found is not None:
            return page, found
    return None


def show(context: Context) -> Shown:
    """Everything of a page."""
    found = find_page(context.path)
    page = None if found is None else found[0]
    name, source, services, versions = "", "", [], []
    try:
        with context.reader.snapshot() as snapshot:
            services = list(snapshot.services.values())
            endpoint = snapshot.endpoints.get(context.endpoint_id)
            if endpoint is not None:
                name, source = endpoint.name, endpoint.name_source
            ids = context.selection(snapshot).endpoint_ids
            versions = [v.name for v in versions_seen(snapshot, ids)[:_MOST_VERSIONS]]
        content = _content(page, context, name, source)
    except OtelFmdError as error:
        _log.warning("page %s: %s", context.path, error)
        content = failure(f"The data could not be read: {error}")
    if context.dropped_version:
        words = (
            f"{visible(context.service or '')} never had version "
            f"{visible(context.dropped_version)}: all its versions are shown."
        )
        content = _below(dmc.Alert(words, color="yellow", className="card"), content)
    return Shown(
        content,
        shell.navigation(context, PAGES, page, name),
        shell.controls(context, services, versions),
    )


def _content(page: Page | None, context: Context, endpoint_name: str, source: str) -> Any:
    if page is None:
        return failure(f"There is no page {context.path[:100]!r}.")
    if page.admin_only and not context.is_admin:
        return failure("Only an admin can see this page.")
    if "endpoint" in context.parameters and not endpoint_name:
        return nothing("There is no such endpoint; choose one from the overview.")
    shown = page.content(context)
    if "endpoint" not in context.parameters or source not in SOURCES:
        return shown
    told = html.P(f"Named after {SOURCES[source]}.", className="card-help name-source")
    return _below(told, shown)


def _below(first: Any, content: Any) -> list[Any]:
    """Something above a page's content: a list within a list cannot be drawn."""
    return [first, *(content if isinstance(content, list) else [content])]


def register(app: Dash, make: Make) -> None:
    """Following the address; the first page comes with the layout."""

    @app.callback(
        Output("content", "children"),
        Output("navigation", "children"),
        Output("controls", "children"),
        Input("url", "pathname"),
        Input("url", "search"),
        prevent_initial_call=True,
    )
    def route(path: str, search: str) -> Any:
        return tuple(show(make(path, search)))
