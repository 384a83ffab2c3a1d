"""IP-focused multi-version performance of one endpoint."""

from __future__ import annotations

from dash_app.chart import Chart
from dash_app.page import ENDPOINT, Page
from dash_app.pages.endpoint_users import figure, open_bubble
from otel_fmd.views.callers import ENDPOINT_ADDRESSES

CHART = Chart(ENDPOINT_ADDRESSES, figure, open_bubble)
PAGE = Page("/endpoint/<endpoint>/addresses", "IP-focused", ENDPOINT, (CHART,))
