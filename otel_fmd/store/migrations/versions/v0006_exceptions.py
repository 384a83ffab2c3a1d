"""Groups of exceptions, what belongs to each, and how often it occurred."""

from typing import Any

import sqlalchemy as sa
from alembic import context, op
from sqlalchemy.dialects import mysql

revision = "0006"
down_revision = "0005"

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_LONG_TEXT = sa.Text().with_variant(mysql.MEDIUMTEXT(), "mysql", "mariadb")
_TRACE_ID = sa.LargeBinary(16).with_variant(sa.BINARY(length=16), "mysql", "mariadb")
_SPAN_ID = sa.LargeBinary(8).with_variant(mysql.BINARY(8), "mysql", "mariadb")
_MYSQL: dict[str, Any] = {
    f"{dialect}_{option}": value
    for dialect in ("mysql", "mariadb")
    for option, value in (("charset", "utf8mb4"), ("collate", "utf8mb4_bin"), ("engine", "InnoDB"))
}


def upgrade() -> None:
    """Create the tables, and our columns of FMD's; groups of older occurrences are found later."""
    p = context.config.attributes["prefix"]
    low = p.lower()
    _extend(p, low)
    _create(
        f"{p}ExceptionGroup",
        _id(),
        _column("service_id", sa.Integer()),
        _column("fingerprint", sa.String(64)),
        _column("type", sa.String(256)),
        _column("message", sa.String(500)),
        _column("culprit", sa.String(500)),
        _column("first_us", sa.BigInteger()),
        sa.Column("merged_into", _BIG),
        _column("state", sa.SmallInteger()),
        sa.Column("state_us", sa.BigInteger()),
        sa.Column("state_by", sa.String(250)),
        sa.Column("state_detail", sa.String(150)),
        sa.Column("after_us", sa.BigInteger()),
        sa.Column("until_us", sa.BigInteger()),
        sa.Column("until_count", sa.BigInteger()),
        sa.Column("assignee", sa.String(250)),
        sa.Column("note", _LONG_TEXT),
        sa.UniqueConstraint("service_id", "fingerprint"),
    )
    _create(
        f"{p}ExceptionVariant",
        _id(),
        _column("service_id", sa.Integer()),
        _column("hash", sa.String(64)),
        _column("group_id", _BIG),
        _column("message", sa.String(500)),
        sa.Column("stack_trace_id", _BIG),
        sa.UniqueConstraint("service_id", "hash"),
    )
    op.create_index(f"ix_{low}exception_variant_group", f"{p}ExceptionVariant", ["group_id"])
    _create(
        f"{p}ExceptionCount",
        _id(),
        _column("grain", sa.SmallInteger()),
        _column("minute", sa.Integer()),
        _column("variant_id", _BIG),
        _column("endpoint_id", _BIG),
        _column("version_id", sa.Integer()),
        _column("count", sa.BigInteger()),
        _column("first_us", sa.BigInteger()),
        _column("last_us", sa.BigInteger()),
    )
    op.create_index(f"ix_{low}exception_count_minute", f"{p}ExceptionCount", ["grain", "minute"])
    op.create_index(
        f"ix_{low}exception_count_variant", f"{p}ExceptionCount", ["variant_id", "minute"]
    )
    _create(
        f"{p}ExceptionUser", _id(), _column("variant_id", _BIG), _column("name", sa.String(100))
    )
    op.create_index(f"ix_{low}exception_user_variant", f"{p}ExceptionUser", ["variant_id"])
    _create(
        f"{p}ReceivedBody",
        sa.Column("digest", sa.String(32), nullable=False, primary_key=True),
        _column("time_us", sa.BigInteger()),
    )
    op.create_index(f"ix_{low}received_body_time", f"{p}ReceivedBody", ["time_us"])


def _extend(p: str, low: str) -> None:
    op.add_column(f"{p}StackTraceSnapshot", sa.Column("chain", _LONG_TEXT))
    op.add_column(f"{p}ExceptionMessage", sa.Column("hash", sa.String(32)))
    op.create_index(f"ix_{low}exception_message_hash", f"{p}ExceptionMessage", ["hash"])
    name = f"{p}ExceptionOccurrence"
    for column in (
        sa.Column("variant_id", _BIG),
        sa.Column("endpoint_id", _BIG),
        sa.Column("version_id", sa.Integer()),
        sa.Column("time_us", sa.BigInteger()),
        sa.Column("trace_id", _TRACE_ID),
        sa.Column("span_id", _SPAN_ID),
        sa.Column("user", sa.String(100)),
        sa.Column("details", _LONG_TEXT),
    ):
        op.add_column(name, column)
    for index, columns in (
        ("variant", ["variant_id", "id"]),
        ("request", ["request_id"]),
        ("trace", ["trace_id"]),
        ("trace_snapshot", ["stack_trace_snapshot_id"]),
        ("message", ["exception_msg_id"]),
    ):
        op.create_index(f"ix_{low}exception_occurrence_{index}", name, columns)
    for table, index, indexed in (
        ("FunctionDefinition", "function_definition_hash", "code_hash"),
        ("FunctionLocation", "function_location_function", "function_definition_id"),
        ("FunctionLocation", "function_location_path", "file_path_id"),
        ("ExceptionFrame", "exception_frame_location", "function_location_id"),
        ("ExceptionStackLine", "exception_stack_line_frame", "exception_frame_id"),
    ):
        op.create_index(f"ix_{low}{index}", f"{p}{table}", [indexed])


def _create(name: str, *columns: Any) -> None:
    op.create_table(name, *columns, **_MYSQL)


def _id() -> sa.Column[Any]:
    return sa.Column("id", _BIG, primary_key=True, autoincrement=True)


def _column(name: str, kind: Any) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=False)
