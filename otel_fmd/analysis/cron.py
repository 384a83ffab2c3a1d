"""Cron schedules: minute, hour, day, month, day of the week."""

from __future__ import annotations

from datetime import datetime

NEVER = float("inf")


def is_cron(text: str) -> bool:
    """Whether a text is a schedule of five fields."""
    from croniter import croniter

    return len(text.split()) == 5 and bool(croniter.is_valid(text))


def next_run(schedule: str, after_s: float) -> float:
    """When a schedule is due next, in unix seconds; `NEVER` for the 31st of February.

    Args:
        schedule: a valid one, in local time of the machine.
        after_s: unix seconds.
    """
    from croniter import CroniterBadDateError, croniter

    start = datetime.fromtimestamp(after_s).astimezone()
    try:
        return float(croniter(schedule, start).get_next(float))
    except CroniterBadDateError:
        return NEVER
