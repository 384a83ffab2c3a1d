"""One request: its details, exceptions, profile and outlier record."""

from __future__ import annotations

from typing import Any

import dash_mantine_components as dmc
from dash import dcc, html

from dash_app.components.frame import framed
from dash_app.components.logs import log_rows, log_table
from dash_app.components.profile import profile_card
from dash_app.components.states import failure
from dash_app.components.tables import request_rows, request_table
from dash_app.context import Context
from dash_app.page import HIDDEN, Page
from dash_app.pages.exception import occurrence_stack
from otel_fmd.analysis.text import duration_text, visible
from otel_fmd.queries.exception_occurrences import Occurrence
from otel_fmd.queries.outliers import Outlier
from otel_fmd.queries.rows import RequestRecord
from otel_fmd.views.load import Loaded
from otel_fmd.views.raised import RaisedExceptions
from otel_fmd.views.requests import REQUEST_VIEW, NoRequest


def layout(loaded: Loaded[Context], context: Context) -> Any:
    """Everything of one request."""
    data = loaded[REQUEST_VIEW]
    if isinstance(data, NoRequest):
        return failure(data.reason)
    one, endpoint, share = data.request, data.endpoint, data.slower_than
    place = (
        "No other requests in the last 7 days to compare with."
        if share is None
        else f"Slower than {100 * share:.0f} % of this endpoint's requests in the last 7 days."
    )
    parts: list[Any] = [
        framed(
            [
                dcc.Link(
                    f"← {visible(endpoint.name)}",
                    href=context.href(f"/endpoint/{endpoint.id}/hourly"),
                ),
                html.H2(f"{visible(endpoint.name)} took {duration_text(one.duration)}"),
                html.P(place, className="card-help"),
                _facts(one, endpoint.service, context),
            ]
        )
    ]
    for raised in data.exceptions.found:
        parts.append(_exception(raised, data.exceptions, context))
    if data.profile is not None:
        parts.append(profile_card(data.profile, context))
    if data.outlier is not None:
        parts.append(_outlier(data.outlier))
    if data.logs:
        rows = log_rows(data.logs, context)
        parts.append(log_table(rows, context, title="Log records, in order of time", empty=""))
    if data.related:
        title = "Other requests of the same trace"
        related = request_rows(data.related, context)
        parts.append(request_table(related, context, title=title, empty=""))
    return parts


def _facts(one: RequestRecord, service: str, context: Context) -> dmc.Table:
    facts = [
        ("time", f"{context.time_text(one.time_requested)} ({context.zone.key})"),
        ("duration", f"{one.duration:.6f} ms"),
        *(
            [("time to first byte", f"{one.time_to_first_byte:.6f} ms (streamed body)")]
            if one.time_to_first_byte is not None
            else []
        ),
        ("status code", "none" if one.status_code is None else str(one.status_code)),
        ("service", service),
        ("version", one.version),
        ("user", one.group_by or "unknown"),
        ("address", one.ip or "unknown"),
        ("trace id", one.trace_id or "none (not recorded from a span)"),
        ("request id", str(one.id)),
    ]
    rows = [dmc.TableTr([dmc.TableTh(name), dmc.TableTd(value)]) for name, value in facts]
    return dmc.Table(dmc.TableTbody(rows), variant="vertical", withTableBorder=True)


def _exception(one: Occurrence, data: RaisedExceptions, context: Context) -> dmc.Paper:
    group = data.groups.get(one.variant_id)
    link = (
        dcc.Link("All like this →", href=context.href(f"/exception/{group}"))
        if group is not None
        else None
    )
    title = "Exception that was handled" if one.is_captured else "Exception"
    return framed([html.H2(title), link, occurrence_stack(one, data, context)])


def _outlier(outlier: Outlier) -> dmc.Paper:
    parts = [
        ("URL", outlier.url),
        ("Stack when it crossed the threshold", outlier.stacktrace),
        ("Values", outlier.values),
        ("Headers", outlier.headers),
        ("CPU per core (%)", "" if outlier.cpu_percent == "[]" else outlier.cpu_percent),
        ("Memory", outlier.memory),
        ("Environment", outlier.environment),
    ]
    shown = [
        html.Section([html.H3(name), html.Pre(text.replace("\r\n", "\n"), tabIndex=0)])
        for name, text in parts
        if text
    ]
    return framed([html.H2("Outlier"), *shown])


PAGE = Page("/request/<request>", "Request", HIDDEN, views=(REQUEST_VIEW,), layout=layout)
