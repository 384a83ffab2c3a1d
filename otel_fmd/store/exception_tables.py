"""Tables of exceptions: FMD's (types, messages, stack traces, occurrences), and our groups.

An exception group is a set of variants; a variant is the finest that is told apart, and what is
counted, so that merging and splitting groups moves variants and recounts nothing. Counts and users
are appended by every batch and compacted later: readers always add up.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    SmallInteger,
    String,
    Table,
    UniqueConstraint,
)

from otel_fmd.store.engines.base import ColumnTypes


def exception_tables(table: Any, ref: Any, prefix: str, types: ColumnTypes) -> dict[str, Table]:
    """The tables by the name that the code uses."""
    return {**_fmd_tables(table, ref, prefix, types), **_group_tables(table, prefix, types)}


def _fmd_tables(table: Any, ref: Any, prefix: str, types: ColumnTypes) -> dict[str, Table]:
    low = prefix.lower()
    found: dict[str, Table] = {}

    def big_id() -> Column[Any]:
        return Column("id", types.big, primary_key=True, autoincrement=True)

    found["exception_message"] = table(
        "ExceptionMessage",
        big_id(),
        Column("message", types.long_text, nullable=False),
        Column("hash", String(32)),
        Index(f"ix_{low}exception_message_hash", "hash"),
    )
    found["exception_type"] = table(
        "ExceptionType", big_id(), Column("type", String(256), nullable=False)
    )
    found["file_path"] = table(
        "FilePath", big_id(), Column("path", String(250), nullable=False, unique=True)
    )
    found["function_definition"] = table(
        "FunctionDefinition",
        big_id(),
        Column("name", String(256)),
        Column("code", types.long_text),
        Column("code_hash", String(64)),
        Index(f"ix_{low}function_definition_hash", "code_hash"),
    )
    found["stack_trace"] = table(
        "StackTraceSnapshot",
        big_id(),
        Column("hash", String(64), nullable=False, unique=True),
        Column("chain", types.long_text),
    )
    found["function_location"] = table(
        "FunctionLocation",
        big_id(),
        Column("file_path_id", types.big, ref("FilePath.id")),
        Column("function_definition_id", types.big, ref("FunctionDefinition.id")),
        Column("function_start_line_number", Integer, nullable=False),
        Index(f"ix_{low}function_location_function", "function_definition_id"),
        Index(f"ix_{low}function_location_path", "file_path_id"),
    )
    found["exception_frame"] = table(
        "ExceptionFrame",
        big_id(),
        Column("function_location_id", types.big, ref("FunctionLocation.id")),
        Column("line_number", Integer, nullable=False),
        Index(f"ix_{low}exception_frame_location", "function_location_id"),
    )
    found["exception_occurrence"] = table(
        "ExceptionOccurrence",
        big_id(),
        Column("request_id", types.big, ref("Request.id")),
        Column("exception_type_id", types.big, ref("ExceptionType.id"), nullable=False),
        Column("exception_msg_id", types.big, ref("ExceptionMessage.id"), nullable=False),
        Column("stack_trace_snapshot_id", types.big, ref("StackTraceSnapshot.id"), nullable=False),
        Column("is_user_captured", Boolean, nullable=False),
        Column("variant_id", types.big),
        Column("endpoint_id", types.big),
        Column("version_id", Integer),
        Column("time_us", BigInteger),
        Column("trace_id", types.trace_id),
        Column("span_id", types.span_id),
        Column("user", String(100)),
        Column("details", types.long_text),
        Index(f"ix_{low}exception_occurrence_trace_snapshot", "stack_trace_snapshot_id"),
        Index(f"ix_{low}exception_occurrence_message", "exception_msg_id"),
        Index(f"ix_{low}exception_occurrence_variant", "variant_id", "id"),
        Index(f"ix_{low}exception_occurrence_request", "request_id"),
        Index(f"ix_{low}exception_occurrence_trace", "trace_id"),
    )
    found["exception_stack_line"] = table(
        "ExceptionStackLine",
        Column(
            "stack_trace_snapshot_id", types.big, ref("StackTraceSnapshot.id"), primary_key=True
        ),
        Column("exception_frame_id", types.big, ref("ExceptionFrame.id"), primary_key=True),
        Column("position", Integer, primary_key=True, autoincrement=False),
        Index(f"ix_{low}exception_stack_line_frame", "exception_frame_id"),
    )
    table(
        "AlertFingerprint",
        Column("hash", String(64), primary_key=True),
        Column("time_first_alerted", types.time),
    )
    return found


def _group_tables(table: Any, prefix: str, types: ColumnTypes) -> dict[str, Table]:
    low = prefix.lower()

    def big_id() -> Column[Any]:
        return Column("id", types.big, primary_key=True, autoincrement=True)

    return {
        "exception_group": table(
            "ExceptionGroup",
            big_id(),
            Column("service_id", Integer, nullable=False),
            Column("fingerprint", String(64), nullable=False),
            Column("type", String(256), nullable=False),
            Column("message", String(500), nullable=False),
            Column("culprit", String(500), nullable=False),
            Column("first_us", BigInteger, nullable=False),
            Column("merged_into", types.big),
            Column("state", SmallInteger, nullable=False),
            Column("state_us", BigInteger),
            Column("state_by", String(250)),
            Column("state_detail", String(150)),
            Column("after_us", BigInteger),
            Column("until_us", BigInteger),
            Column("until_count", BigInteger),
            Column("assignee", String(250)),
            Column("note", types.long_text),
            UniqueConstraint("service_id", "fingerprint"),
        ),
        "exception_variant": table(
            "ExceptionVariant",
            big_id(),
            Column("service_id", Integer, nullable=False),
            Column("hash", String(64), nullable=False),
            Column("group_id", types.big, nullable=False),
            Column("message", String(500), nullable=False),
            Column("stack_trace_id", types.big),
            UniqueConstraint("service_id", "hash"),
            Index(f"ix_{low}exception_variant_group", "group_id"),
        ),
        "exception_count": table(
            "ExceptionCount",
            big_id(),
            Column("grain", SmallInteger, nullable=False),
            Column("minute", Integer, nullable=False),
            Column("variant_id", types.big, nullable=False),
            Column("endpoint_id", types.big, nullable=False),
            Column("version_id", Integer, nullable=False),
            Column("count", BigInteger, nullable=False),
            Column("first_us", BigInteger, nullable=False),
            Column("last_us", BigInteger, nullable=False),
            Index(f"ix_{low}exception_count_minute", "grain", "minute"),
            Index(f"ix_{low}exception_count_variant", "variant_id", "minute"),
        ),
        "exception_user": table(
            "ExceptionUser",
            big_id(),
            Column("variant_id", types.big, nullable=False),
            Column("name", String(100), nullable=False),
            Index(f"ix_{low}exception_user_variant", "variant_id"),
        ),
        "received_body": table(
            "ReceivedBody",
            Column("digest", String(32), primary_key=True),
            Column("time_us", BigInteger, nullable=False),
            Index(f"ix_{low}received_body_time", "time_us"),
        ),
    }
