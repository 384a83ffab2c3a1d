"""Metrics: names, series, points that wait, and packed rows of minutes, quarters and days."""

from typing import Any

import sqlalchemy as sa
from alembic import context, op
from sqlalchemy.dialects import mysql

revision = "0007"
down_revision = "0006"

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_LONG_TEXT = sa.Text().with_variant(mysql.MEDIUMTEXT(), "mysql", "mariadb")
_BLOB = sa.LargeBinary().with_variant(mysql.LONGBLOB(), "mysql", "mariadb")
_MYSQL: dict[str, Any] = {
    f"{dialect}_{option}": value
    for dialect in ("mysql", "mariadb")
    for option, value in (("charset", "utf8mb4"), ("collate", "utf8mb4_bin"), ("engine", "InnoDB"))
}


def upgrade() -> None:
    """Create the tables, empty."""
    p = context.config.attributes["prefix"]

    def create(name: str, *columns: Any, **options: Any) -> None:
        op.create_table(f"{p}{name}", *columns, **_MYSQL, **options)

    create(
        "Metric",
        _id(),
        sa.Column("service_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(250), nullable=False),
        sa.Column("kind", sa.SmallInteger(), nullable=False),
        sa.Column("unit", sa.String(60), nullable=False),
        sa.Column("description", sa.String(500), nullable=False),
        sa.UniqueConstraint("service_id", "name", "kind", "unit"),
    )
    create(
        "MetricSeries",
        _id(),
        sa.Column("metric_id", _BIG, nullable=False),
        sa.Column("hash", sa.String(32), nullable=False),
        sa.Column("attributes", _LONG_TEXT, nullable=False),
        sa.Column("worker", _LONG_TEXT, nullable=False),
        sa.Column("bounds", _LONG_TEXT, nullable=False),
        sa.Column("created_us", sa.BigInteger(), nullable=False),
        sa.UniqueConstraint("metric_id", "hash"),
    )
    create(
        "MetricDelta",
        _id(),
        sa.Column("created_us", sa.BigInteger(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("payload", _BLOB, nullable=False),
        sqlite_autoincrement=True,
    )
    create(
        "MetricState",
        _key("metric_id"),
        _key("series_id"),
        sa.Column("last_us", sa.BigInteger(), nullable=False),
        sa.Column("payload", _BLOB, nullable=False),
        sqlite_with_rowid=False,
    )
    create(
        "MetricOpen",
        _key("grain", sa.SmallInteger()),
        _key("period", sa.Integer()),
        _key("metric_id"),
        _key("series_id"),
        sa.Column("payload", _BLOB, nullable=False),
        sqlite_with_rowid=False,
    )
    for name, period in (
        ("MetricMinute", "hour"),
        ("MetricQuarter", "day"),
        ("MetricDay", "day"),
        ("MetricExemplar", "hour"),
    ):
        create(
            name,
            _key(period, sa.Integer()),
            _key("metric_id"),
            _key("series_id"),
            sa.Column("payload", _BLOB, nullable=False),
            sqlite_with_rowid=False,
        )
    create(
        "MetricUnrolled",
        _key("grain", sa.SmallInteger()),
        _key("period", sa.Integer()),
        _key("metric_id"),
        sqlite_with_rowid=False,
    )


def _id() -> sa.Column[Any]:
    return sa.Column("id", _BIG, primary_key=True, autoincrement=True)


def _key(name: str, kind: Any = _BIG) -> sa.Column[Any]:
    return sa.Column(name, kind, primary_key=True, autoincrement=False)
