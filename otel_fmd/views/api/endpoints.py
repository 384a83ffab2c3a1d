"""Services, versions, endpoints, and the durations and callers of an endpoint."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from otel_fmd.analysis import distribution
from otel_fmd.queries.snapshot import Endpoint as Known
from otel_fmd.queries.snapshot import Snapshot
from otel_fmd.queries.versions import VersionSeen, versions_seen
from otel_fmd.store.times import naive_utc, unix_us
from otel_fmd.views.api.durations import Durations, durations
from otel_fmd.views.api.look import aware, moment
from otel_fmd.views.look import Look
from otel_fmd.views.overview import BLUEPRINT, MOST_ROWS, OVERVIEW, Data, load_overview
from otel_fmd.views.parameters import ENDPOINT
from otel_fmd.views.view import Column, Table, View


@dataclass(slots=True)
class Service:
    """A service.

    Args:
        name: its name.
        endpoints: how many endpoints it has.
    """

    name: str
    endpoints: int


@dataclass(slots=True)
class Version:
    """A version of an application, as a deploy is seen from its requests.

    Args:
        name: its name.
        first_request: the time of its first request.
        last_request: the time of its last request.
    """

    name: str
    first_request: datetime
    last_request: datetime


@dataclass(slots=True)
class Hits:
    """Requests and errors.

    Args:
        requests: how many there are.
        errors: those with a status from 400 to 599.
    """

    requests: int
    errors: int


@dataclass(slots=True)
class Endpoint:
    """An endpoint.

    Args:
        id: its number in this database.
        name: its name.
        service: the service that it belongs to.
        blueprint: the part of its name before the first dot; empty without one.
        monitor_level: what is recorded, 0 to 3.
        added: since when it is known; null if not known.
        last_requested: the time of its last request; null if it never was.
    """

    id: int
    name: str
    service: str
    blueprint: str
    monitor_level: int
    added: datetime | None
    last_requested: datetime | None


@dataclass(slots=True)
class EndpointFigures:
    """An endpoint with its figures.

    Args:
        endpoint: the endpoint.
        today: hits since midnight in the time zone of the settings.
        week: hits of the last seven days.
        overall: hits of all time.
        selected: hits of the selected time.
        durations: durations of the selected time; null without requests.
        median_overall_ms: the median of all time; null without requests.
        median_change: how the median changed from the time before, 0.5 for half as long again;
            null if there are too few requests.
        error_change: how the share of errors changed; null if there are too few requests.
    """

    endpoint: Endpoint
    today: Hits
    week: Hits
    overall: Hits
    selected: Hits
    durations: Durations | None
    median_overall_ms: float | None
    median_change: float | None
    error_change: float | None


@dataclass(slots=True)
class BlueprintFigures:
    """A blueprint with its figures, see endpoints.

    Args:
        blueprint: its name; empty for endpoints without one.
        service: the service that it belongs to.
        endpoint_ids: the ids of its endpoints.
        today: hits since midnight in the time zone of the settings.
        week: hits of the last seven days.
        overall: hits of all time.
        selected: hits of the selected time.
        durations: durations of the selected time; null without requests.
        median_change: how the median changed from the time before; null with too few requests.
    """

    blueprint: str
    service: str
    endpoint_ids: list[int]
    today: Hits
    week: Hits
    overall: Hits
    selected: Hits
    durations: Durations | None
    median_change: float | None


def _services(snapshot: Snapshot, _look: Look) -> list[tuple[str, int]]:
    counts = dict.fromkeys(snapshot.services.values(), 0)
    for one in snapshot.endpoints.values():
        counts[one.service] = counts.get(one.service, 0) + 1
    return list(counts.items())


def _known(snapshot: Snapshot, look: Look) -> Known | None:
    return snapshot.endpoints.get(look.endpoint_id)


def _endpoint(snapshot: Snapshot, look: Look) -> Known | None:
    found = _known(snapshot, look)
    if found is None:
        return None
    pending = snapshot.pending.endpoint_versions()
    last = [last for (number, _), (_, last) in pending.items() if number == found.id]
    if found.last_requested is not None:
        last.append(unix_us(found.last_requested))
    newest = naive_utc(max(last)) if last else None
    return found._replace(last_requested=newest)


def _versions(snapshot: Snapshot, look: Look) -> list[VersionSeen]:
    return versions_seen(snapshot, look.selection(snapshot).endpoint_ids)


SERVICES = View(
    name="services",
    title="Services",
    description="Every service, with the number of its endpoints.",
    load=_services,
    table=lambda data, _look: Table((Column("service"), Column("endpoints")), data),
)
VERSIONS = View(
    name="versions",
    title="Versions",
    description="Every version of the selected endpoints, the newest first: its first request is "
    "when it was deployed.",
    load=_versions,
    table=lambda data, look: Table(
        (Column("version"), Column("first_request"), Column("last_request")),
        [(one.name, look.time_of(one.first_us), look.time_of(one.last_us)) for one in data],
    ),
)
ONE_ENDPOINT = View(
    name="endpoint",
    title="Endpoint",
    description="One endpoint.",
    load=_endpoint,
    table=lambda data, _look: Table(
        (Column("endpoint"), Column("service")), [] if data is None else [(data.name, data.service)]
    ),
    parameters=(ENDPOINT,),
)

KNOWN_ENDPOINT = replace(ONE_ENDPOINT, name="known-endpoint", load=_known)
"""Whether there is such an endpoint, without more."""
ENDPOINTS_OVERVIEW = replace(
    OVERVIEW,
    title="Endpoints",
    description="Hits and errors (status 400 to 599) of each endpoint, durations of the selected "
    f"time, and how they changed; the {MOST_ROWS:,} with the most hits in the last seven days.",
    parameters=(BLUEPRINT,),
)
BLUEPRINTS = replace(
    ENDPOINTS_OVERVIEW,
    title="Blueprints",
    description="The same by blueprints.",
    load=lambda snapshot, look: load_overview(snapshot, look, is_grouped=True),
    parameters=(),
)


def services(data: list[tuple[str, int]], _look: Look) -> Iterator[Service]:
    """Of `SERVICES`."""
    return (Service(name, number) for name, number in data)


def versions(data: list[VersionSeen], _look: Look) -> Iterator[Version]:
    """Of `VERSIONS`."""
    return (Version(one.name, moment(one.first_us), moment(one.last_us)) for one in data)


def endpoint(data: Known, _look: Look) -> Endpoint:
    """Of `ONE_ENDPOINT`."""
    return Endpoint(
        data.id,
        data.name,
        data.service,
        data.blueprint,
        data.monitor_level,
        None if data.time_added is None else aware(data.time_added),
        None if data.last_requested is None else aware(data.last_requested),
    )


def endpoints(data: Data, look: Look) -> Iterator[EndpointFigures]:
    """Of the overview: all endpoints."""
    for row in data.overview.rows:
        yield EndpointFigures(
            endpoint(row.endpoint._replace(last_requested=row.last_requested), look),
            Hits(*row.today),
            Hits(*row.week),
            Hits(*row.overall),
            Hits(*row.selected),
            _durations_or_none(row.latency),
            row.median_overall,
            row.median_change,
            row.error_change,
        )


def blueprints(data: Data, _look: Look) -> Iterator[BlueprintFigures]:
    """Of the overview by blueprints."""
    for row in data.overview.rows:
        yield BlueprintFigures(
            row.endpoint.blueprint,
            row.endpoint.service,
            [one.id for one in row.endpoints],
            Hits(*row.today),
            Hits(*row.week),
            Hits(*row.overall),
            Hits(*row.selected),
            _durations_or_none(row.latency),
            row.median_change,
        )


def _durations_or_none(one: distribution.Distribution | None) -> Durations | None:
    return None if one is None else durations(one)
