"""Log records."""

from typing import Any

import sqlalchemy as sa
from alembic import context, op
from sqlalchemy.dialects import mysql

revision = "0008"
down_revision = "0007"

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_LONG_TEXT = sa.Text().with_variant(mysql.MEDIUMTEXT(), "mysql", "mariadb")
_TRACE = sa.LargeBinary(16).with_variant(mysql.BINARY(16), "mysql", "mariadb")
_SPAN = sa.LargeBinary(8).with_variant(mysql.BINARY(8), "mysql", "mariadb")
_MYSQL: dict[str, Any] = {
    f"{dialect}_{option}": value
    for dialect in ("mysql", "mariadb")
    for option, value in (("charset", "utf8mb4"), ("collate", "utf8mb4_bin"), ("engine", "InnoDB"))
}


def upgrade() -> None:
    """Create the table, empty."""
    op.create_table(
        f"{context.config.attributes['prefix']}LogRecord",
        sa.Column("id", _BIG, primary_key=True, autoincrement=False),
        sa.Column("digest", _SPAN, nullable=False),
        sa.Column("time_us", sa.BigInteger(), nullable=False),
        sa.Column("service_id", sa.Integer(), nullable=False),
        sa.Column("severity", sa.SmallInteger(), nullable=False),
        sa.Column("trace_id", _TRACE),
        sa.Column("span_id", _SPAN),
        sa.Column("logger", sa.String(250), nullable=False),
        sa.Column("event", sa.String(100), nullable=False),
        sa.Column("body", _LONG_TEXT, nullable=False),
        sa.Column("attributes", _LONG_TEXT, nullable=False),
        **_MYSQL,
    )
