"""What the administration pages show: deploy, database, settings, refused senders."""

from __future__ import annotations

from typing import NamedTuple

from otel_fmd import config
from otel_fmd._version import __version__
from otel_fmd.errors import OtelFmdError
from otel_fmd.people.actor import Role
from otel_fmd.queries.dropped import dropped
from otel_fmd.queries.facts import adopted_us, database_facts
from otel_fmd.queries.snapshot import Snapshot
from otel_fmd.upkeep.schedule import PruningSchedule, schedule_in
from otel_fmd.views.look import Look, Refusal
from otel_fmd.views.view import Column, Table, View

_COUNTERS = {
    "stored": "requests stored since this process started",
    "duplicates": "requests that a client sent more than once, stored once",
    "outliers": "outliers among them",
    "seen_only": "requests at monitor level 0, not stored",
    "other_endpoints": "requests of endpoints above the limits, stored as (other endpoints) or "
    "(other paths)",
    "not_kept": "child spans accepted but not stored",
    "clock_errors": "spans with an impossible duration, stored as 0 ms",
    "refused": "requests refused because the queue was full",
    "failed": "requests that could not be stored, as reported to their client",
    "dropped": "requests dropped",
    "folded": "deltas folded into rollups",
    "points": "points of metrics stored, duplicates included",
    "points_dropped": "points of metrics dropped: too many metrics or series",
    "points_duplicates": "points of metrics that were sent again, and changed nothing",
    "points_late": "points of metrics that came too late, or from a clock that is ahead",
    "records": "log records stored",
    "records_duplicates": "log records that a client sent more than once, stored once",
    "records_not_kept": "log records that were not kept: not severe, and of no sampled trace",
    "records_dropped": "log records dropped: too many of a request, or in a minute",
}
Facts = list[tuple[str, str]]
"""Names and values, as shown to the user."""


class Deploy(NamedTuple):
    """The version that runs here, and its process counters."""

    facts: Facts
    counters: Facts


class Database(NamedTuple):
    """What a database holds, and when it is pruned."""

    facts: Facts
    schedule: PruningSchedule | None


class Setting(NamedTuple):
    """A setting.

    Its field, its environment variable, its value (secrets hidden), the source of that value, and
    a description.
    """

    name: str
    variable: str
    value: str
    source: str
    help: str


def load_deploy(snapshot: Snapshot, look: Look) -> Deploy:
    """Versions, sizes, counters."""
    facts = database_facts(snapshot)
    lost = dropped(snapshot)
    when = f" (last {look.time_of(lost.last_us)})" if lost.requests else ""
    held = [
        ("otel-fmd", __version__),
        ("database", snapshot.store.display_url),
        ("time zone", look.zone.key),
        ("first request", look.time_text(facts.first_request)),
        *((name, f"{number:,}") for name, number in facts.rows.items()),
        ("size on disk", f"{facts.size_bytes / 2**20:,.1f} MiB"),
        ("requests dropped by monitored apps", f"{lost.requests:,}{when}"),
    ]
    counters = look.process.counters()
    return Deploy(held, [(_COUNTERS.get(name, name), f"{n:,}") for name, n in counters.items()])


def load_database(snapshot: Snapshot, look: Look) -> Database:
    """Sizes, rows, the schedule."""
    facts, adopted = database_facts(snapshot), adopted_us(snapshot)
    held = [
        ("database", snapshot.store.display_url),
        ("size on disk", f"{facts.size_bytes / 2**20:,.1f} MiB"),
        *((name, f"{number:,}") for name, number in facts.rows.items()),
        ("first request", look.time_text(facts.first_request)),
    ]
    if adopted is not None:
        held.append(("adopted from FMD", look.time_of(adopted)))
    return Database(held, schedule_in(snapshot.connection, snapshot.tables))


def load_settings(_snapshot: Snapshot, look: Look) -> list[Setting]:
    """Every setting in force."""
    try:
        sources = config.sources(config_file=look.settings.config_file or None)
    except OtelFmdError:
        # The file cannot be read any more; the values read at start-up still apply.
        sources = {}
    found = []
    for name, variable, default, description in config.describe():
        value = config.shown_setting(name, getattr(look.settings, name))
        source = "default" if value == default else "argument"
        if name in sources:
            source = sources[name].where
        found.append(Setting(name, variable, value, source, description.replace("`", "")))
    return found


def load_refusals(_snapshot: Snapshot, look: Look) -> list[Refusal]:
    """The last senders of requests that the receiver refused."""
    return list(look.process.refusals())


def _facts_table(facts: Facts) -> Table:
    return Table((Column("name"), Column("value")), facts)


DEPLOY = View(
    name="deploy",
    title="Deployment",
    description="The installed version, the size of the database, and this process's counters.",
    load=load_deploy,
    table=lambda data, _look: _facts_table([*data.facts, *data.counters]),
)
DATABASE = View(
    name="database",
    title="Database",
    description="Size, row counts and pruning schedule of the database.",
    load=load_database,
    table=lambda data, _look: _facts_table(data.facts),
    role=Role.ADMIN,
)
SETTINGS = View(
    name="settings",
    title="Settings",
    description="Arguments override environment variables, which override FMD's config.cfg.",
    load=load_settings,
    table=lambda data, _look: Table(
        tuple(map(Column, ("setting", "value", "from", "help"))),
        [(one.variable, one.value, one.source, one.help) for one in data],
    ),
    role=Role.ADMIN,
)
REFUSED = View(
    name="refused",
    title="Refused requests",
    description="The last fifty senders that the receiver of this process has refused.",
    load=load_refusals,
    table=lambda data, look: Table(
        tuple(map(Column, ("sender", "transport", "path", "answered", "times", "last"))),
        [
            (one.address, one.transport, one.path, one.reason, one.times, look.time_of(one.last_us))
            for one in data
        ],
    ),
    role=Role.ADMIN,
)
