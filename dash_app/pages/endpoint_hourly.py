"""Hourly utilization of one endpoint."""

from __future__ import annotations

from dataclasses import replace

from dash_app.page import ENDPOINT, Page
from dash_app.pages.hourly import VIEW as WHOLE

VIEW = replace(
    WHOLE,
    name="endpoint-hourly",
    title="Hourly load",
    description="When this endpoint is used: each cell is one hour of one day. Click a cell to see "
    "its requests.",
)
PAGE = Page("/endpoint/<endpoint>/hourly", "Hourly load", ENDPOINT, (VIEW,))
