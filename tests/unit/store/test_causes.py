"""Each cause of a database that does not answer has its own words, and no password is in them."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import make_url, text

from otel_fmd.config import load, shown_setting
from otel_fmd.errors import ConfigurationError, StoreUnavailableError
from otel_fmd.people.setup import prepare_first_user
from otel_fmd.people.users import verify
from otel_fmd.store import causes
from otel_fmd.store.schema import ensure_schema
from otel_fmd.store.store import Store
from otel_fmd.store.url import hidden, parse_url
from tests.support.databases import MariaDb, PostgreSql
from tests.support.people import with_user


def failure(url: str) -> StoreUnavailableError:
    """What looking for a user says."""
    store = Store(url)
    with pytest.raises(StoreUnavailableError) as found:
        verify(store, "admin", "x")
    store.close()
    return found.value


def test_a_missing_folder_of_a_file_is_named(tmp_path: Path) -> None:
    """With the command that makes it; in what anybody may read no path is told."""
    error = failure(f"sqlite:///{tmp_path / 'not' / 'there' / 'fmd.db'}")
    assert f"mkdir -p {tmp_path / 'not' / 'there'}" in str(error)
    assert error.advice == causes.NO_FILE
    assert str(tmp_path) not in error.advice


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    """It is said, not that it cannot be reached."""
    (tmp_path / "fmd.db").write_text("a text of more than a hundred bytes, " * 40)
    assert failure(f"sqlite:///{tmp_path / 'fmd.db'}").advice == causes.NOT_SQLITE


def test_missing_tables(database_url: str) -> None:
    """On every engine: an empty database."""
    assert failure(database_url).advice == causes.NO_TABLES


@pytest.mark.parametrize("engine", ["postgresql", "mariadb"])
def test_a_database_that_is_not_there(new_url: Callable[[str], str], engine: str) -> None:
    """Another name than there is."""
    assert failure(new_url(engine) + "_not").advice == causes.NO_DATABASE


def test_a_wrong_password_and_a_user_without_rights_in_mariadb(mariadb: MariaDb) -> None:
    """Told apart."""
    url = mariadb.url("rights")
    with mariadb.connect() as connection, connection.cursor() as cursor:
        cursor.execute("CREATE USER 'low'@'%' IDENTIFIED BY 'p@ss/1'")
    low = url.replace("root@", "low:wr@ng@")
    assert failure(low).advice == causes.REFUSED
    assert "ng@" not in str(failure(low))
    assert failure(url.replace("root@", "low:p@ss/1@")).advice == causes.RIGHTS


def test_a_user_without_rights_in_postgresql(
    postgresql: PostgreSql, new_url: Callable[[str], str]
) -> None:
    """Its tables are there."""
    url = new_url("postgresql")
    store = Store(url)
    ensure_schema(store)
    store.close()
    postgresql.run("CREATE USER low")
    assert failure(url.replace("fmd@", "low@")).advice == causes.RIGHTS


def test_a_server_that_is_not_there() -> None:
    """With what to look at."""
    assert failure("postgresql://me@127.0.0.1:1/x").advice == causes.AWAY
    assert failure("mysql://me@127.0.0.1:1/x").advice == causes.AWAY


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("postgresql+psycopg2://me:x@h/d", "postgresql+psycopg://me:x@h/d"),
        ("postgresql+asyncpg://me:x@h/d", "postgresql+psycopg://me:x@h/d"),
        ("mysql+mysqldb://me:x@h/d", "mysql+pymysql://me:x@h/d?charset=utf8mb4"),
        ("mariadb+mariadbconnector://h/d", "mariadb+pymysql://h/d?charset=utf8mb4"),
        ("postgresql://me:p@s/s:w@h/d", "postgresql+psycopg://me:p%40s%2Fs%3Aw@h/d"),
        ("sqlite:////tmp/a@b.db", "sqlite:////tmp/a@b.db"),
    ],
)
def test_the_applications_own_url_serves(url: str, expected: str) -> None:
    """Whichever driver it names, and with a password as people paste it."""
    assert parse_url(url)[0] == make_url(expected)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me:sec@ret@host/db",
        "postgresql://me:sec/ret:@@host:5432/db",
        "postgres//me:secret@host/db",
        "me:secret@host",
        "://me:sec@ret@host",
        "postgresql://host/db?user=me&password=secret",
        "oracle://me:sec@ret@host/db",
    ],
)
def test_no_part_of_a_password_is_shown(url: str) -> None:
    """Not in errors, not in the settings, not in the name of a store."""
    shown = [hidden(url)]
    try:
        shown.append(Store(url).display_url)
        shown.append(shown_setting("database_url", url))
    except ConfigurationError as error:
        shown.append(str(error))
    for text_ in shown:
        assert "sec" not in text_
        assert "ret" not in text_


def test_the_default_password_of_fmd_is_named(sqlite_store: Store) -> None:
    """With its length, the least, and both cures; a database that has users does not mind."""
    with pytest.raises(ConfigurationError) as found:
        prepare_first_user(sqlite_store, "admin", "admin")
    assert "5 characters" in str(found.value)
    assert "OTEL_FMD_ADMIN_PASSWORD" in found.value.advice
    with_user(sqlite_store, "ana")
    assert prepare_first_user(sqlite_store, "admin", "admin") is None


def test_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    """Notepad writes one."""
    file = tmp_path / "config.cfg"
    file.write_bytes(b"\xef\xbb\xbf[dashboard]\nMONITOR_LEVEL=3\n")
    assert load(environ={}, config_file=str(file)).monitor_level == 3


def test_a_new_file_is_opened_by_many_at_once(tmp_path: Path) -> None:
    """SQLite does not wait by itself for the lock that a write-ahead log needs: we do."""
    path = tmp_path / "fmd.db"
    with sqlite3.connect(path, isolation_level=None) as other:
        other.execute("CREATE TABLE x (y)")
        other.execute("BEGIN IMMEDIATE")
        found: list[str] = []

        def look() -> None:
            store = Store(f"sqlite:///{path}")
            with store.read() as connection:
                found.append(connection.execute(text("PRAGMA journal_mode")).scalar_one())
            store.close()

        thread = threading.Thread(target=look)
        thread.start()
        thread.join(0.3)
        assert found == []
        other.execute("COMMIT")
        thread.join(10)
    assert found == ["wal"]
