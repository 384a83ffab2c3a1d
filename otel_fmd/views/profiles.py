"""Profiles of an endpoint: one by one, the newest first, and merged into one tree."""

from __future__ import annotations

from typing import NamedTuple

from otel_fmd.queries import profiles as queries
from otel_fmd.queries.profiles import GroupedProfile, ProfiledRequest
from otel_fmd.queries.snapshot import Snapshot
from otel_fmd.views.look import Look
from otel_fmd.views.parameters import ENDPOINT, PAGE
from otel_fmd.views.view import Column, Table, View

PER_PAGE = 10
_DIGITS = 6
_EMPTY = (
    "No profiles in the selected time range. The agent in the monitored app takes them at monitor "
    "level 3: call otel_fmd.instrument(app), and set the endpoint's level in the overview."
)


class Profiles(NamedTuple):
    """A page of profiled requests, of `total`."""

    found: list[ProfiledRequest]
    page: int
    total: int


def load(snapshot: Snapshot, look: Look) -> Profiles | None:
    """A page of them."""
    selection, page = look.selection(snapshot), look.value(PAGE)
    found = queries.profiles(
        snapshot, look.endpoint_id, selection, offset=page * PER_PAGE, limit=PER_PAGE
    )
    if not found:
        return None
    return Profiles(found, page, queries.profile_count(snapshot, look.endpoint_id, selection))


def table(data: Profiles | None, look: Look) -> Table:
    """One row per line of each profile, in the order of its tree."""
    names = (
        *map(Column, ("request", "time", "code", "file", "line", "indent")),
        Column("duration_ms", "ms"),
        Column("cpu_ms", "ms"),
    )
    rows = [
        (
            str(one.request.id),
            look.time_text(one.request.time_requested),
            line.code,
            line.filename,
            line.line_number,
            line.indent,
            round(line.duration_ms, _DIGITS),
            "" if line.cpu_ms is None else round(line.cpu_ms, _DIGITS),
        )
        for one in ([] if data is None else data.found)
        for line in one.lines
    ]
    return Table(names, rows)


def load_grouped(snapshot: Snapshot, look: Look) -> GroupedProfile | None:
    """The merged tree."""
    found = queries.grouped_profile(snapshot, look.endpoint_id, look.selection(snapshot))
    return found if found.lines else None


def grouped_table(data: GroupedProfile | None, _look: Look) -> Table:
    """One row per line, in the order of the tree."""
    columns = (
        *map(Column, ("code", "file", "line", "indent", "hits")),
        *(Column(f"{name}_ms", "ms") for name in ("mean", "deviation", "total", "cpu")),
    )
    rows = [
        (
            line.code,
            line.filename,
            line.line_number,
            line.indent,
            line.hits,
            *(
                round(value, _DIGITS)
                for value in (line.mean_ms, line.deviation_ms, line.total_ms, line.total_cpu_ms)
            ),
        )
        for line in ([] if data is None else data.lines)
    ]
    return Table(columns, rows)


PROFILES = View(
    name="profiles",
    title="Profiler",
    description="Percentages are of the request's duration. In the bars, yellow is CPU time and "
    "blue is waiting.",
    load=load,
    table=table,
    empty=_EMPTY,
    parameters=(ENDPOINT, PAGE),
)
GROUPED_PROFILE = View(
    name="grouped-profile",
    title="Where the time goes",
    description="Each bar is a line of your code, with what it calls below it; the widest bars "
    "take the most time. Yellow is CPU time, blue is waiting. Click a bar to zoom in.",
    load=load_grouped,
    table=grouped_table,
    empty=_EMPTY,
    parameters=(ENDPOINT,),
)
