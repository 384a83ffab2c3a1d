"""Links to the previous and the next page of a list."""

from __future__ import annotations

import dash_mantine_components as dmc
from dash import dcc

from dash_app.context import Context


def pages_around(context: Context, path: str, page: int, *, more: bool) -> dmc.Group:
    """Newer and older; `more` says whether there are older ones."""
    links = []
    if page:
        links.append(dcc.Link("← Newer", href=context.href(path, page=str(page - 1))))
    if more:
        links.append(dcc.Link("Older →", href=context.href(path, page=str(page + 1))))
    return dmc.Group(links, justify="center")
