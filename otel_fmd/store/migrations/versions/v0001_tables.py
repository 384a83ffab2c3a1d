"""All tables of FMD 5.1, and our own."""

from typing import Any

import sqlalchemy as sa
from alembic import context, op
from sqlalchemy.dialects import mysql

revision = "0001"
down_revision = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_TIME = sa.DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql", "mariadb")
_LONG_TEXT = sa.Text().with_variant(mysql.MEDIUMTEXT(), "mysql", "mariadb")
_BLOB = sa.LargeBinary().with_variant(mysql.LONGBLOB(), "mysql", "mariadb")
_TRACE_ID = sa.LargeBinary(16).with_variant(sa.BINARY(length=16), "mysql", "mariadb")
_SPAN_ID = sa.LargeBinary(8).with_variant(mysql.BINARY(8), "mysql", "mariadb")
_DENSE: dict[str, Any] = {"sqlite_with_rowid": False}
_MYSQL: dict[str, Any] = {
    "mysql_charset": "utf8mb4",
    "mysql_collate": "utf8mb4_bin",
    "mariadb_charset": "utf8mb4",
    "mariadb_collate": "utf8mb4_bin",
    "mysql_engine": "InnoDB",
    "mariadb_engine": "InnoDB",
}


def upgrade() -> None:
    """Make every table; `p` is the table prefix."""
    p = context.config.attributes["prefix"]
    low = p.lower()
    op.create_table(
        f"{p}AdoptedHour",
        sa.Column("hour", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("lowest_id", _BIG, nullable=False),
        sa.Column("highest_id", _BIG, nullable=False),
        sa.PrimaryKeyConstraint("hour"),
        **_MYSQL,
    )
    op.create_table(
        f"{p}AlertFingerprint",
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("time_first_alerted", _TIME, nullable=True),
        sa.PrimaryKeyConstraint("hash"),
        **_MYSQL,
    )
    op.create_table(
        f"{p}CodeLine",
        sa.Column("id", _BIG, autoincrement=True, nullable=False),
        sa.Column("filename", sa.String(length=250), nullable=False),
        sa.Column("line_number", sa.Integer(), nullable=False),
        sa.Column("function_name", sa.String(length=250), nullable=False),
        sa.Column("code", sa.String(length=250), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        **_MYSQL,
    )
    op.create_index(
        f"ix_{low}codeline_place", f"{p}CodeLine", ["filename", "line_number"], unique=False
    )
    op.create_table(
        f"{p}CustomGraph",
        sa.Column("graph_id", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(length=250), nullable=False),
        sa.Column("time_added", _TIME, nullable=True),
        sa.Column("version_added", sa.String(length=100), nullable=True),
        sa.PrimaryKeyConstraint("graph_id"),
        sa.UniqueConstraint("title"),
        **_MYSQL,
    )
    op.create_table(
        f"{p}DayCount",
        sa.Column("day", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("endpoint_id", _BIG, autoincrement=False, nullable=False),
        sa.Column("version_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("status_code", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("sum_ns", sa.BigInteger(), nullable=False),
        sa.Column("min_ns", sa.BigInteger(), nullable=False),
        sa.Column("max_ns", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("day", "endpoint_id", "version_id", "status_code"),
        **_MYSQL,
        **_DENSE,
    )
    op.create_table(
        f"{p}DayHistogram",
        sa.Column("day", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("endpoint_id", _BIG, autoincrement=False, nullable=False),
        sa.Column("version_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("counts", _BLOB, nullable=False),
        sa.PrimaryKeyConstraint("day", "endpoint_id", "version_id"),
        **_MYSQL,
        **_DENSE,
    )
    op.create_table(
        f"{p}Delta",
        sa.Column("id", _BIG, autoincrement=True, nullable=False),
        sa.Column("created_us", sa.BigInteger(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("payload", _BLOB, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        **_MYSQL,
        sqlite_autoincrement=True,
    )
    op.create_table(
        f"{p}EndpointVersion",
        sa.Column("endpoint_id", _BIG, autoincrement=False, nullable=False),
        sa.Column("version_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("first_us", sa.BigInteger(), nullable=False),
        sa.Column("last_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("endpoint_id", "version_id"),
        **_MYSQL,
        **_DENSE,
    )
    op.create_table(
        f"{p}ExceptionMessage",
        sa.Column("id", _BIG, autoincrement=True, nullable=False),
        sa.Column("message", _LONG_TEXT, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        **_MYSQL,
    )
    op.create_table(
        f"{p}ExceptionType",
        sa.Column("id", _BIG, autoincrement=True, nullable=False),
        sa.Column("type", sa.String(length=256), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        **_MYSQL,
    )
    op.create_table(
        f"{p}FilePath",
        sa.Column("id", _BIG, autoincrement=True, nullable=False),
        sa.Column("path", sa.String(length=250), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("path"),
        **_MYSQL,
    )
    op.create_table(
        f"{p}FoldState",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("generation", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        **_MYSQL,
    )
    op.create_table(
        f"{p}FunctionDefinition",
        sa.Column("id", _BIG, autoincrement=True, nullable=False),
        sa.Column("name", sa.String(length=256), nullable=True),
        sa.Column("code", _LONG_TEXT, nullable=True),
        sa.Column("code_hash", sa.String(length=64), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        **_MYSQL,
    )
    op.create_table(
        f"{p}HourCount",
        sa.Column("hour", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("endpoint_id", _BIG, autoincrement=False, nullable=False),
        sa.Column("version_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("status_code", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("sum_ns", sa.BigInteger(), nullable=False),
        sa.Column("min_ns", sa.BigInteger(), nullable=False),
        sa.Column("max_ns", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("hour", "endpoint_id", "version_id", "status_code"),
        **_MYSQL,
        **_DENSE,
    )
    op.create_table(
        f"{p}HourHistogram",
        sa.Column("hour", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("endpoint_id", _BIG, autoincrement=False, nullable=False),
        sa.Column("version_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("counts", _BLOB, nullable=False),
        sa.PrimaryKeyConstraint("hour", "endpoint_id", "version_id"),
        **_MYSQL,
        **_DENSE,
    )
    op.create_table(
        f"{p}Profile",
        sa.Column("request_id", _BIG, autoincrement=False, nullable=False),
        sa.Column("endpoint_id", _BIG, nullable=False),
        sa.Column("samples", sa.Integer(), nullable=False),
        sa.Column("not_sampled", sa.Double(), nullable=True),
        sa.Column("is_cut", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("request_id"),
        **_MYSQL,
    )
    op.create_index(
        f"ix_{low}profile_endpoint_request",
        f"{p}Profile",
        ["endpoint_id", "request_id"],
        unique=False,
    )
    op.create_table(
        f"{p}Service",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=250), nullable=False),
        sa.Column("time_added", _TIME, nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name"),
        **_MYSQL,
    )
    op.create_table(
        f"{p}Setting",
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("value", _LONG_TEXT, nullable=False),
        sa.PrimaryKeyConstraint("name"),
        **_MYSQL,
    )
    op.create_table(
        f"{p}StackTraceSnapshot",
        sa.Column("id", _BIG, autoincrement=True, nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("hash"),
        **_MYSQL,
    )
    op.create_table(
        f"{p}TelemetryUser",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("times_initialized", sa.Integer(), nullable=True),
        sa.Column("last_initialized", _TIME, nullable=True),
        sa.Column("monitoring_consent", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        **_MYSQL,
    )
    op.create_table(
        f"{p}User",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("username", sa.String(length=250), nullable=False),
        sa.Column("password_hash", sa.String(length=162), nullable=False),
        sa.Column("is_admin", sa.Boolean(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("username"),
        **_MYSQL,
    )
    op.create_table(
        f"{p}Version",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name"),
        **_MYSQL,
    )
    op.create_table(
        f"{p}WhoDelta",
        sa.Column("id", _BIG, autoincrement=True, nullable=False),
        sa.Column("created_us", sa.BigInteger(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("payload", _BLOB, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        **_MYSQL,
        sqlite_autoincrement=True,
    )
    op.create_table(
        f"{p}WhoHistogram",
        sa.Column("endpoint_id", _BIG, autoincrement=False, nullable=False),
        sa.Column("kind", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("version_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("who", sa.String(length=100), autoincrement=False, nullable=False),
        sa.Column("counts", _BLOB, nullable=False),
        sa.PrimaryKeyConstraint("endpoint_id", "kind", "version_id", "who"),
        **_MYSQL,
        **_DENSE,
    )
    op.create_table(
        f"{p}CustomGraphData",
        sa.Column("id", _BIG, autoincrement=True, nullable=False),
        sa.Column("graph_id", sa.Integer(), nullable=True),
        sa.Column("time", _TIME, nullable=True),
        sa.Column("value", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(
            ["graph_id"],
            [f"{p}CustomGraph.graph_id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        **_MYSQL,
    )
    op.create_table(
        f"{p}Endpoint",
        sa.Column("id", _BIG, autoincrement=True, nullable=False),
        sa.Column("name", sa.String(length=250), nullable=False),
        sa.Column("monitor_level", sa.Integer(), nullable=True),
        sa.Column("time_added", _TIME, nullable=True),
        sa.Column("version_added", sa.String(length=100), nullable=True),
        sa.Column("last_requested", _TIME, nullable=True),
        sa.Column("service_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["service_id"],
            [f"{p}Service.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("service_id", "name"),
        **_MYSQL,
    )
    op.create_table(
        f"{p}FunctionLocation",
        sa.Column("id", _BIG, autoincrement=True, nullable=False),
        sa.Column("file_path_id", _BIG, nullable=True),
        sa.Column("function_definition_id", _BIG, nullable=True),
        sa.Column("function_start_line_number", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["file_path_id"],
            [f"{p}FilePath.id"],
        ),
        sa.ForeignKeyConstraint(
            ["function_definition_id"],
            [f"{p}FunctionDefinition.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        **_MYSQL,
    )
    op.create_table(
        f"{p}ExceptionFrame",
        sa.Column("id", _BIG, autoincrement=True, nullable=False),
        sa.Column("function_location_id", _BIG, nullable=True),
        sa.Column("line_number", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["function_location_id"],
            [f"{p}FunctionLocation.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        **_MYSQL,
    )
    op.create_table(
        f"{p}Request",
        sa.Column("id", _BIG, autoincrement=True, nullable=False),
        sa.Column("endpoint_id", _BIG, nullable=True),
        sa.Column("duration", sa.Double(), nullable=False),
        sa.Column("time_requested", _TIME, nullable=True),
        sa.Column("version_requested", sa.String(length=100), nullable=True),
        sa.Column("group_by", sa.String(length=100), nullable=True),
        sa.Column("ip", sa.String(length=100), nullable=False),
        sa.Column("status_code", sa.Integer(), nullable=True),
        sa.Column("trace_id", _TRACE_ID, nullable=True),
        sa.Column("span_id", _SPAN_ID, nullable=True),
        sa.ForeignKeyConstraint(
            ["endpoint_id"],
            [f"{p}Endpoint.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        **_MYSQL,
    )
    op.create_index(
        f"ix_{low}request_endpoint_duration", f"{p}Request", ["endpoint_id"], unique=False
    )
    op.create_index(
        f"ix_{low}request_time_endpoint",
        f"{p}Request",
        ["time_requested"],
        unique=False,
        sqlite_where=sa.text("id < 0"),
        postgresql_where=sa.text("id < 0"),
    )
    op.create_table(
        f"{p}ExceptionOccurrence",
        sa.Column("id", _BIG, autoincrement=True, nullable=False),
        sa.Column("request_id", _BIG, nullable=True),
        sa.Column("exception_type_id", _BIG, nullable=False),
        sa.Column("exception_msg_id", _BIG, nullable=False),
        sa.Column("stack_trace_snapshot_id", _BIG, nullable=False),
        sa.Column("is_user_captured", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["exception_msg_id"],
            [f"{p}ExceptionMessage.id"],
        ),
        sa.ForeignKeyConstraint(
            ["exception_type_id"],
            [f"{p}ExceptionType.id"],
        ),
        sa.ForeignKeyConstraint(
            ["request_id"],
            [f"{p}Request.id"],
        ),
        sa.ForeignKeyConstraint(
            ["stack_trace_snapshot_id"],
            [f"{p}StackTraceSnapshot.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        **_MYSQL,
    )
    op.create_table(
        f"{p}ExceptionStackLine",
        sa.Column("stack_trace_snapshot_id", _BIG, nullable=False),
        sa.Column("exception_frame_id", _BIG, nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["exception_frame_id"],
            [f"{p}ExceptionFrame.id"],
        ),
        sa.ForeignKeyConstraint(
            ["stack_trace_snapshot_id"],
            [f"{p}StackTraceSnapshot.id"],
        ),
        sa.PrimaryKeyConstraint("stack_trace_snapshot_id", "exception_frame_id", "position"),
        **_MYSQL,
    )
    op.create_table(
        f"{p}Outlier",
        sa.Column("id", _BIG, autoincrement=True, nullable=False),
        sa.Column("request_id", _BIG, nullable=True),
        sa.Column("request_header", _LONG_TEXT, nullable=True),
        sa.Column("request_environment", _LONG_TEXT, nullable=True),
        sa.Column("request_url", sa.String(length=2100), nullable=True),
        sa.Column("cpu_percent", sa.String(length=150), nullable=True),
        sa.Column("memory", _LONG_TEXT, nullable=True),
        sa.Column("stacktrace", _LONG_TEXT, nullable=True),
        sa.Column("endpoint_id", _BIG, nullable=True),
        sa.Column("request_values", _LONG_TEXT, nullable=True),
        sa.ForeignKeyConstraint(
            ["request_id"],
            [f"{p}Request.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        **_MYSQL,
    )
    op.create_index(f"ix_{p}Outlier_request_id", f"{p}Outlier", ["request_id"], unique=False)
    op.create_index(
        f"ix_{low}outlier_endpoint_request",
        f"{p}Outlier",
        ["endpoint_id", "request_id"],
        unique=False,
    )
    op.create_table(
        f"{p}StackLine",
        sa.Column("request_id", _BIG, autoincrement=False, nullable=False),
        sa.Column("code_id", _BIG, nullable=True),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("indent", sa.Integer(), nullable=False),
        sa.Column("duration", sa.Double(), nullable=False),
        sa.Column("cpu_duration", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(
            ["code_id"],
            [f"{p}CodeLine.id"],
        ),
        sa.ForeignKeyConstraint(
            ["request_id"],
            [f"{p}Request.id"],
        ),
        sa.PrimaryKeyConstraint("request_id", "position"),
        **_MYSQL,
    )
