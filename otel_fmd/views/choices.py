"""The choices offered with a view: services, versions, and the endpoint that it is about."""

from __future__ import annotations

from typing import NamedTuple

from otel_fmd.queries.snapshot import Endpoint, Snapshot
from otel_fmd.queries.versions import versions_seen
from otel_fmd.views.look import Look
from otel_fmd.views.parameters import ENDPOINT
from otel_fmd.views.view import Column, Table, View

MOST_VERSIONS = 100


class Choices(NamedTuple):
    """Names of services, names of versions (the newest first), and the endpoint of the look."""

    services: list[str]
    versions: list[str]
    endpoint: Endpoint | None


def load(snapshot: Snapshot, look: Look) -> Choices:
    """The services of the database, the versions of the selected endpoints."""
    seen = versions_seen(snapshot, look.selection(snapshot).endpoint_ids)
    return Choices(
        list(snapshot.services.values()),
        [version.name for version in seen[:MOST_VERSIONS]],
        snapshot.endpoints.get(look.endpoint_id),
    )


def table(data: Choices, _look: Look) -> Table:
    """One row per name."""
    rows = [("service", name) for name in data.services]
    rows += [("version", name) for name in data.versions]
    return Table((Column("kind"), Column("name")), rows)


CHOICES = View(
    name="choices",
    title="Services and versions",
    description="The services and versions that can be selected.",
    load=load,
    table=table,
    parameters=(ENDPOINT,),
)
