"""Small facts that a database keeps about itself, by name."""

from __future__ import annotations

from uuid import uuid4

from sqlalchemy import Connection, delete, insert, select

from otel_fmd.store.store import Store
from otel_fmd.store.tables import Tables

ADOPTED_AT = "adopted_at_us"
"""When FMD's tables were adopted; FMD timed the view, OpenTelemetry times the request."""
ADOPTED_LAST_ID = "adopted_last_id"
"""The highest id of the adopted requests; `ADOPTED_DONE_ID`: up to which they are counted."""
ADOPTED_DONE_ID = "adopted_done_id"
ADOPTED_LAST_OUTLIER = "adopted_last_outlier"
"""The highest id of the adopted outliers; `ADOPTED_REDACTED_OUTLIER`: up to which secrets in them
are hidden."""
ADOPTED_REDACTED_OUTLIER = "adopted_redacted_outlier"
PRUNED_BEFORE = "requests_pruned_before_us"
"""Rows of requests that began earlier are gone."""
RECOUNT = "recount_rollups"
"""A migration changed rows, so the rollups must be recounted from them."""
LEASE_PREFIX = "lease:"
"""The holder of a lease, by what it is for; see `store.lease`."""
DROPPED_PREFIX = "dropped:"
"""Requests that a process dropped, by process."""


def get_setting(connection: Connection, tables: Tables, name: str) -> str | None:
    """The value of a setting; None when it was never set."""
    setting = tables.setting.c
    found: str | None = connection.execute(
        select(setting.value).where(setting.name == name)
    ).scalar()
    return found


def put_setting(connection: Connection, tables: Tables, name: str, value: str) -> None:
    """Set a setting."""
    remove_setting(connection, tables, name)
    connection.execute(insert(tables.setting).values(name=name, value=value))


def remove_setting(connection: Connection, tables: Tables, name: str) -> None:
    """Forget a setting."""
    connection.execute(delete(tables.setting).where(tables.setting.c.name == name))


def try_to_write(store: Store) -> None:
    """Write something, durably, that leaves nothing.

    Raises:
        StoreUnavailableError: the database takes nothing now.
    """
    name = f"probe:{uuid4().hex}"
    with store.write() as connection:
        put_setting(connection, store.tables, name, "")
        remove_setting(connection, store.tables, name)
