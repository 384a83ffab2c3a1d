"""Why a database does not answer, and the cure: each cause in its own words.

Which error has which cause, each engine knows.
"""

from __future__ import annotations

REFUSED = (
    "The database refuses the user or the password of OTEL_FMD_DATABASE_URL; "
    "characters such as @ : / in them are written %40 %3A %2F."
)
RIGHTS = "The database user lacks rights on the tables: it needs to read, write and make tables."
NO_DATABASE = "There is no database of that name: make it, or correct OTEL_FMD_DATABASE_URL."
NO_TABLES = "Tables are missing in the database: run `otel-fmd init-db`."
AWAY = (
    "The database cannot be reached: is its server running, and are host and port of "
    "OTEL_FMD_DATABASE_URL right?"
)
BUSY = "The database has no connection free: raise its limit, or run fewer processes."
LOCKED = "Another program holds the lock of the database's file; it is tried again."
FULL = "The disk of the database is full: make room, or set OTEL_FMD_MAX_DATABASE_SIZE."
READ_ONLY = "The database may only be read: give this process the right to write to it."
NO_FILE = (
    "The database's file cannot be opened: make its folder, and give this process rights on it."
)
NOT_SQLITE = "The file of OTEL_FMD_DATABASE_URL is no SQLite database, or it is damaged."

CURABLE = frozenset([REFUSED, RIGHTS, NO_DATABASE, NO_TABLES, READ_ONLY, NOT_SQLITE])
"""What an operator can put right while requests wait."""
