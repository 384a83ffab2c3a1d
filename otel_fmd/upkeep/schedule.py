"""The pruning schedule that people set in the dashboard, kept in the database.

It has the form of FMD's `add_database_pruning_schedule`: a cron schedule, the weeks to keep, and
whether the data of custom graphs is removed as well.
"""

from __future__ import annotations

import json
import time
from typing import NamedTuple

from sqlalchemy import Connection, delete

from otel_fmd.analysis.cron import NEVER, is_cron, next_run
from otel_fmd.errors import ConfigurationError
from otel_fmd.store.settings import get_setting, put_setting
from otel_fmd.store.store import Store
from otel_fmd.store.tables import Tables
from otel_fmd.upkeep.retention import Ages

_NAME = "pruning_schedule"
_DAYS_A_WEEK = 7


class PruningSchedule(NamedTuple):
    """When to prune, and what is kept."""

    cron: str
    weeks_to_keep: int
    delete_custom_graph_data: bool

    @property
    def ages(self) -> Ages:
        """The ages in days."""
        days = self.weeks_to_keep * _DAYS_A_WEEK
        return Ages(requests=days, custom_graphs=days if self.delete_custom_graph_data else 0)


def load_schedule(store: Store) -> PruningSchedule | None:
    """The schedule; None when none was set."""
    with store.read() as connection:
        return schedule_in(connection, store.tables)


def schedule_in(connection: Connection, tables: Tables) -> PruningSchedule | None:
    """The same, with an open connection."""
    text = get_setting(connection, tables, _NAME)
    if text is None:
        return None
    found = json.loads(text)
    return PruningSchedule(found["cron"], found["weeks"], found["custom_graphs"])


def save_schedule(connection: Connection, tables: Tables, schedule: PruningSchedule | None) -> None:
    """Set the schedule, or with None remove it.

    Raises:
        ConfigurationError: the cron schedule or the weeks cannot be used.
    """
    if schedule is None:
        connection.execute(delete(tables.setting).where(tables.setting.c.name == _NAME))
        return
    if not is_cron(schedule.cron):
        raise ConfigurationError(
            f"schedule {schedule.cron[:50]!r}: expected minute, hour, day, month and day of the "
            "week, such as 0 3 * * *"
        )
    if next_run(schedule.cron, time.time()) == NEVER:
        raise ConfigurationError(
            f"schedule {schedule.cron!r}: expected one that is due at some time"
        )
    if schedule.weeks_to_keep < 1:
        raise ConfigurationError(f"{schedule.weeks_to_keep} weeks: expected at least 1")
    value = {
        "cron": schedule.cron,
        "weeks": schedule.weeks_to_keep,
        "custom_graphs": schedule.delete_custom_graph_data,
    }
    put_setting(connection, tables, _NAME, json.dumps(value))
