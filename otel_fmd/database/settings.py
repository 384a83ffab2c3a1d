"""Small facts that a database keeps about itself, by name."""

from __future__ import annotations

from sqlalchemy import Connection, delete, insert, select

from otel_fmd.database.tables import Tables


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
