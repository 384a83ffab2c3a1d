"""Marks on charts over days: when versions were first seen, where an adopted history ends."""

from __future__ import annotations

from otel_fmd.analysis.calendar import Mark
from otel_fmd.queries.facts import adopted_us
from otel_fmd.queries.snapshot import Snapshot
from otel_fmd.queries.versions import versions_seen
from otel_fmd.views.look import Look
from otel_fmd.views.view import Column, Table, View


def load(snapshot: Snapshot, look: Look) -> list[Mark]:
    """Deployments of the selected endpoints, the newest first."""
    endpoints = look.selection(snapshot).endpoint_ids
    marks = [
        Mark(
            look.day_of(version.first_us),
            f"version {version.name} first seen {look.time_of(version.first_us)[:16]}",
        )
        for version in versions_seen(snapshot, endpoints)
    ]
    adopted = adopted_us(snapshot)
    if adopted is not None:
        moment = look.time_of(adopted)
        words = "before this, FMD timed the view; after it, OpenTelemetry times the whole request"
        marks.append(Mark(look.day_of(adopted), f"adopted {moment[:16]}: {words}"))
    return marks


def table(data: list[Mark], _look: Look) -> Table:
    """One row per mark."""
    return Table(
        (Column("day"), Column("what")), [(one.day.isoformat(), one.words) for one in data]
    )


DEPLOYS = View(
    name="deploys",
    title="Deployments",
    description="When each version was first seen.",
    load=load,
    table=table,
)
