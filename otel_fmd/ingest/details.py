"""Rows that only some requests have: outliers and profiles."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, select

from otel_fmd.analysis.redaction.redactor import Redactor
from otel_fmd.analysis.text import fit
from otel_fmd.ingest.insert import RequestRow
from otel_fmd.requests.outlier import outlier_record
from otel_fmd.requests.profile import Profile, ProfileLine, profile_of
from otel_fmd.requests.request import Request
from otel_fmd.signals import semconv
from otel_fmd.store.sql import Statements
from otel_fmd.store.store import Store

_CACHE_LIMIT = 50_000
_LONGEST_KEY = 2_000
_TEXT_WIDTH = 250
_LONGEST_CODE = 4_000
"""Characters of a line of code that are searched for secrets; what is longer is not shown."""
Place = tuple[str, int, str, str]
"""(filename, line number, function name, code) of a line as it came."""


class DetailWriter:
    """Writes outliers and profiles in the transaction of their batch.

    Args:
        store: the database.
        redactor: hides secrets in them.
    """

    def __init__(self, store: Store, redactor: Redactor) -> None:
        self._redactor = redactor
        tables = store.tables
        statements = Statements(store)
        self._run_many = store.database.run_many
        self._code_line = tables.code_line
        self._codes: dict[Place, int] = {}
        self._insert_outlier = statements.insert(
            tables.outlier,
            (
                "request_id",
                "endpoint_id",
                "request_header",
                "request_environment",
                "request_url",
                "cpu_percent",
                "memory",
                "stacktrace",
                "request_values",
            ),
        ).statement
        self._insert_line = statements.insert(
            tables.stack_line,
            ("request_id", "code_id", "position", "indent", "duration", "cpu_duration"),
        ).statement
        self._insert_profile = statements.insert(
            tables.profile, ("request_id", "endpoint_id", "samples", "not_sampled", "is_cut")
        ).statement

    def write(
        self,
        connection: Connection,
        outliers: Sequence[tuple[RequestRow, Request]],
        profiled: Sequence[tuple[RequestRow, Request]],
    ) -> None:
        """Add the rows of these requests."""
        rows = [
            (row.id, row.endpoint_id, *outlier_record(request, self._redactor))
            for row, request in outliers
        ]
        self._run_many(connection, self._insert_outlier, rows)
        profiles: list[tuple[RequestRow, Profile]] = []
        for row, request in profiled:
            profile = profile_of(request.events(semconv.EVENT_PROFILE)[0])
            if profile is not None:
                profiles.append((row, profile))
        if profiles:
            self._write_profiles(connection, profiles)

    def _write_profiles(
        self, connection: Connection, profiles: Sequence[tuple[RequestRow, Profile]]
    ) -> None:
        lines: list[tuple[object, ...]] = []
        for row, profile in profiles:
            for position, line in enumerate(profile.lines):
                cpu_ms = None if line.cpu_us is None else line.cpu_us / 1000
                code_id = self._code_id(connection, line)
                wall_ms = line.wall_us / 1000
                lines.append((row.id, code_id, position, line.indent, wall_ms, cpu_ms))
        self._run_many(connection, self._insert_line, lines)
        self._run_many(
            connection,
            self._insert_profile,
            [
                (row.id, row.endpoint_id, p.samples, p.not_sampled_us / 1000, p.is_cut)
                for row, p in profiles
            ],
        )

    def _code_id(self, connection: Connection, line: ProfileLine) -> int:
        # By the line as it came: hiding secrets in it takes longer than everything else here.
        come = (line.filename, line.line_number, line.function_name, line.code)
        found = self._codes.get(come)
        if found is not None:
            return found
        read, rest = line.code[:_LONGEST_CODE], line.code[_LONGEST_CODE:]
        place = (
            fit(line.filename, _TEXT_WIDTH),
            line.line_number,
            fit(line.function_name, _TEXT_WIDTH),
            fit(self._redactor.code(read) + rest, _TEXT_WIDTH),
        )
        code = self._code_line.c
        query = select(code.id).where(
            code.filename == place[0],
            code.line_number == place[1],
            code.function_name == place[2],
            code.code == place[3],
        )
        number = connection.execute(query.order_by(code.id).limit(1)).scalar()
        if number is None:
            insert = self._code_line.insert().values(
                filename=place[0], line_number=place[1], function_name=place[2], code=place[3]
            )
            # Not kept in memory: the transaction that makes it may still be undone.
            made: int = connection.execute(insert).inserted_primary_key[0]  # type: ignore[index]
            return made
        if len(self._codes) >= _CACHE_LIMIT:
            self._codes.clear()
        if len(line.filename) + len(line.function_name) + len(line.code) <= _LONGEST_KEY:
            self._codes[come] = number
        return int(number)
