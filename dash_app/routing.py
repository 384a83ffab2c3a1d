"""From an address to what is shown: content, navigation and selectors."""

from __future__ import annotations

import logging
from typing import Any, NamedTuple

import dash_mantine_components as dmc
from dash import Dash, Input, Output, html

from dash_app import shell
from dash_app.components.states import failure, nothing
from dash_app.context import Context
from dash_app.page import MakeContext, Page
from dash_app.pages import PAGES
from otel_fmd.analysis.text import visible
from otel_fmd.errors import NotAllowedError, OtelFmdError
from otel_fmd.requests.naming import SOURCES
from otel_fmd.views.choices import CHOICES, Choices
from otel_fmd.web.failures import logged

_log = logging.getLogger(__name__)
_NO_CHOICES = Choices([], [], None)


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
    """The whole page at an address."""
    found = find_page(context.path)
    page = None if found is None else found[0]
    choices = _NO_CHOICES
    try:
        if page is None:
            choices = context.load([CHOICES])[CHOICES]
            content: Any = failure(f"There is no page at {context.path[:100]!r}.")
        else:
            loaded = page.load(context)
            context, choices = loaded.look, loaded[CHOICES]
            if context.is_of_endpoint and choices.endpoint is None:
                content = nothing("This endpoint does not exist; choose one in the overview.")
            else:
                content = page.content(loaded)
    except NotAllowedError as error:
        content = failure(str(error))
    except OtelFmdError as error:
        _log.warning("page %s: %s", context.path, error)
        content = failure(f"The data could not be read: {error}")
    except Exception as error:
        content = failure(logged(f"page {context.path[:200]!r}", error))
    return Shown(
        _with_notes(content, context, choices),
        shell.navigation(context, PAGES, page, choices.endpoint),
        shell.controls(context, choices),
    )


def _with_notes(content: Any, context: Context, choices: Choices) -> Any:
    """Notes above the content: an ignored part of the address, the source of a name."""
    notes: list[Any] = []
    if context.dropped_version:
        words = (
            f"{visible(context.service or '')} never had version "
            f"{visible(context.dropped_version)}; all of its versions are shown."
        )
        notes.append(dmc.Alert(words, color="yellow", className="card"))
    if choices.endpoint is not None and choices.endpoint.name_source in SOURCES:
        words = f"Named after {SOURCES[choices.endpoint.name_source]}."
        notes.append(html.P(words, className="card-help name-source"))
    if not notes:
        return content
    # Dash cannot draw a list within a list.
    return [*notes, *(content if isinstance(content, list) else [content])]


def register(app: Dash, make: MakeContext) -> None:
    """Following the address; the first page comes with the layout."""

    @app.callback(
        Output("content", "children"),
        Output("navigation", "children"),
        Output("controls", "children"),
        Output("problem", "children"),
        Input("url", "pathname"),
        Input("url", "search"),
        prevent_initial_call=True,
    )
    def route(path: str, search: str) -> Any:
        return (*show(make(path, search)), None)
