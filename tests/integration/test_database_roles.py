"""The database role that the documentation gives to apps: stores requests, reads no secrets."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError

from otel_fmd.ingest.batch import Batch
from otel_fmd.people.sessions import Sessions
from otel_fmd.rollups.fold import DeltaFolder
from otel_fmd.rollups.prepare import prepare
from otel_fmd.store.store import Store
from tests.support.people import with_user
from tests.support.requirements import ROOT
from tests.support.spans import Spans
from tests.unit.ingest.test_write import requests_of, writer

CLOSED = (
    *("User", "UserIdentity", "Session", "KnownBrowser", "LoginFailure", "SetupLink"),
    *("ApiToken", "Audit"),
)


def documented(kind: str) -> list[str]:
    """The statements of the documentation that begin with a word."""
    page = (ROOT / "docs" / "security.md").read_text()
    blocks = re.findall(r"```sql\n(.*?)```", page, re.DOTALL)
    (block,) = [one for one in blocks if one.startswith(kind)]
    return [one.strip() for one in block.split(";") if one.strip()]


@contextmanager
def owner(store: Store) -> Iterator[Any]:
    """A connection of the owner of the tables, each statement by itself."""
    engine = create_engine(store.url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        yield connection
    engine.dispose()


@pytest.mark.parametrize("engine", ["postgresql", "mariadb"])
def test_an_app_stores_requests_and_reads_neither_users_nor_sessions(
    engine: str, new_url: Callable[[str], str], open_store: Callable[..., Store]
) -> None:
    """With the statements as they stand there; the tables were created before."""
    url = new_url(engine)
    store = open_store(url)
    Sessions(store).start(with_user(store, "ana"), "192.0.2.1", "Firefox")
    name = store.url.database or ""
    role = f"app_{name}"
    with owner(store) as connection:
        if engine == "postgresql":
            for statement in documented("CREATE ROLE"):
                connection.execute(text(statement.replace("fmd_app", role)))
        else:
            connection.execute(text(f"CREATE USER {role} IDENTIFIED BY 'x'"))
            (query,) = documented("SELECT concat")
            query = query.replace("'fmd'", f"'{name}'").replace("fmd_app", role)
            statements = connection.execute(text(query)).scalars().all()
            assert len(statements) > 20
            for statement in statements:
                connection.execute(text(statement))
    app = Store(store.url.set(username=role, password="x").render_as_string(hide_password=False))
    prepare(app)
    assert writer(app).write(Batch(requests_of(Spans(1, time.time_ns()).many(50)))).stored == 50
    assert DeltaFolder(app).fold(100) > 0
    quote = app.engine.dialect.identifier_preparer.quote
    for table in CLOSED:
        with app.engine.connect() as connection, pytest.raises(DBAPIError, match="denied"):
            connection.execute(text(f"SELECT * FROM {quote(table)}"))
    with app.read() as connection:
        assert len(connection.execute(app.tables.request.select()).all()) == 50
    app.close()


def test_the_documentation_closes_what_the_code_calls_people(sqlite_store: Store) -> None:
    """A new table of that kind must be closed, too."""
    from otel_fmd.store.people_tables import people_tables

    made: list[str] = []
    people_tables(lambda name, *_, **__: made.append(name), "", sqlite_store.database)
    assert {*made, "User"} == set(CLOSED)
    assert all(f'"{name}"' in documented("CREATE ROLE")[2] for name in CLOSED)
