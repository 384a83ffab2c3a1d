"""The tables: FMD's as observed, ours beside them, made once by whoever is first."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect, text

from otel_fmd.errors import ConfigurationError, SchemaError, StoreUnavailableError
from otel_fmd.store.schema import HEAD, ensure_schema, revision_of, upgrade, version_table
from otel_fmd.store.store import Store
from otel_fmd.store.url import parse_url

FMD = json.loads((Path(__file__).parent / "fmd_schema.json").read_text())


def test_every_table_and_column_of_fmd_is_made(store: Store) -> None:
    """Names and nullability are FMD 5.1.0's; its indexes are there by name."""
    with store.read() as connection:
        found = inspect(connection)
        assert FMD.keys() <= set(found.get_table_names())
        assert len(FMD) == 19
        for name, table in FMD.items():
            columns = {column["name"]: column for column in found.get_columns(name)}
            for column, facts in table["columns"].items():
                assert column in columns, (name, column)
                assert columns[column]["nullable"] == facts["nullable"], (name, column)
            indexes = {index["name"] for index in found.get_indexes(name)}
            assert set(table["indexes"]) <= indexes
            for extra in set(columns) - set(table["columns"]):
                assert columns[extra]["nullable"], f"{name}.{extra} is ours and must be nullable"


def test_every_connection_to_sqlite_is_durable_and_waits(tmp_path: Path) -> None:
    """What the docs say of SQLite: a log of 8,000 pages, and a commit that survives a power cut."""
    store = Store(f"sqlite:///{tmp_path / 'fmd.db'}")
    expected = {
        "journal_mode": "wal",
        "synchronous": 2,
        "wal_autocheckpoint": 8_000,
        "busy_timeout": 10_000,
    }
    with store.engine.connect() as one, store.engine.connect() as other:
        for connection in (one, other):
            for name, value in expected.items():
                assert connection.exec_driver_sql(f"PRAGMA {name}").scalar() == value, name
    store.close()


@pytest.mark.parametrize("prefix", ["", "my_"])
@pytest.mark.parametrize("way", ["made at once", "migrated"])
def test_migrations_and_tables_agree(database_url: str, prefix: str, way: str) -> None:
    """What Alembic makes, and what a new database gets, is what the code describes."""
    store = Store(database_url, prefix)
    if way == "migrated":
        with store.write() as connection:
            upgrade(store, connection)
    ensure_schema(store)
    with store.read() as connection:
        assert revision_of(connection, prefix) == HEAD
        context = MigrationContext.configure(
            connection, opts={"version_table": version_table(prefix)}
        )
        differences = [
            difference
            for difference in compare_metadata(context, store.tables.metadata)
            if "OtelFmdVersion" not in str(difference)
        ]
    store.close()
    assert differences == []


def test_processes_that_start_together_make_the_tables_once(database_url: str) -> None:
    """Several receivers on a new database."""
    stores = [Store(database_url) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(ensure_schema, stores))
    for store in stores:
        store.close()


def test_an_fmd_database_is_not_touched(sqlite_store: Store, tmp_path: Path) -> None:
    """It is adopted by `otel-fmd migrate`, not by accident."""
    other = Store(f"sqlite:///{tmp_path / 'fmd.db'}")
    with other.write() as connection:
        columns = ", ".join(FMD["Request"]["columns"])
        connection.execute(text(f"CREATE TABLE Request ({columns}, PRIMARY KEY (id))"))
    with pytest.raises(SchemaError, match="otel-fmd migrate"):
        ensure_schema(other)


def test_a_newer_schema_is_refused(sqlite_store: Store) -> None:
    """An old otel-fmd does not write into what it does not know."""
    with sqlite_store.write() as connection:
        connection.execute(text("UPDATE OtelFmdVersion SET version_num = '9999'"))
    with pytest.raises(SchemaError, match="9999"):
        ensure_schema(sqlite_store)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("nonsense", "not a URL"),
        ("oracle://x/y", "not one of"),
        ("sqlite://", "a file is needed"),
        ("sqlite:///:memory:", "a file is needed"),
    ],
)
def test_a_bad_url_is_named(url: str, said: str) -> None:
    """The value and what was expected."""
    with pytest.raises(ConfigurationError, match=said):
        parse_url(url)


def test_a_password_is_never_shown() -> None:
    """Not in errors, not in logs."""
    assert "secret" not in Store("postgresql://me:secret@localhost/x").display_url


def test_a_database_that_is_down_is_unavailable() -> None:
    """An error of ours, with the address."""
    store = Store("postgresql://me@127.0.0.1:1/x")
    with pytest.raises(StoreUnavailableError, match=r"127\.0\.0\.1"):
        ensure_schema(store)
