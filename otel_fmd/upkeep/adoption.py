"""FMD's tables as ours: history and users stay, what is ours comes beside.

One announced rebuild: columns that FMD misses are added, too narrow types are widened, FMD's slow
index is replaced by ours of the same name, our tables are made. The original FMD still opens the
database afterwards.
"""

from __future__ import annotations

import logging
import time
from datetime import UTC, datetime

from sqlalchemy import Connection, Table, func, insert, inspect, select, text, update
from sqlalchemy.schema import CreateColumn, CreateIndex, CreateTable, ForeignKeyConstraint

from otel_fmd.analysis.rollup import HOUR_US
from otel_fmd.signals.semconv import UNKNOWN_VERSION
from otel_fmd.store.ownership import is_fmd, refuse_strangers
from otel_fmd.store.schema import revision_of, stamp
from otel_fmd.store.settings import ADOPTED_AT, ADOPTED_DONE_ID, ADOPTED_LAST_ID, put_setting
from otel_fmd.store.store import Store
from otel_fmd.store.times import unix_us

_log = logging.getLogger(__name__)
_MADE_ID = 1 << 43


def is_foreign(store: Store) -> bool:
    """Whether a database holds FMD's tables and was never ours."""
    with store.read() as connection:
        return revision_of(connection, store.tables.prefix) is None and is_fmd(store, connection)


def restructure(store: Store, service: str) -> None:
    """Bring FMD's tables to our schema; in SQLite in one transaction."""
    tables = store.tables
    with store.write() as connection:
        refuse_strangers(store, connection)
        if store.dialect == "sqlite":
            _rebuild_sqlite(connection, tables.endpoint)
        else:
            _drop_foreign_keys(store, connection)
        for table in tables.metadata.sorted_tables:
            _bring(store, connection, table)
        if store.dialect != "sqlite":
            _restore_foreign_keys(store, connection)
        number = connection.execute(
            insert(tables.service).values(name=service, time_added=_now())
        ).inserted_primary_key[0]  # type: ignore[index]
        connection.execute(update(tables.endpoint).values(service_id=number))
        _note_versions(connection, store)
        _note_details(connection, store)
        _note_hours(connection, store)
        highest = connection.execute(select(func.max(tables.request.c.id))).scalar() or 0
        put_setting(connection, tables, ADOPTED_LAST_ID, str(highest))
        put_setting(connection, tables, ADOPTED_DONE_ID, "0")
        put_setting(connection, tables, ADOPTED_AT, str(time.time_ns() // 1000))
        stamp(connection, tables.prefix)
    if store.dialect == "sqlite":
        _make_shrinkable(store)
    _log.info("adopted the tables of FMD in %s", store.display_url)


def _make_shrinkable(store: Store) -> None:
    """Write SQLite's file once more, so that the space of pruned rows can be given back later."""
    with store.write_lock, store.engine.connect() as connection:
        raw = connection.connection.driver_connection
        assert raw is not None
        raw.execute("PRAGMA auto_vacuum = INCREMENTAL").fetchall()
        raw.execute("VACUUM").fetchall()


def _bring(store: Store, connection: Connection, table: Table) -> None:
    """Make a table that is missing; give one of FMD's the columns, types and indexes of ours."""
    found = inspect(connection)
    compiler = store.engine.dialect
    quote = compiler.identifier_preparer.quote
    if not found.has_table(table.name):
        connection.execute(CreateTable(table))
        for index in table.indexes:
            connection.execute(CreateIndex(index))
        return
    there = {column["name"] for column in found.get_columns(table.name)}
    changes = []
    for column in table.columns:
        words = CreateColumn(column).compile(dialect=compiler)
        if column.name not in there:
            changes.append(f"ADD COLUMN {words}")
        elif store.dialect == "mariadb":
            changes.append(f"MODIFY {words}")
    if store.dialect == "mariadb":
        changes.insert(0, "CONVERT TO CHARACTER SET utf8mb4 COLLATE utf8mb4_bin")
        if table is store.tables.endpoint:
            changes += _endpoint_constraints(connection, table)
        connection.execute(text(f"ALTER TABLE {quote(table.name)} {', '.join(changes)}"))
    elif store.dialect == "postgresql":
        changes += [
            f"ALTER COLUMN {quote(c.name)} TYPE {c.type.compile(dialect=compiler)}"
            for c in table.columns
            if c.name in there
        ]
        if table is store.tables.endpoint:
            changes += _endpoint_constraints(connection, table)
        connection.execute(text(f"ALTER TABLE {quote(table.name)} {', '.join(changes)}"))
    else:
        for change in changes:
            connection.execute(text(f"ALTER TABLE {quote(table.name)} {change}"))
    known = {index["name"] for index in found.get_indexes(table.name)}
    for index in table.indexes:
        name = str(index.name)
        if name in known:
            ending = f" ON {quote(table.name)}" if store.dialect == "mariadb" else ""
            connection.execute(text(f"DROP INDEX {quote(name)}{ending}"))
        connection.execute(CreateIndex(index))


def _endpoint_constraints(connection: Connection, table: Table) -> list[str]:
    """Names are unique per service, no longer by themselves."""
    quote = connection.dialect.identifier_preparer.quote
    unique = inspect(connection).get_unique_constraints(table.name)
    word = "INDEX" if connection.dialect.name in ("mysql", "mariadb") else "CONSTRAINT"
    dropped = [f"DROP {word} {quote(str(one['name']))}" for one in unique]
    return [*dropped, "ADD UNIQUE (service_id, name)"]


def _rebuild_sqlite(connection: Connection, endpoint: Table) -> None:
    """SQLite cannot drop a constraint: the small table of endpoints is made anew."""
    quote = connection.dialect.identifier_preparer.quote
    there = [column["name"] for column in inspect(connection).get_columns(endpoint.name)]
    shared = ", ".join(quote(c.name) for c in endpoint.columns if c.name in there)
    made = str(CreateTable(endpoint).compile(connection))
    new = f"{endpoint.name}_new"
    made = made.replace(f"CREATE TABLE {quote(endpoint.name)}", f"CREATE TABLE {quote(new)}", 1)
    connection.execute(text("PRAGMA legacy_alter_table = ON"))
    connection.execute(text(made))
    old = quote(endpoint.name)
    connection.execute(text(f"INSERT INTO {quote(new)} ({shared}) SELECT {shared} FROM {old}"))
    connection.execute(text(f"DROP TABLE {old}"))
    connection.execute(text(f"ALTER TABLE {quote(new)} RENAME TO {old}"))
    connection.execute(text("PRAGMA legacy_alter_table = OFF"))


def _drop_foreign_keys(store: Store, connection: Connection) -> None:
    """Columns that are referred to cannot change their type."""
    quote = store.engine.dialect.identifier_preparer.quote
    found = inspect(connection)
    word = "FOREIGN KEY" if store.dialect == "mariadb" else "CONSTRAINT"
    for table in store.tables.metadata.sorted_tables:
        if found.has_table(table.name):
            for key in found.get_foreign_keys(table.name):
                name = quote(str(key["name"]))
                connection.execute(text(f"ALTER TABLE {quote(table.name)} DROP {word} {name}"))


def _restore_foreign_keys(store: Store, connection: Connection) -> None:
    quote = store.engine.dialect.identifier_preparer.quote
    for table in store.tables.metadata.sorted_tables:
        there = inspect(connection).get_foreign_keys(table.name)
        known = {tuple(key["constrained_columns"]) for key in there}
        for key in table.constraints:
            if not isinstance(key, ForeignKeyConstraint):
                continue
            if tuple(key.column_keys) in known:
                continue
            column, target = quote(key.column_keys[0]), key.elements[0].column
            there_ = f"{quote(target.table.name)} ({quote(target.name)})"
            connection.execute(
                text(
                    f"ALTER TABLE {quote(table.name)} ADD FOREIGN KEY ({column}) "
                    f"REFERENCES {there_}"
                )
            )


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
    source = select(
        request.c.id, request.c.endpoint_id, text("0"), text("false" if _has_bool(store) else "0")
    ).where(request.c.id.in_(select(profiled.c.request_id)))
    columns = ["request_id", "endpoint_id", "samples", "is_cut"]
    connection.execute(insert(tables.profile).from_select(columns, source))


def _has_bool(store: Store) -> bool:
    return store.dialect == "postgresql"


def _note_hours(connection: Connection, store: Store) -> None:
    """The ids that each hour of the old rows has: small ids tell nothing of their time."""
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
