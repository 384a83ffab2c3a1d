"""What stands in place of content: that there is nothing, or that something went wrong."""

from __future__ import annotations

from collections.abc import Sequence

import dash_mantine_components as dmc
from dash import dcc, html


def nothing(text: str, commands: Sequence[str] = ()) -> dmc.Center:
    """The empty state: what to do, and the commands for it."""
    block = html.Div(
        [
            html.Pre("\n".join(f"$ {one}" for one in commands)),
            dcc.Clipboard(content="\n".join(commands), title="Copy", className="copy"),
        ],
        className="commands",
    )
    return dmc.Center(
        dmc.Stack(
            [
                html.Div("∅", className="empty-mark", **{"aria-hidden": "true"}),
                dmc.Text("Nothing here yet", fw=600),
                dmc.Text(text, className="muted", ta="center", maw=480),
                *([block] if commands else []),
            ],
            align="center",
            gap="xs",
        ),
        mih=220,
        className="empty",
    )


def failure(text: str) -> dmc.Alert:
    """The error state, with its cause."""
    return dmc.Alert(text, title="This view could not be shown", color="red", variant="light")
