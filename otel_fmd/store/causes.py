"""Why a database does not answer, and the cure: each cause in its own words.

Codes: PostgreSQL's appendix A (SQLSTATE), MariaDB's error codes, SQLite's result texts.
"""

from __future__ import annotations

import os
from typing import Any

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

_SQLSTATES = {
    "28P01": REFUSED,
    "28000": REFUSED,
    "3D000": NO_DATABASE,
    "42501": RIGHTS,
    "42P01": NO_TABLES,
    "53300": BUSY,
    "53100": FULL,
    "25006": READ_ONLY,
}
_MYSQL = {
    1044: RIGHTS,
    1045: REFUSED,
    1049: NO_DATABASE,
    1142: RIGHTS,
    1146: NO_TABLES,
    1040: BUSY,
    1021: FULL,
    1114: FULL,
    1290: READ_ONLY,
    1698: REFUSED,
    2003: AWAY,
    2005: AWAY,
    2006: AWAY,
    2013: AWAY,
}
_TEXTS = (
    ("unable to open database file", NO_FILE),
    ("readonly database", READ_ONLY),
    ("database is locked", LOCKED),
    ("disk is full", FULL),
    ("not a database", NOT_SQLITE),
    ("malformed", NOT_SQLITE),
    ("no such table", NO_TABLES),
    ("password authentication failed", REFUSED),
    ("no password supplied", REFUSED),
    ("no pg_hba.conf entry", REFUSED),
    ("too many clients", BUSY),
    ("does not exist", NO_DATABASE),
)
CURABLE = frozenset([REFUSED, RIGHTS, NO_DATABASE, NO_TABLES, READ_ONLY, NOT_SQLITE])
"""What an operator can put right while requests wait."""


def cause_of(error: BaseException | None) -> str:
    """What a driver's error means, and its cure; '' when it is none of those that are known."""
    state = getattr(error, "sqlstate", None)
    if state in _SQLSTATES:
        return _SQLSTATES[state]
    args: tuple[Any, ...] = getattr(error, "args", ())
    if args and isinstance(args[0], int) and args[0] in _MYSQL:
        return _MYSQL[args[0]]
    text = str(error).lower()
    return next((cause for part, cause in _TEXTS if part in text), "")


def missing_folder(path: str) -> str:
    """Why the file of an SQLite database cannot be opened, as far as its folder tells."""
    folder = os.path.dirname(path)
    if not os.path.isdir(folder):
        return f"the folder {folder} does not exist; make it: mkdir -p {folder}"
    if not os.access(folder, os.W_OK | os.X_OK):
        return f"this process may not write in the folder {folder}"
    if os.path.isdir(path):
        return f"{path} is a folder; a file is needed"
    return ""
