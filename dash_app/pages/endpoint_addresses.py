"""IP-focused multi-version performance of one endpoint."""

from __future__ import annotations

from dataclasses import replace

from dash_app.page import ENDPOINT, Page
from dash_app.pages.endpoint_users import VIEW as USERS
from dash_app.pages.endpoint_users import load_addresses

VIEW = replace(
    USERS,
    name="endpoint-addresses",
    title="IP-focused multi-version performance",
    description="From where it is slow: each bubble is one client address in one "
    "version, larger and brighter when the median request took longer. Click one to see its "
    "requests.",
    load=load_addresses,
    empty="No requests in the selected time.",
)
PAGE = Page("/endpoint/<endpoint>/addresses", "IP-focused", ENDPOINT, (VIEW,))
