"""Tables of who may do what: identities, sessions, browsers, failed logins, links, tokens, audit.

None holds a secret: of a session, a browser's cookie, a set-up link and a token only the SHA-256 of
256 random bits is stored, so that a copy of the database opens nothing.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table

from otel_fmd.store.engines.base import DatabaseEngine


def people_tables(table: Any, prefix: str, database: DatabaseEngine) -> dict[str, Table]:
    """The tables, by the name that the code uses; times are unix microseconds."""
    types, counted = database.types, database.counted_table_options
    low = prefix.lower()

    def hashed() -> Column[Any]:
        return Column("hash", String(64), primary_key=True)

    def time(name: str, *, nullable: bool = False) -> Column[Any]:
        return Column(name, BigInteger, nullable=nullable)

    return {
        "session": table(
            "Session",
            hashed(),
            Column("user_id", Integer, nullable=False, index=True),
            Column("stamp", String(64), nullable=False),
            time("created_us"),
            time("seen_us"),
            Column("address", String(100), nullable=False),
            Column("browser", String(250), nullable=False),
        ),
        "known_browser": table(
            "KnownBrowser",
            hashed(),
            Column("username", String(250), nullable=False),
            time("used_us"),
            Column("failures", Integer, nullable=False),
        ),
        "login_failure": table(
            "LoginFailure",
            hashed(),
            Column("failures", Integer, nullable=False),
            time("first_us"),
            time("last_us"),
            Index(f"ix_{low}loginfailure_last", "last_us"),
        ),
        "setup_link": table("SetupLink", hashed(), time("expires_us")),
        "identity": table(
            "UserIdentity",
            hashed(),
            Column("user_id", Integer, nullable=False, index=True),
            Column("issuer", String(500), nullable=False),
            Column("subject", String(500), nullable=False),
            time("created_us"),
        ),
        "api_token": table(
            "ApiToken",
            Column("id", types.big, primary_key=True, autoincrement=True),
            Column("name", String(100), nullable=False, unique=True),
            Column("hash", String(64), nullable=False, unique=True),
            Column("hint", String(20), nullable=False),
            Column("scopes", String(100), nullable=False),
            Column("created_by", String(250), nullable=False),
            time("created_us"),
            time("expires_us", nullable=True),
            time("used_us", nullable=True),
            **counted,
        ),
        "audit": table(
            "Audit",
            Column("id", types.big, primary_key=True, autoincrement=True),
            time("time_us"),
            Column("actor", String(250), nullable=False),
            Column("role", String(20), nullable=False),
            Column("address", String(100), nullable=False),
            Column("action", String(50), nullable=False),
            Column("target", String(250), nullable=False),
            Column("value_before", types.long_text, nullable=False),
            Column("value_after", types.long_text, nullable=False),
            Index(f"ix_{low}audit_time", "time_us"),
            **counted,
        ),
    }
