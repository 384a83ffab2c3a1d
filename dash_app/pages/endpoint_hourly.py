"""Hourly utilization of one endpoint."""

from __future__ import annotations

from dash_app.chart import Chart
from dash_app.figures.heatmap import hourly_load
from dash_app.page import ENDPOINT, Page
from dash_app.pages.hourly import open_hour
from otel_fmd.views.utilization import ENDPOINT_HOURLY

CHART = Chart(ENDPOINT_HOURLY, hourly_load, open_hour, over_days=True)
PAGE = Page("/endpoint/<endpoint>/hourly", "Hourly load", ENDPOINT, (CHART,))
