"""A card with names and values."""

from __future__ import annotations

from collections.abc import Sequence

import dash_mantine_components as dmc
from dash import html

from dash_app.components.frame import framed


def fact_table(title: str, rows: Sequence[tuple[str, str]]) -> dmc.Paper:
    """One row per fact."""
    body = [dmc.TableTr([dmc.TableTh(name), dmc.TableTd(value)]) for name, value in rows]
    return framed(
        [
            html.H2(title, className="card-title"),
            dmc.Table(dmc.TableTbody(body), variant="vertical", withTableBorder=True, mt="sm"),
        ]
    )
