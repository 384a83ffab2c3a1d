"""The address of a database: its engine, its driver, and no word of its password."""

from __future__ import annotations

import re
from urllib.parse import quote

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from otel_fmd.errors import ConfigurationError
from otel_fmd.store.engines import DatabaseEngine, engines

_CREDENTIALS = re.compile(r"([a-zA-Z0-9+]+://)([^:/@]*):(.*)@([^@]*)")
_PASSWORD = re.compile(r"^((?:[\w+.-]*+:?//)?+[^:/@]*+:).*@")
_QUERY_PASSWORD = re.compile(r"([?&](?:\w*passw\w*|pwd)=)[^&]*", re.IGNORECASE)


def hidden(database_url: str) -> str:
    """A database URL, or what should be one, without its password."""
    shown = _PASSWORD.sub(r"\1***@", database_url)
    return _QUERY_PASSWORD.sub(r"\1***", shown)


def parse_url(database_url: str) -> tuple[URL, DatabaseEngine]:
    """A database URL with the driver that we use, whichever it names, and its engine.

    Raises:
        ConfigurationError: it is not the URL of a supported database, or of a valid file.
    """
    try:
        url = make_url(_quoted_password(database_url.strip()))
    except (ArgumentError, ValueError):
        raise ConfigurationError(
            f"database URL {hidden(database_url)!r} is not a URL; expected for example "
            "sqlite:///fmd.db or postgresql://user:password@host/database"
        ) from None
    known = engines()
    backend = url.get_backend_name()
    if backend not in known:
        raise ConfigurationError(
            f"database URL {hidden(database_url)!r}: {backend!r} is not one of {', '.join(known)}"
        )
    engine = known[backend]
    try:
        # An application's own URL may name a driver such as psycopg2 or mysqldb: the database is
        # the same, and we bring a driver.
        return engine.checked_url(url).set(drivername=engine.driver_for(backend)), engine
    except ValueError as error:
        raise ConfigurationError(f"database URL {hidden(database_url)!r}: {error}") from None


def _quoted_password(database_url: str) -> str:
    """A URL whose password has its `@`, `/` and `:` escaped: it ends at the last `@`."""
    found = _CREDENTIALS.fullmatch(database_url)
    if found is None:
        return database_url
    scheme, user, password, rest = found.groups()
    return f"{scheme}{user}:{quote(password, safe='%')}@{rest}"
