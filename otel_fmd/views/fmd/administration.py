"""FMD's routes about the installation: deploy, users, database, pruning schedule."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from otel_fmd._version import __version__
from otel_fmd.analysis.cron import NEVER, next_run
from otel_fmd.people.users import all_users
from otel_fmd.queries.counts import total
from otel_fmd.queries.fmd_rows import telemetry_id
from otel_fmd.queries.selection import Selection
from otel_fmd.queries.snapshot import Snapshot
from otel_fmd.upkeep.schedule import schedule_in
from otel_fmd.views.fmd.names import version_dates
from otel_fmd.views.fmd.problems import RequestError
from otel_fmd.views.look import Look

_CRON = ("minute", "hour", "day_of_the_month", "month", "day_of_the_week")


def deploy_details(snapshot: Snapshot, look: Look) -> dict[str, Any]:
    """Versions, the first requests, and how many requests there are."""
    dates = version_dates(snapshot)
    version = look.settings.app_version or next(iter(dates), "")
    return {
        "dashboard-version": __version__,
        "config-version": version,
        "link": (look.settings.dashboard_path or "dashboard").strip("/"),
        "fmd-id": telemetry_id(snapshot),
        "total-requests": total(snapshot, Selection()),
        "first-request": min((date for date in dates.values() if date), default=None),
        "first-request-version": dates.get(version),
    }


def deploy_config(snapshot: Snapshot, look: Look) -> dict[str, Any]:
    """The settings that FMD shows; the database without its password."""
    settings = look.settings
    return {
        "database_name": snapshot.store.display_url,
        "outlier_detection_constant": settings.outlier_detection_constant,
        "timezone": look.zone.key,
        "colors": {
            name: "[" + ",".join(map(str, color)) + "]" for name, color in settings.colors.items()
        },
    }


def alert_config(_snapshot: Snapshot, _look: Look) -> dict[str, Any]:
    """FMD's alerts, which are off: they are not in this version."""
    return {
        "alert_enabled": False,
        "alert_type": None,
        "chat": {"chat_platform": None},
        "email": {"smtp_host": None, "smtp_port": None, "smtp_to": None, "smtp_user": None},
        "issue": {"repository_name": None, "repository_owner": None},
    }


def user_list(snapshot: Snapshot, look: Look) -> list[dict[str, Any]]:
    """The users; for guests none, as in FMD."""
    if not look.actor.is_admin:
        return []
    users = sorted(all_users(snapshot.connection, snapshot.tables), key=lambda one: one.id)
    return [{"id": one.id, "username": one.username, "is_admin": one.is_admin} for one in users]


def database_size(snapshot: Snapshot, _look: Look) -> dict[str, str]:
    """The size on disk as text."""
    store = snapshot.store
    number = store.database.disk_bytes(snapshot.connection, store.url)
    return {"size": f"{number / 2**20:.2f} MB"}


def pruning_schedule(snapshot: Snapshot, look: Look) -> dict[str, Any]:
    """The pruning schedule in the parts that FMD names.

    Raises:
        RequestError: there is none.
    """
    found = schedule_in(snapshot.connection, snapshot.tables)
    if found is None:
        raise RequestError("No pruning schedule found", 404)
    following = next_run(found.cron, look.now_us / 1e6)
    return {
        "year": "*",
        "week": "*",
        "second": "0",
        **dict(zip(_CRON, found.cron.split(), strict=True)),
        "weeks_to_keep": found.weeks_to_keep,
        "delete_custom_graph_data": found.delete_custom_graph_data,
        "next_run_time": None if following == NEVER else datetime.fromtimestamp(following, UTC),
    }
