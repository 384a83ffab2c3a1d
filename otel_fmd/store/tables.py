"""All tables: FMD 5.1's, with its names and columns, and our own.

FMD's keep their meaning so that the original dashboard reads what we write; our columns on them
are nullable. Tables are built per prefix (FMD's TABLE_PREFIX), without module state.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    SmallInteger,
    String,
    Table,
    UniqueConstraint,
    text,
)

from otel_fmd.store.engines.base import ColumnTypes, DatabaseEngine
from otel_fmd.store.exception_tables import exception_tables
from otel_fmd.store.log_tables import log_tables
from otel_fmd.store.metric_tables import metric_tables
from otel_fmd.store.people_tables import people_tables


@dataclass(frozen=True, slots=True)
class Tables:
    """Every table by the name that the code uses."""

    metadata: MetaData
    prefix: str
    user: Table
    endpoint: Table
    request: Table
    outlier: Table
    code_line: Table
    stack_line: Table
    service: Table
    version: Table
    endpoint_version: Table
    profile: Table
    delta: Table
    caller_delta: Table
    hour_count: Table
    day_count: Table
    hour_histogram: Table
    day_histogram: Table
    caller_histogram: Table
    fold_state: Table
    adopted_hour: Table
    setting: Table
    session: Table
    known_browser: Table
    login_failure: Table
    setup_link: Table
    identity: Table
    api_token: Table
    audit: Table
    telemetry_user: Table
    custom_graph: Table
    custom_graph_data: Table
    exception_message: Table
    exception_type: Table
    file_path: Table
    function_definition: Table
    stack_trace: Table
    function_location: Table
    exception_frame: Table
    exception_occurrence: Table
    exception_stack_line: Table
    exception_group: Table
    exception_variant: Table
    exception_count: Table
    exception_user: Table
    received_body: Table
    log_record: Table
    metric: Table
    metric_series: Table
    metric_delta: Table
    metric_state: Table
    metric_open: Table
    metric_minute: Table
    metric_quarter: Table
    metric_day: Table
    metric_exemplar: Table
    metric_unrolled: Table


def _id(types: ColumnTypes) -> Column[Any]:
    return Column("id", types.big, primary_key=True, autoincrement=True)


@lru_cache(maxsize=8)
def build_tables(prefix: str, database: DatabaseEngine) -> Tables:
    """The tables with FMD's prefix in front of every name (FMD adds no separator)."""
    metadata = MetaData()

    def table(name: str, *items: Any, **extra: Any) -> Table:
        options: dict[str, Any] = {**database.table_options, **extra}
        made: Table = Table(f"{prefix}{name}", metadata, *items, **options)
        return made

    def ref(target: str) -> ForeignKey:
        return ForeignKey(f"{prefix}{target}")

    return Tables(
        metadata=metadata,
        prefix=prefix,
        **_small_fmd_tables(table, ref, database.types),
        **_volume_tables(table, ref, prefix, database),
        **_own_tables(table, database.types),
        **_rollup_tables(table, database),
        **people_tables(table, prefix, database),
        **exception_tables(table, ref, prefix, database.types),
        **log_tables(table, database),
        **metric_tables(table, database),
    )


def _small_fmd_tables(table: Any, ref: Any, types: ColumnTypes) -> dict[str, Table]:
    return {
        "user": table(
            "User",
            Column("id", Integer, primary_key=True),
            Column("username", String(250), nullable=False, unique=True),
            Column("password_hash", String(162), nullable=False),
            Column("is_admin", Boolean),
        ),
        "service": table(
            "Service",
            Column("id", Integer, primary_key=True),
            Column("name", String(250), nullable=False, unique=True),
            Column("time_added", types.time),
        ),
        "endpoint": table(
            "Endpoint",
            Column("id", types.big, primary_key=True, autoincrement=True),
            Column("name", String(250), nullable=False),
            Column("monitor_level", Integer),
            Column("time_added", types.time),
            Column("version_added", String(100)),
            Column("last_requested", types.time),
            Column("service_id", Integer, ref("Service.id")),
            Column("name_source", String(20)),
            UniqueConstraint("service_id", "name"),
        ),
        "telemetry_user": table(
            "TelemetryUser",
            Column("id", String(40), primary_key=True),
            Column("times_initialized", Integer),
            Column("last_initialized", types.time),
            Column("monitoring_consent", Integer),
        ),
        "custom_graph": table(
            "CustomGraph",
            Column("graph_id", Integer, primary_key=True),
            Column("title", String(250), nullable=False, unique=True),
            Column("time_added", types.time),
            Column("version_added", String(100)),
        ),
        "custom_graph_data": table(
            "CustomGraphData",
            Column("id", types.big, primary_key=True, autoincrement=True),
            Column("graph_id", Integer, ref("CustomGraph.graph_id")),
            Column("time", types.time),
            Column("value", Double),
        ),
    }


def _volume_tables(table: Any, ref: Any, prefix: str, database: DatabaseEngine) -> dict[str, Table]:
    types = database.types
    request = table(
        "Request",
        Column("id", types.big, primary_key=True, autoincrement=True),
        Column("endpoint_id", types.big, ref("Endpoint.id")),
        Column("duration", Double, nullable=False),
        Column("time_requested", types.time),
        Column("version_requested", String(100)),
        Column("group_by", String(100)),
        Column("ip", String(100), nullable=False),
        Column("status_code", Integer),
        Column("trace_id", types.trace_id),
        Column("span_id", types.span_id),
        Column("time_to_first_byte", Double),
    )
    low = prefix.lower()
    # FMD makes the indexes that it misses, by name only: these keep it from making slow ones.
    Index(f"ix_{low}request_endpoint_duration", request.c.endpoint_id)
    option = database.partial_index_option
    never: dict[str, Any] = {option: text("id < 0")} if option else {}
    Index(
        f"ix_{low}request_time_endpoint",
        request.c.time_requested,
        **never,
    )
    outlier = table(
        "Outlier",
        Column("id", types.big, primary_key=True, autoincrement=True),
        Column("request_id", types.big, ref("Request.id"), index=True),
        Column("request_header", types.long_text),
        Column("request_environment", types.long_text),
        Column("request_url", String(2100)),
        Column("cpu_percent", String(150)),
        Column("memory", types.long_text),
        Column("stacktrace", types.long_text),
        Column("endpoint_id", types.big),
        Column("request_values", types.long_text),
        Index(f"ix_{low}outlier_endpoint_request", "endpoint_id", "request_id"),
    )
    code_line = table(
        "CodeLine",
        Column("id", types.big, primary_key=True, autoincrement=True),
        Column("filename", String(250), nullable=False),
        Column("line_number", Integer, nullable=False),
        Column("function_name", String(250), nullable=False),
        Column("code", String(250), nullable=False),
        Index(f"ix_{low}codeline_place", "filename", "line_number"),
    )
    stack_line = table(
        "StackLine",
        Column("request_id", types.big, ref("Request.id"), primary_key=True, autoincrement=False),
        Column("code_id", types.big, ref("CodeLine.id")),
        Column("position", Integer, primary_key=True, autoincrement=False),
        Column("indent", Integer, nullable=False),
        Column("duration", Double, nullable=False),
        Column("cpu_duration", Double),
    )
    profile = table(
        "Profile",
        Column("request_id", types.big, primary_key=True, autoincrement=False),
        Column("endpoint_id", types.big, nullable=False),
        Column("samples", Integer, nullable=False),
        Column("not_sampled", Double),
        Column("is_cut", Boolean, nullable=False),
        Index(f"ix_{low}profile_endpoint_request", "endpoint_id", "request_id"),
    )
    return {
        "request": request,
        "outlier": outlier,
        "code_line": code_line,
        "stack_line": stack_line,
        "profile": profile,
    }


def _own_tables(table: Any, types: ColumnTypes) -> dict[str, Table]:
    return {
        "version": table(
            "Version",
            Column("id", Integer, primary_key=True),
            Column("name", String(100), nullable=False, unique=True),
        ),
        "setting": table(
            "Setting",
            Column("name", String(100), primary_key=True),
            Column("value", types.long_text, nullable=False),
        ),
        "adopted_hour": table(
            "AdoptedHour",
            Column("hour", Integer, primary_key=True, autoincrement=False),
            Column("lowest_id", types.big, nullable=False),
            Column("highest_id", types.big, nullable=False),
        ),
    }


def _rollup_tables(table: Any, database: DatabaseEngine) -> dict[str, Table]:
    types = database.types

    def key(name: str, kind: Any = Integer) -> Column[Any]:
        return Column(name, kind, primary_key=True, autoincrement=False)

    def counts() -> tuple[Column[Any], ...]:
        return (
            Column("count", BigInteger, nullable=False),
            Column("sum_ns", BigInteger, nullable=False),
            Column("min_ns", BigInteger, nullable=False),
            Column("max_ns", BigInteger, nullable=False),
        )

    def delta(name: str) -> Table:
        return table(  # type: ignore[no-any-return]
            name,
            _id(types),
            Column("created_us", BigInteger, nullable=False),
            Column("count", Integer, nullable=False),
            Column("payload", types.blob, nullable=False),
            **database.counted_table_options,
        )

    dense = database.keyed_table_options
    return {
        "delta": delta("Delta"),
        "caller_delta": delta("CallerDelta"),
        "hour_count": table(
            "HourCount",
            key("hour"),
            key("endpoint_id", types.big),
            key("version_id"),
            key("status_code", SmallInteger),
            *counts(),
            **dense,
        ),
        "day_count": table(
            "DayCount",
            key("day"),
            key("endpoint_id", types.big),
            key("version_id"),
            key("status_code", SmallInteger),
            *counts(),
            **dense,
        ),
        "hour_histogram": table(
            "HourHistogram",
            key("hour"),
            key("endpoint_id", types.big),
            key("version_id"),
            Column("counts", types.blob, nullable=False),
            **dense,
        ),
        "day_histogram": table(
            "DayHistogram",
            key("day"),
            key("endpoint_id", types.big),
            key("version_id"),
            Column("counts", types.blob, nullable=False),
            **dense,
        ),
        "caller_histogram": table(
            "CallerHistogram",
            key("endpoint_id", types.big),
            key("kind", SmallInteger),
            key("version_id"),
            key("caller", String(100)),
            Column("counts", types.blob, nullable=False),
            **dense,
        ),
        "endpoint_version": table(
            "EndpointVersion",
            key("endpoint_id", types.big),
            key("version_id"),
            Column("first_us", BigInteger, nullable=False),
            Column("last_us", BigInteger, nullable=False),
            **dense,
        ),
        "fold_state": table(
            "FoldState",
            key("id"),
            Column("generation", BigInteger, nullable=False),
        ),
    }
