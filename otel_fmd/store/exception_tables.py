"""FMD's tables of exceptions: types, messages, stack traces with their frames, occurrences."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Boolean, Column, Integer, String, Table

from otel_fmd.store.engines.base import ColumnTypes


def exception_tables(table: Any, ref: Any, types: ColumnTypes) -> dict[str, Table]:
    """The tables by the name that the code uses."""
    found: dict[str, Table] = {}

    def big_id() -> Column[Any]:
        return Column("id", types.big, primary_key=True, autoincrement=True)

    found["exception_message"] = table(
        "ExceptionMessage", big_id(), Column("message", types.long_text, nullable=False)
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
    )
    found["stack_trace"] = table(
        "StackTraceSnapshot", big_id(), Column("hash", String(64), nullable=False, unique=True)
    )
    found["function_location"] = table(
        "FunctionLocation",
        big_id(),
        Column("file_path_id", types.big, ref("FilePath.id")),
        Column("function_definition_id", types.big, ref("FunctionDefinition.id")),
        Column("function_start_line_number", Integer, nullable=False),
    )
    found["exception_frame"] = table(
        "ExceptionFrame",
        big_id(),
        Column("function_location_id", types.big, ref("FunctionLocation.id")),
        Column("line_number", Integer, nullable=False),
    )
    found["exception_occurrence"] = table(
        "ExceptionOccurrence",
        big_id(),
        Column("request_id", types.big, ref("Request.id")),
        Column("exception_type_id", types.big, ref("ExceptionType.id"), nullable=False),
        Column("exception_msg_id", types.big, ref("ExceptionMessage.id"), nullable=False),
        Column("stack_trace_snapshot_id", types.big, ref("StackTraceSnapshot.id"), nullable=False),
        Column("is_user_captured", Boolean, nullable=False),
    )
    found["exception_stack_line"] = table(
        "ExceptionStackLine",
        Column(
            "stack_trace_snapshot_id", types.big, ref("StackTraceSnapshot.id"), primary_key=True
        ),
        Column("exception_frame_id", types.big, ref("ExceptionFrame.id"), primary_key=True),
        Column("position", Integer, primary_key=True, autoincrement=False),
    )
    table(
        "AlertFingerprint",
        Column("hash", String(64), primary_key=True),
        Column("time_first_alerted", types.time),
    )
    return found
