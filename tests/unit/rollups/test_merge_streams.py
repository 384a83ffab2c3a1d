"""Migration 0002: endpoints of streamed bodies become part of their requests'."""

from __future__ import annotations

from sqlalchemy import Connection, delete, func, insert, inspect, select, text

from otel_fmd.analysis.outliers import OutlierRule
from otel_fmd.ingest.batch import Batch
from otel_fmd.ingest.write import BatchWriter
from otel_fmd.requests.request import NOTHING_MORE, Request
from otel_fmd.rollups.fold import DeltaFolder
from otel_fmd.rollups.prepare import prepare
from otel_fmd.rollups.recount import check
from otel_fmd.signals.record import Resource
from otel_fmd.store.schema import HEAD, revision_of, version_table
from otel_fmd.store.store import Store
from otel_fmd.store.tables import Tables

START_US = 1_790_000_000_000_000
RESOURCE = Resource({})


def request(endpoint: str, trace: int, start_ms: float, duration_ms: float) -> Request:
    """One request of a trace; its span id is made from its endpoint."""
    return Request(
        "shop",
        endpoint,
        "1",
        START_US + int(start_ms * 1e3),
        int(duration_ms * 1e6),
        None if endpoint.endswith("(body)") else 200,
        None,
        "",
        trace.to_bytes(16, "big"),
        (trace * 2 + endpoint.endswith("(body)")).to_bytes(8, "big"),
        NOTHING_MORE,
        2,
    )


def without_exceptions(connection: Connection, tables: Tables) -> None:
    """Take away what migration 0006 adds."""
    for table in (
        tables.exception_group,
        tables.exception_variant,
        tables.exception_count,
        tables.exception_user,
        tables.received_body,
    ):
        table.drop(connection)
    quote = connection.dialect.identifier_preparer.quote
    on = " ON {}" if connection.dialect.name in ("mysql", "mariadb") else ""
    added = {
        "FunctionDefinition": (),
        "FunctionLocation": (),
        "ExceptionFrame": (),
        "ExceptionStackLine": (),
        "StackTraceSnapshot": ("chain",),
        "ExceptionMessage": ("hash",),
        "ExceptionOccurrence": (
            "variant_id", "endpoint_id", "version_id", "time_us", "trace_id", "span_id", "user",
            "details",
        ),
    }  # fmt: skip
    for name, columns in added.items():
        table = tables.metadata.tables[name]
        for key in table.foreign_keys if on else ():
            # MariaDB needs an index for each.
            column = key.parent.name
            connection.execute(
                text(f"CREATE INDEX old_{column} ON {quote(name)} ({quote(column)})")
            )
        for index in table.indexes:
            drop = f"DROP INDEX {quote(str(index.name))}{on.format(quote(name))}"
            connection.execute(text(drop))
        for column in columns:
            connection.execute(text(f"ALTER TABLE {quote(name)} DROP COLUMN {quote(column)}"))


def test_bodies_are_merged_into_their_requests(store: Store) -> None:
    """Durations reach until the body's end; outliers move along; figures are counted anew."""
    writer = BatchWriter(store, OutlierRule())
    for trace in range(1, 6):
        began = trace * 1_000
        writer.write(Batch([request("sse", trace, began, 2)]))
        writer.write(Batch([request("sse (body)", trace, began + 2.5, 300)]))
    writer.write(Batch([request("sse (body)", 99, 9_000, 40), request("other", 100, 9_100, 7)]))
    DeltaFolder(store).fold(1_000)
    writer.write(Batch([request("sse", 7, 20_000, 1), request("sse (body)", 7, 20_001, 9)]))
    tables = store.tables
    with store.write() as connection:
        name = connection.dialect.identifier_preparer.quote(version_table(""))
        connection.execute(text(f"UPDATE {name} SET version_num = '0001'"))
        quoted = connection.dialect.identifier_preparer.quote("Request")
        connection.execute(text(f"ALTER TABLE {quoted} DROP COLUMN time_to_first_byte"))
        quoted = connection.dialect.identifier_preparer.quote("Endpoint")
        connection.execute(text(f"ALTER TABLE {quoted} DROP COLUMN name_source"))
        without_exceptions(connection, tables)
        for table in (
            tables.session,
            tables.known_browser,
            tables.login_failure,
            tables.setup_link,
            tables.identity,
            tables.api_token,
            tables.audit,
            *(
                one
                for one in tables.metadata.sorted_tables
                if one.name.startswith(("Metric", "LogRecord"))
            ),
        ):
            table.drop(connection)
        quote = connection.dialect.identifier_preparer.quote
        for table, old in (("CallerDelta", "WhoDelta"), ("CallerHistogram", "WhoHistogram")):
            connection.execute(text(f"ALTER TABLE {quote(table)} RENAME TO {quote(old)}"))
        connection.execute(text(f"ALTER TABLE {quote('WhoHistogram')} RENAME COLUMN caller TO who"))
        body = connection.execute(
            select(tables.endpoint.c.id).where(tables.endpoint.c.name == "sse (body)")
        ).scalar_one()
        first = connection.execute(
            select(func.min(tables.request.c.id)).where(tables.request.c.endpoint_id == body)
        ).scalar_one()
        connection.execute(delete(tables.outlier))
        connection.execute(
            insert(tables.outlier).values(request_id=first, endpoint_id=body, cpu_percent="[]")
        )
    prepare(store)
    with store.read() as connection:
        assert revision_of(connection, "") == HEAD
        columns = {one["name"] for one in inspect(connection).get_columns("Request")}
        assert "time_to_first_byte" in columns
        columns = {one["name"] for one in inspect(connection).get_columns("Endpoint")}
        assert "name_source" in columns
        names = {r.id: r.name for r in connection.execute(select(tables.endpoint))}
        assert sorted(names.values()) == ["other", "sse"]
        rows = connection.execute(select(tables.request).order_by(tables.request.c.id)).all()
        found = [(names[r.endpoint_id], round(r.duration, 3)) for r in rows]
        outlier = connection.execute(select(tables.outlier)).one()
    assert found == [*[("sse", 302.5)] * 5, ("sse", 40), ("other", 7), ("sse", 10)]
    assert outlier.request_id == rows[0].id
    assert names[outlier.endpoint_id] == "sse"
    assert check(store) == []
