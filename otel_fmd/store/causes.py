"""Why a database does not answer, and the remedy for each cause.

Each engine maps its errors to these causes.
"""

from __future__ import annotations

REFUSED = (
    "The database refuses the user or the password in OTEL_FMD_DATABASE_URL; "
    "write characters such as @ : / in them as %40 %3A %2F."
)
RIGHTS = "The database user lacks privileges: it needs to read, write and create tables."
NO_DATABASE = "There is no database of that name: create it, or correct OTEL_FMD_DATABASE_URL."
NO_TABLES = "Tables are missing in the database: run `otel-fmd init-db`."
AWAY = (
    "The database cannot be reached: is its server running, and are the host and port in "
    "OTEL_FMD_DATABASE_URL correct?"
)
BUSY = "The database has no free connection: raise its limit, or run fewer processes."
LOCKED = "Another program has locked the database file; retrying."
FULL = "The disk of the database is full: free some space, or set OTEL_FMD_MAX_DATABASE_SIZE."
READ_ONLY = "The database is read-only: give this process write access to it."
NO_FILE = (
    "The database file cannot be opened: create its folder, and give this process access to it."
)
NOT_SQLITE = "The file in OTEL_FMD_DATABASE_URL is not a SQLite database, or it is damaged."

CURABLE = frozenset([REFUSED, RIGHTS, NO_DATABASE, NO_TABLES, READ_ONLY, NOT_SQLITE])
"""Causes that an operator can fix while requests wait."""
