"""The overview: every endpoint, or blueprint, with its hits, errors and durations."""

from __future__ import annotations

from typing import NamedTuple

from otel_fmd.analysis.text import count_text, visible
from otel_fmd.queries.overview import Overview, OverviewRow, overview
from otel_fmd.queries.snapshot import Snapshot
from otel_fmd.store.kinds import LIMITS
from otel_fmd.views.look import Look
from otel_fmd.views.parameters import Parameter, one_of
from otel_fmd.views.view import Column, Table, View

BLUEPRINTS = "blueprint"
GROUP = Parameter("group", f"`{BLUEPRINTS}`: a row per blueprint.", one_of(BLUEPRINTS), "")
BLUEPRINT: Parameter[str | None] = Parameter(
    "blueprint", "Only endpoints of this blueprint; empty: those without one.", str, None
)


MOST_ROWS = 2_000
"""Rows that are shown: a browser draws them in a second."""


class Data(NamedTuple):
    """The overview.

    Args:
        overview: its figures, and the rows shown.
        is_grouped: whether its rows are blueprints.
        warnings: what a reader should know, as sentences.
    """

    overview: Overview
    is_grouped: bool
    warnings: list[str]


def load(snapshot: Snapshot, look: Look) -> Data:
    """The rows with the most hits in the last seven days first."""
    return load_overview(snapshot, look, is_grouped=look.value(GROUP) == BLUEPRINTS)


def load_overview(snapshot: Snapshot, look: Look, *, is_grouped: bool) -> Data:
    """The same, by endpoints or by blueprints."""
    data = overview(
        snapshot,
        look.selection(snapshot),
        now_us=look.now_us,
        today_us=look.today_us,
        by_blueprint=is_grouped,
    )
    wanted = look.value(BLUEPRINT)
    rows = [row for row in data.rows if wanted is None or row.endpoint.blueprint == wanted]
    rows.sort(key=lambda row: -row.week.requests)
    warnings = [_from_the_future(snapshot, data, look), *_above_limits(snapshot)]
    if len(rows) > MOST_ROWS:
        warnings.append(
            f"Only the {MOST_ROWS:,} of {len(rows):,} rows with the most hits in the last seven "
            "days are shown: choose a service."
        )
    shown = data._replace(rows=rows[:MOST_ROWS])
    return Data(shown, is_grouped, [one for one in warnings if one])


def _above_limits(snapshot: Snapshot) -> list[str]:
    """Which limits on names were reached."""
    endpoints = snapshot.endpoints.values()
    names = {one.name for one in endpoints} | {one.service for one in endpoints}
    names.update(snapshot.versions.values())
    return [
        f"Some requests are counted as {name}, because there are more than {variable} allows."
        for name, variable in LIMITS.items()
        if name in names
    ]


def _from_the_future(snapshot: Snapshot, data: Overview, look: Look) -> str:
    """Which services have a clock that runs ahead, as text; '' if none has."""
    number = len(data.future.requests)
    if not number:
        return ""
    services = data.future.by_service(snapshot)
    more = "at least " if data.future.is_cut else ""
    whose = ", ".join(f"{count_text(number)} of {visible(name)}" for name, number in services)
    last = look.time_text(data.future.requests[-1].time_requested)[:16]
    return (
        f"{more}{count_text(number)} request{'' if number == 1 else 's'} from the future ({whose}; "
        f"until {last}): check the clock there. "
        "They are stored, but not counted as today's."
    )


def name_of(row: OverviewRow, data: Data) -> str:
    """What a row is called."""
    return (row.endpoint.blueprint or "(none)") if data.is_grouped else row.endpoint.name


def last_requested(row: OverviewRow, look: Look) -> str:
    """When it was last requested; if never, since when it could have been."""
    if row.last_requested is not None or row.overall.requests:
        return look.time_text(row.last_requested)[:16]
    added = min((one.time_added for one in row.endpoints if one.time_added), default=None)
    return "never" if added is None else f"never since {look.time_text(added)[:10]}"


def table(data: Data, look: Look) -> Table:
    """One row per endpoint or blueprint."""
    columns = (
        *map(Column, (BLUEPRINTS if data.is_grouped else "endpoint", "service")),
        *(
            Column(f"{what}_{when}")
            for when in ("today", "week", "overall", "selected")
            for what in ("hits", "errors")
        ),
        *(Column(f"{name}_ms", "ms") for name in ("median", "p95", "p99", "median_overall")),
        Column("median_change"),
        Column("last_requested"),
        Column("monitor_level"),
    )
    rows = []
    for row in data.overview.rows:
        one = row.latency
        hits = (row.today, row.week, row.overall, row.selected)
        rows.append(
            (
                name_of(row, data),
                row.endpoint.service,
                *(number for pair in hits for number in pair),
                *((one.median, one.p95, one.p99) if one else ("", "", "")),
                "" if row.median_overall is None else row.median_overall,
                "" if row.median_change is None else row.median_change,
                last_requested(row, look),
                row.endpoint.monitor_level,
            )
        )
    return Table(columns, rows)


OVERVIEW = View(
    name="overview",
    title="Overview",
    description="Hits and errors (status 400 to 599), with rates and durations of the selected "
    "time range and their change from the period before it. Click a name for details.",
    load=load,
    table=table,
    empty="No endpoint has been requested yet.",
    parameters=(GROUP, BLUEPRINT),
)
