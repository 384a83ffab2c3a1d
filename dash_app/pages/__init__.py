"""The pages, in the order of the navigation: one import and one entry each."""

from dash_app.page import Page
from dash_app.pages import (
    api_performance,
    daily,
    database,
    endpoint_addresses,
    endpoint_hourly,
    endpoint_outliers,
    endpoint_performance,
    endpoint_status,
    endpoint_user_performance,
    endpoint_users,
    hourly,
    multi_version,
    overview,
    reporting,
    request,
    requests,
    status,
    users,
)

PAGES: tuple[Page, ...] = (
    overview.PAGE,
    hourly.PAGE,
    daily.PAGE,
    multi_version.PAGE,
    api_performance.PAGE,
    reporting.PAGE,
    endpoint_hourly.PAGE,
    endpoint_users.PAGE,
    endpoint_addresses.PAGE,
    endpoint_performance.PAGE,
    endpoint_user_performance.PAGE,
    endpoint_status.PAGE,
    endpoint_outliers.PAGE,
    requests.PAGE,
    request.PAGE,
    users.PAGE,
    database.PAGE,
    status.PAGE,
)
