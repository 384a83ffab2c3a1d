"""A card with names and values."""

from __future__ import annotations

from collections.abc import Sequence

import dash_mantine_components as dmc
from dash import html

from dash_app.components.frame import framed

_ONE_LINE = 12


def fact_table(title: str, rows: Sequence[tuple[str, str]]) -> dmc.Paper:
    """One row per fact."""
    body = [dmc.TableTr([dmc.TableTh(name), _value(value)]) for name, value in rows]
    return framed(
        [
            html.H2(title, className="card-title"),
            dmc.Table(dmc.TableTbody(body), variant="vertical", withTableBorder=True, mt="sm"),
        ]
    )


def _value(text: str) -> dmc.TableTd:
    """A value; a number stays in one line."""
    style = {"whiteSpace": "nowrap"} if len(text) <= _ONE_LINE else None
    return dmc.TableTd(text, style=style)
