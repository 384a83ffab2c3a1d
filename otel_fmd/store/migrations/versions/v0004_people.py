"""Sessions, tokens and the audit as rows; the key that signed sessions until now is removed.

Figures by user and address get the names that the code has for them.
"""

from typing import Any

import sqlalchemy as sa
from alembic import context, op
from sqlalchemy.dialects import mysql

revision = "0004"
down_revision = "0003"

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_LONG_TEXT = sa.Text().with_variant(mysql.MEDIUMTEXT(), "mysql", "mariadb")
_MYSQL: dict[str, Any] = {
    f"{dialect}_{option}": value
    for dialect in ("mysql", "mariadb")
    for option, value in (("charset", "utf8mb4"), ("collate", "utf8mb4_bin"), ("engine", "InnoDB"))
}
_OLD_KEY = "session_key"


def upgrade() -> None:
    """Create the tables; everybody has to log in again."""
    p = context.config.attributes["prefix"]
    low = p.lower()

    def create(name: str, *columns: Any, **options: Any) -> None:
        op.create_table(f"{p}{name}", *columns, **_MYSQL, **options)

    create(
        "Session",
        _hash(primary_key=True),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("stamp", sa.String(64), nullable=False),
        _time("created_us"),
        _time("seen_us"),
        sa.Column("address", sa.String(100), nullable=False),
        sa.Column("browser", sa.String(250), nullable=False),
    )
    op.create_index(f"ix_{p}Session_user_id", f"{p}Session", ["user_id"])
    create(
        "KnownBrowser",
        _hash(primary_key=True),
        sa.Column("username", sa.String(250), nullable=False),
        _time("used_us"),
        sa.Column("failures", sa.Integer(), nullable=False),
    )
    create(
        "LoginFailure",
        _hash(primary_key=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        _time("first_us"),
        _time("last_us"),
    )
    op.create_index(f"ix_{low}loginfailure_last", f"{p}LoginFailure", ["last_us"])
    create("SetupLink", _hash(primary_key=True), _time("expires_us"))
    create(
        "ApiToken",
        sa.Column("id", _BIG, primary_key=True, autoincrement=True),
        sa.Column("name", sa.String(100), nullable=False, unique=True),
        _hash(unique=True),
        sa.Column("hint", sa.String(20), nullable=False),
        sa.Column("scopes", sa.String(100), nullable=False),
        sa.Column("created_by", sa.String(250), nullable=False),
        _time("created_us"),
        _time("expires_us", nullable=True),
        _time("used_us", nullable=True),
        sqlite_autoincrement=True,
    )
    create(
        "Audit",
        sa.Column("id", _BIG, primary_key=True, autoincrement=True),
        _time("time_us"),
        sa.Column("actor", sa.String(250), nullable=False),
        sa.Column("role", sa.String(20), nullable=False),
        sa.Column("address", sa.String(100), nullable=False),
        sa.Column("action", sa.String(50), nullable=False),
        sa.Column("target", sa.String(250), nullable=False),
        sa.Column("value_before", _LONG_TEXT, nullable=False),
        sa.Column("value_after", _LONG_TEXT, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index(f"ix_{low}audit_time", f"{p}Audit", ["time_us"])
    _rename_callers(p)
    setting = sa.table(f"{p}Setting", sa.column("name"), sa.column("value"))
    op.get_bind().execute(sa.delete(setting).where(setting.c.name == _OLD_KEY))


def _rename_callers(p: str) -> None:
    """Figures by user and address are those of callers."""
    op.rename_table(f"{p}WhoDelta", f"{p}CallerDelta")
    op.rename_table(f"{p}WhoHistogram", f"{p}CallerHistogram")
    quote = op.get_bind().dialect.identifier_preparer.quote
    table = quote(f"{p}CallerHistogram")
    # Alembic would copy the whole table in SQLite.
    op.execute(f"ALTER TABLE {table} RENAME COLUMN who TO caller")


def _hash(**options: Any) -> sa.Column[Any]:
    return sa.Column("hash", sa.String(64), nullable=False, **options)


def _time(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.BigInteger(), nullable=nullable)
