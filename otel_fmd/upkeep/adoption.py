"""Adopting FMD's tables: history and users stay, our columns and tables are added.

One announced rebuild: missing columns are added, types that are too narrow are widened, FMD's slow
index is replaced with ours of the same name, our tables are created. The original FMD can still
open the database afterwards.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime

from sqlalchemy import Connection, Table, false, func, insert, inspect, select, text, update
from sqlalchemy.schema import CreateIndex, CreateTable

from otel_fmd.analysis.rollup import HOUR_US
from otel_fmd.signals.semconv import UNKNOWN_VERSION
from otel_fmd.store.ownership import is_fmd, refuse_strangers
from otel_fmd.store.schema import revision_of, stamp
from otel_fmd.store.settings import (
    ADOPTED_AT,
    ADOPTED_DONE_ID,
    ADOPTED_LAST_ID,
    ADOPTED_LAST_OUTLIER,
    put_setting,
)
from otel_fmd.store.store import Store
from otel_fmd.store.times import now_us, unix_us

_log = logging.getLogger(__name__)
_MADE_ID = 1 << 43


def is_foreign(store: Store) -> bool:
    """Whether a database holds FMD's tables and was never ours."""
    with store.read() as connection:
        return revision_of(connection, store.tables.prefix) is None and is_fmd(store, connection)


def restructure(store: Store, service: str) -> None:
    """Bring FMD's tables to our schema; in one transaction where the database can."""
    tables = store.tables
    with store.write() as connection:
        refuse_strangers(store, connection)
        store.database.loosen(connection, tables.metadata, tables.endpoint)
        for table in tables.metadata.sorted_tables:
            _bring(store, connection, table)
        store.database.tighten(connection, tables.metadata, tables.endpoint)
        number = connection.execute(
            insert(tables.service).values(name=service, time_added=_now())
        ).inserted_primary_key[0]  # type: ignore[index]
        connection.execute(update(tables.endpoint).values(service_id=number))
        _note_versions(connection, store)
        _note_details(connection, store)
        _note_hours(connection, store)
        last = connection.execute(select(func.max(tables.outlier.c.id))).scalar() or 0
        put_setting(connection, tables, ADOPTED_LAST_OUTLIER, str(last))
        highest = connection.execute(select(func.max(tables.request.c.id))).scalar() or 0
        put_setting(connection, tables, ADOPTED_LAST_ID, str(highest))
        put_setting(connection, tables, ADOPTED_DONE_ID, "0")
        put_setting(connection, tables, ADOPTED_AT, str(now_us()))
        stamp(connection, tables.prefix)
    store.database.after_adoption(store.run_alone)
    _log.info("adopted the FMD tables in %s", store.display_url)


def _bring(store: Store, connection: Connection, table: Table) -> None:
    """Create a missing table, or give FMD's table our columns, types and indexes."""
    found = inspect(connection)
    if not found.has_table(table.name):
        connection.execute(CreateTable(table))
        for index in table.indexes:
            connection.execute(CreateIndex(index))
        return
    there = {column["name"] for column in found.get_columns(table.name)}
    added = [column for column in table.columns if column.name not in there]
    kept = [column for column in table.columns if column.name in there]
    store.database.change_columns(connection, table, added, kept)
    quote = connection.dialect.identifier_preparer.quote
    known = {index["name"] for index in found.get_indexes(table.name)}
    for index in table.indexes:
        name = str(index.name)
        if name in known:
            connection.execute(text(store.database.drop_index(quote(name), quote(table.name))))
        connection.execute(CreateIndex(index))


def _note_versions(connection: Connection, store: Store) -> None:
    request, version = store.tables.request.c, store.tables.version
    names = connection.execute(select(request.version_requested).distinct()).scalars()
    known = set(connection.execute(select(version.c.name)).scalars())
    wanted = {name or UNKNOWN_VERSION for name in names} - known
    if wanted:
        connection.execute(insert(version), [{"name": name} for name in sorted(wanted)])


def _note_details(connection: Connection, store: Store) -> None:
    """Endpoints of old outliers, and a profile for every request with stack lines."""
    tables = store.tables
    request, outlier, line = tables.request, tables.outlier, tables.stack_line
    owner = select(request.c.endpoint_id).where(request.c.id == outlier.c.request_id)
    connection.execute(update(outlier).values(endpoint_id=owner.scalar_subquery()))
    profiled = select(line.c.request_id).distinct().subquery()
    source = select(request.c.id, request.c.endpoint_id, text("0"), false()).where(
        request.c.id.in_(select(profiled.c.request_id))
    )
    columns = ["request_id", "endpoint_id", "samples", "is_cut"]
    connection.execute(insert(tables.profile).from_select(columns, source))


def _note_hours(connection: Connection, store: Store) -> None:
    """Record the id range of each hour of the old rows: their small ids do not encode the time."""
    tables = store.tables
    request = tables.request.c
    hours: dict[int, tuple[int, int]] = {}
    after = 0
    while True:
        rows = connection.execute(
            select(request.id, request.time_requested)
            .where(request.id > after, request.id < _MADE_ID)
            .order_by(request.id)
            .limit(20_000)
        ).all()
        for row in rows:
            if row.time_requested is not None:
                hour = unix_us(row.time_requested) // HOUR_US
                low, high = hours.get(hour, (row.id, row.id))
                hours[hour] = min(low, row.id), max(high, row.id)
        if not rows:
            break
        after = rows[-1].id
    if hours:
        connection.execute(
            insert(tables.adopted_hour),
            [
                {"hour": hour, "lowest_id": low, "highest_id": high}
                for hour, (low, high) in sorted(hours.items())
            ],
        )


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)
