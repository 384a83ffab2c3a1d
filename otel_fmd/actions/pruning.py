"""Removing what is old: at once, and on a schedule."""

from __future__ import annotations

from dataclasses import asdict

from otel_fmd.config import MOST_DAYS
from otel_fmd.errors import ConfigurationError
from otel_fmd.people.actor import Actor, Role, require
from otel_fmd.people.change import changed, changing
from otel_fmd.store.store import Store
from otel_fmd.upkeep.retention import Ages, Retention
from otel_fmd.upkeep.schedule import PruningSchedule as PruningSchedule
from otel_fmd.upkeep.schedule import save_schedule, schedule_in

_WHAT = "prune"
_MOST_WEEKS = MOST_DAYS // 7


def schedule_of(cron: str, weeks: object, delete_custom_graph_data: bool) -> PruningSchedule:
    """A schedule from what was typed; `save_schedule` checks the rest.

    Raises:
        ConfigurationError: the weeks are no whole number from 1.
    """
    number = weeks if isinstance(weeks, int) and not isinstance(weeks, bool) else 0
    if not 1 <= number <= _MOST_WEEKS:
        raise ConfigurationError(
            f"weeks to keep {repr(weeks)[:50]}: expected a whole number from 1 to {_MOST_WEEKS}"
        )
    return PruningSchedule(cron, number, delete_custom_graph_data)


def prune(actor: Actor, store: Store, ages: Ages) -> dict[str, int]:
    """Remove what is older than given, now; the rows removed, by kind.

    Raises:
        NotAllowedError: the actor is not an admin.
        ConfigurationError: no age is given, or one is negative.
    """
    require(actor, Role.ADMIN, _WHAT)
    for name, days in asdict(ages).items():
        if not 0 <= days <= MOST_DAYS:
            raise ConfigurationError(f"{name} {days:g}: expected days from 0 to {MOST_DAYS}")
    if not ages.any:
        raise ConfigurationError("say what is to be removed, for example --requests 90")
    removed = Retention(store).prune(ages)
    changed(actor, store, "database.prune", "database", str(removed))
    return removed


def set_schedule(actor: Actor, store: Store, schedule: PruningSchedule | None) -> None:
    """Set the schedule, or with None remove it.

    Raises:
        NotAllowedError: the actor is not an admin.
        ConfigurationError: the cron schedule or the weeks cannot be used.
    """
    with changing(actor, store, Role.ADMIN, _WHAT, "schedule.set", "pruning") as change:
        before = schedule_in(change.connection, change.tables)
        save_schedule(change.connection, change.tables, schedule)
        change.before, change.after = _text(before), _text(schedule)


def _text(schedule: PruningSchedule | None) -> str:
    return "none" if schedule is None else str(schedule._asdict())
