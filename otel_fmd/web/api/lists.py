"""What a route of `/api/v1` answers: one record, or a list of records in an envelope."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from flask import Response, request

from otel_fmd.analysis.rollup import HOUR_US
from otel_fmd.views.api.endpoints import KNOWN_ENDPOINT
from otel_fmd.views.api.look import SELECTION, ApiLook, moment
from otel_fmd.views.load import Loaded, load
from otel_fmd.views.parameters import ENDPOINT, PAGE, Parameter, one_of, one_schema
from otel_fmd.views.view import View, csv_text
from otel_fmd.web.api.problems import ProblemError
from otel_fmd.web.api.route import Call, Route

T = TypeVar("T")
CSV = "text/csv"
FORMAT = Parameter(
    "format",
    "`json`, or `csv`: the table that the dashboard exports. The header `Accept` does the same.",
    one_of("json", "csv"),
    "",
    schema=one_schema("json", "csv"),
)


@dataclass(slots=True)
class Items(Generic[T]):
    """A list.

    Args:
        items: everything that there is.
    """

    items: list[T]


@dataclass(slots=True)
class Selected(Generic[T]):
    """What there is in a time range.

    Args:
        start: where the range begins: the full hour (UTC) before the time that was asked for.
        end: where it ends (not included): the full hour after.
        items: what was found.
    """

    start: datetime
    end: datetime
    items: list[T]


@dataclass(slots=True)
class CursorPage(Generic[T]):
    """A page of a list.

    Args:
        start: where the time range begins.
        end: where it ends (not included).
        items: what is on this page.
        next_cursor: the `cursor` of the next page; null at the end. A page may be short, or empty,
            before the end: a filter looks at so many requests at once.
    """

    start: datetime
    end: datetime
    items: list[T]
    next_cursor: str | None


@dataclass(slots=True)
class NumberedPage(Generic[T]):
    """A page of a list.

    Args:
        start: where the range begins: the full hour (UTC) before the time that was asked for.
        end: where it ends (not included): the full hour after.
        items: what is on this page.
        page: its number, from 0.
        total: how many there are on all pages.
    """

    start: datetime
    end: datetime
    items: list[T]
    page: int
    total: int


Envelope = Callable[[Any, ApiLook, list[Any]], Any]


def _times(look: ApiLook) -> tuple[datetime, datetime]:
    start, end = look.times_us()
    return moment(start), moment(end)


def _hours(look: ApiLook) -> tuple[datetime, datetime]:
    """The whole hours that figures of many requests cover."""
    start, end = look.times_us()
    return moment(start // HOUR_US * HOUR_US), moment(-(-end // HOUR_US) * HOUR_US)


def _items(_data: Any, _look: ApiLook, found: list[Any]) -> Any:
    return Items(found)


def _selected(_data: Any, look: ApiLook, found: list[Any]) -> Any:
    return Selected(*_hours(look), found)


def _numbered(data: Any, look: ApiLook, found: list[Any]) -> Any:
    return NumberedPage(*_hours(look), found, look.value(PAGE), data.total if data else 0)


def _cursor(data: Any, look: ApiLook, found: list[Any]) -> Any:
    cursor = None if data.cursor is None else str(data.cursor)
    return CursorPage(*_times(look), found, cursor)


_ENVELOPES: dict[Any, Envelope] = {
    Items: _items,
    Selected: _selected,
    NumberedPage: _numbered,
    CursorPage: _cursor,
}


def listing(
    rule: str,
    tag: str,
    view: View[Any],
    record: Any,
    make: Callable[[Any, Any], Iterable[Any]],
    envelope: Any = Selected,
    parameters: tuple[Parameter[Any], ...] = SELECTION,
) -> Route:
    """A route that lists what a view shows.

    Args:
        rule: the path.
        tag: the group.
        view: the view.
        record: the type of an item.
        make: makes the items from the data of the view.
        envelope: `Items`, `Selected`, `NumberedPage` or `CursorPage`.
        parameters: besides those of the view.
    """
    wrap = _ENVELOPES[envelope]

    def respond(call: Call) -> Any:
        loaded = looked(call, rule, view)
        if wants_csv(call):
            return csv(loaded, view)
        data = loaded[view]
        return wrap(data, loaded.look, list(make(data, loaded.look)) if data else [])

    return _route(rule, tag, view, envelope[record], respond, parameters)


def single(
    rule: str,
    tag: str,
    view: View[Any],
    record: Any,
    make: Callable[[Any, Any], Any],
    parameters: tuple[Parameter[Any], ...] = (),
    missing: Callable[[Any], str] | None = None,
) -> Route:
    """A route that answers one record.

    Args:
        rule: the path.
        tag: the group.
        view: the view.
        record: the type of the answer.
        make: makes it from the data of the view.
        parameters: besides those of the view.
        missing: why there is none, from data that is false: answered with 404.
    """

    def respond(call: Call) -> Any:
        loaded = looked(call, rule, view)
        data = loaded[view]
        if missing is not None and not data:
            raise ProblemError(404, missing(data))
        return csv(loaded, view) if wants_csv(call) else make(data, loaded.look)

    return _route(rule, tag, view, record, respond, parameters)


def _route(
    rule: str,
    tag: str,
    view: View[Any],
    answer: Any,
    respond: Callable[[Call], Any],
    parameters: tuple[Parameter[Any], ...],
) -> Route:
    own = [one for one in view.parameters if one not in parameters]
    return Route(
        rule,
        "GET",
        view.role,
        tag,
        view.title,
        respond,
        view.description,
        (*own, *parameters, FORMAT),
        answer,
        media=(CSV,),
        views=(view,),
    )


def looked(call: Call, rule: str, view: View[Any]) -> Loaded[ApiLook]:
    """The data of a view.

    Raises:
        ProblemError: 404 if there is no such endpoint.
    """
    needed = (KNOWN_ENDPOINT,) if f"<{ENDPOINT.name}>" in rule else ()
    loaded = load(call.api.reader, call.look, (*needed, view))
    if needed and loaded[KNOWN_ENDPOINT] is None:
        raise ProblemError(404, f"endpoint {call.values[ENDPOINT.name][:50]}: there is none")
    return loaded


def wants_csv(call: Call) -> bool:
    """Whether the caller wants CSV."""
    chosen = call.look.value(FORMAT)
    return chosen == "csv" or (not chosen and request.accept_mimetypes.best == CSV)


def csv(loaded: Loaded[ApiLook], view: View[Any]) -> Response:
    """The table of a view."""
    return Response(csv_text(loaded.table(view)), mimetype=CSV)
