"""Exceptions of one endpoint."""

from __future__ import annotations

from typing import Any

from dash_app.context import Context
from dash_app.page import ENDPOINT, LiveTable, Page
from dash_app.pages.exceptions import group_table, live
from otel_fmd.views.exceptions import ENDPOINT_EXCEPTIONS
from otel_fmd.views.load import Loaded


def layout(loaded: Loaded[Context], context: Context) -> Any:
    """The groups, the most frequent first."""
    return group_table(ENDPOINT_EXCEPTIONS, loaded, context)


PAGE = Page(
    "/endpoint/<endpoint>/exceptions",
    "Exceptions",
    ENDPOINT,
    layout=layout,
    tables={ENDPOINT_EXCEPTIONS.name: LiveTable(ENDPOINT_EXCEPTIONS, live)},
)
