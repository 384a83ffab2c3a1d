"""Tables of the application are never taken for ours, whatever they are called."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import inspect, text

from otel_fmd.actions.adoption import adopt
from otel_fmd.errors import SchemaError
from otel_fmd.people.actor import OPERATOR
from otel_fmd.people.setup import prepare_first_user
from otel_fmd.store.schema import ensure_schema
from otel_fmd.store.store import Store
from tests.integration.test_cli import run
from tests.support.databases import MariaDb, open_folder

THEIRS = {
    # Flask-SQLAlchemy names the table of a class User so; the first two columns are the tutorial's.
    "user": "id INTEGER PRIMARY KEY, username VARCHAR(64), password_hash VARCHAR(250)",
    "service": "id INTEGER PRIMARY KEY, name VARCHAR(80), price INTEGER",
    "version": "id INTEGER PRIMARY KEY, number VARCHAR(20)",
    "setting": "id INTEGER PRIMARY KEY, name VARCHAR(20), value VARCHAR(20)",
    "request": "id INTEGER PRIMARY KEY, customer VARCHAR(20)",
}


@pytest.fixture(scope="module")
def lower_case_mariadb() -> Iterator[MariaDb]:
    """A MariaDB server that keeps names in lower case, as on Windows and in many clouds."""
    with open_folder() as folder:
        server = MariaDb(folder / "mariadb")
        server.start("--lower-case-table-names=1")
        yield server
        server.stop()


def make(url: str, name: str, columns: str) -> None:
    """A table of the application, as its own tools make it."""
    store = Store(url)
    with store.write() as connection:
        quoted = connection.dialect.identifier_preparer.quote(name)
        connection.execute(text(f"CREATE TABLE {quoted} ({columns})"))
    store.close()


def refused(url: str, name: str) -> None:
    """Opening and adopting both name the table and the cure, and change nothing."""
    store = Store(url)
    for way in (lambda: ensure_schema(store), lambda: adopt(OPERATOR, store, "shop", 500)):
        with pytest.raises(SchemaError) as found:
            way()
        if way.__code__.co_names[0] == "ensure_schema":
            assert repr(name) in str(found.value)
            assert "OTEL_FMD_TABLE_PREFIX" in str(found.value)
    with store.read() as connection:
        assert inspect(connection).get_table_names() == [name]
    store.close()
    prefixed = Store(url, "fmd_")
    ensure_schema(prefixed)
    assert prepare_first_user(prefixed, "admin", "") is not None
    prefixed.close()


@pytest.mark.parametrize("name", THEIRS)
def test_sqlite_refuses_before_the_first_table(new_url: Callable[[str], str], name: str) -> None:
    """SQLite does not tell `user` from `User`."""
    url = new_url("sqlite")
    make(url, name, THEIRS[name])
    refused(url, name)


@pytest.mark.parametrize("name", THEIRS)
def test_mariadb_with_names_in_lower_case_refuses(lower_case_mariadb: MariaDb, name: str) -> None:
    """So does not a server with lower_case_table_names=1; there our own tables are known again."""
    url = lower_case_mariadb.url(f"theirs_{name}")
    make(url, name, THEIRS[name])
    refused(url, name)
    own = Store(lower_case_mariadb.url(f"ours_{name}"))
    ensure_schema(own)
    ensure_schema(own)
    own.close()


@pytest.mark.parametrize("engine", ["postgresql", "mariadb"])
def test_where_case_tells_them_apart_both_live_side_by_side(
    new_url: Callable[[str], str], engine: str
) -> None:
    """`user` is the application's, `User` is ours; a `User` of theirs is refused there, too."""
    url = new_url(engine)
    for name, columns in THEIRS.items():
        make(url, name, columns)
    store = Store(url)
    ensure_schema(store)
    assert prepare_first_user(store, "admin", "") is not None
    store.close()
    other = new_url(engine)
    make(other, "User", THEIRS["user"])
    refused(other, "User")


def test_a_user_table_with_more_than_ours_is_theirs(new_url: Callable[[str], str]) -> None:
    """All of our columns and one more: customers, whose names would open the dashboard."""
    url = new_url("sqlite")
    make(url, "user", f"{THEIRS['user']}, is_admin BOOLEAN, email VARCHAR(80) NOT NULL")
    refused(url, "user")


@pytest.mark.parametrize("command", ["init-db", "migrate"])
def test_commands_say_it_in_one_line(new_url: Callable[[str], str], command: str) -> None:
    """No traceback."""
    url = new_url("sqlite")
    make(url, "user", THEIRS["user"])
    found = run(command, "--database-url", url)
    assert found.returncode == 2
    assert "OTEL_FMD_TABLE_PREFIX" in found.stderr
    assert "Traceback" not in found.stderr


def test_commands_say_it_of_an_fmd_database_beside_theirs(new_url: Callable[[str], str]) -> None:
    """FMD's history and a table `version` of the application in one file: it is not adopted."""
    url = new_url("sqlite")
    store = Store(url)
    with store.write() as connection:
        for name in ("Endpoint", "Request", "User"):
            columns = ", ".join(
                c.name
                for c in store.tables.metadata.tables[name].columns
                if c.name not in ("service_id", "trace_id", "span_id")
            )
            connection.execute(text(f"CREATE TABLE {name} ({columns}, PRIMARY KEY (id))"))
    store.close()
    make(url, "version", THEIRS["version"])
    found = run("migrate", "--database-url", url)
    assert found.returncode == 2
    assert "'version'" in found.stderr
    assert "Traceback" not in found.stderr


@pytest.mark.parametrize("name", ["otelfmdversion", "OtelFmdVersion"])
def test_a_version_table_of_another_program_is_refused(
    new_url: Callable[[str], str], name: str
) -> None:
    """As every other table is: named, with the cure."""
    url = new_url("sqlite")
    make(url, name, "id INTEGER PRIMARY KEY, name TEXT")
    store = Store(url)
    for way in (lambda: ensure_schema(store), lambda: adopt(OPERATOR, store, "shop", 500)):
        with pytest.raises(SchemaError, match="OTEL_FMD_TABLE_PREFIX"):
            way()
    with store.read() as connection:
        assert inspect(connection).get_table_names() == [name]
    store.close()
