"""What the browser does without asking the server: functions of `assets/fmd.js`, by their names."""

from __future__ import annotations

from typing import Any

from dash import ALL, MATCH, ClientsideFunction, Dash, Input, Output, State


def register(app: Dash) -> None:
    """Callbacks that run in the browser: selectors to address, colour scheme, table search."""

    def in_browser(name: str, *parts: Any) -> None:
        function = ClientsideFunction("fmd", name)
        app.clientside_callback(function, *parts, prevent_initial_call=True)

    in_browser(
        "select",
        Output("url", "search"),
        Input("service", "value"),
        Input("version", "value"),
        Input("range", "value"),
        Input("days", "value"),
        State("url", "search"),
    )
    in_browser(
        "report",
        Output("url", "search", allow_duplicate=True),
        Input({"type": "report", "part": ALL, "was": ALL}, "value"),
        State({"type": "report", "part": ALL, "was": ALL}, "id"),
        State("url", "search"),
    )
    in_browser(
        "scheme",
        Output("provider", "forceColorScheme"),
        Output("scheme", "children"),
        Output("repaint", "data"),
        Input("scheme", "n_clicks"),
        State("provider", "forceColorScheme"),
    )
    in_browser("live", Output("live", "disabled"), Input("live-switch", "checked"))
    in_browser(
        "burger", Output("shell", "navbar"), Input("burger", "opened"), State("shell", "navbar")
    )
    # Zoom, hidden traces and levels live in the browser: Dash writes them into the figure that it
    # shows, so `uirevision` alone would lose them.
    in_browser(
        "freshen",
        Output({"type": "graph", "view": MATCH}, "figure"),
        Output({"type": "graph", "view": MATCH}, "style"),
        Input({"type": "fresh", "view": MATCH}, "data"),
        State({"type": "fresh", "view": MATCH}, "id"),
    )
    in_browser(
        "columns",
        Output({"type": "grid", "view": MATCH}, "columnDefs"),
        Input({"type": "columns", "view": MATCH}, "value"),
        State({"type": "grid", "view": MATCH}, "columnDefs"),
    )
    in_browser(
        "png",
        Output({"type": "png", "view": MATCH}, "n_clicks"),
        Input({"type": "png", "view": MATCH}, "n_clicks"),
        State({"type": "png", "view": MATCH}, "id"),
    )
    in_browser(
        "search",
        Output({"type": "grid", "view": MATCH}, "dashGridOptions"),
        Input({"type": "search", "view": MATCH}, "value"),
        State({"type": "grid", "view": MATCH}, "dashGridOptions"),
    )
