"""Endpoints, versions and days by what scripts call them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta

from otel_fmd.queries.snapshot import Snapshot
from otel_fmd.queries.versions import versions_seen
from otel_fmd.views.fmd.problems import RequestError
from otel_fmd.views.look import Days, Look

_FIRST_YEAR, _LAST_YEAR = 1971, 2500


def ids_named(snapshot: Snapshot, names: Iterable[str | None]) -> dict[str | None, list[int]]:
    """The endpoints with each name; `service: name` names one where several services share it."""
    labelled: dict[str | None, list[int]] = {name: [] for name in names}
    plain: dict[str | None, list[int]] = {name: [] for name in labelled}
    for number, endpoint in snapshot.endpoints.items():
        if endpoint.name in plain:
            plain[endpoint.name].append(number)
        label = snapshot.labels[number]
        if label in labelled:
            labelled[label].append(number)
    return {name: labelled[name] or plain[name] for name in labelled}


def version_dates(
    snapshot: Snapshot, endpoint_ids: list[int] | None = None
) -> dict[str, datetime | None]:
    """When each version was first requested, the newest version first; equal ones as FMD has them.

    Args:
        snapshot: where to look.
        endpoint_ids: of which endpoints; None for all.
    """
    seen = sorted(versions_seen(snapshot, endpoint_ids), key=lambda one: one.name, reverse=True)
    seen.sort(key=lambda one: -one.first_us)
    return {one.name: time_of(one.first_us) for one in seen}


def time_of(us: int) -> datetime:
    """Unix microseconds as a time, which JSON has as an HTTP date."""
    return datetime.fromtimestamp(us / 1e6, UTC)


def days_between(look: Look, first: str, last: str, most: int) -> tuple[Days, list[date]]:
    """The days of an address, in the time zone of the dashboard; none if they are reversed.

    Args:
        look: who asks.
        first: the first day, such as `2026-11-23`.
        last: the last day.
        most: most days.

    Raises:
        RequestError: one is not a day, or they are too many.
    """
    start, end = _day(first), _day(last)
    number = (end - start).days + 1
    if number > most:
        raise RequestError(f"{first} to {last}: expected at most {most:,} days")
    days = [start + timedelta(days=n) for n in range(number)]
    return Days(start, max(start, end), look.zone), days


def _day(text: str) -> date:
    try:
        found = datetime.strptime(text, "%Y-%m-%d").date()
    except ValueError:
        raise RequestError(f"day {text[:50]!r}: expected one such as 2026-11-23") from None
    if not _FIRST_YEAR <= found.year <= _LAST_YEAR:
        raise RequestError(f"day {text[:50]!r}: expected a year from {_FIRST_YEAR} to {_LAST_YEAR}")
    return found
