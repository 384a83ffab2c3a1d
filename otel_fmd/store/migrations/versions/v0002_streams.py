"""Time to the first byte of streamed bodies; their old endpoints become those of their requests.

Until now a streamed body was a separate endpoint, `NAME (body)`, in addition to its request's.
"""

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import context, op

revision = "0002"
down_revision = "0001"

_SUFFIX = " (body)"
_CHUNK = 400
_BEFORE = 600 * 1_000_000 << 12
"""How far before its body's id a request's may be: ten minutes, as ids are made from the time."""
_ROLLUPS = ("HourCount", "DayCount", "HourHistogram", "DayHistogram", "WhoHistogram")
RECOUNT = "recount_rollups"
"""Setting: the rollups must be recounted from the rows after the migration."""


def upgrade() -> None:
    """Add the column, and merge; `p` is the table prefix."""
    p = context.config.attributes["prefix"]
    op.add_column(f"{p}Request", sa.Column("time_to_first_byte", sa.Double(), nullable=True))
    connection = op.get_bind()
    endpoint = _table(p, "Endpoint", "id", "name", "service_id")
    bodies = connection.execute(
        sa.select(*endpoint.c).where(endpoint.c.name.like(f"%{_SUFFIX}"))
    ).all()
    for body in bodies:
        name = body.name.removesuffix(_SUFFIX)
        own = connection.execute(
            sa.select(endpoint.c.id).where(
                endpoint.c.name == name, endpoint.c.service_id == body.service_id
            )
        ).scalar()
        if own is not None:
            _merge(connection, p, body.id, own)
    if bodies:
        setting = _table(p, "Setting", "name", "value")
        connection.execute(sa.delete(setting).where(setting.c.name == RECOUNT))
        connection.execute(sa.insert(setting).values(name=RECOUNT, value="1"))


def _merge(connection: sa.Connection, p: str, body: int, own: int) -> None:
    """Make the requests of endpoint `body` part of those of `own`, and remove it."""
    request = _table(p, "Request", "id", "endpoint_id", "duration", "time_requested", "trace_id")
    for rows in _chunks(connection, request, body):
        found = connection.execute(
            sa.select(*request.c).where(
                request.c.endpoint_id == own,
                request.c.id.between(rows[0].id - _BEFORE, rows[-1].id),
            )
        )
        parents = {bytes(row.trace_id or b""): row for row in found}
        for row in rows:
            parent = parents.get(bytes(row.trace_id or b""))
            if parent is None:
                _change(connection, request, row.id, endpoint_id=own)
                _hand_on(connection, p, row.id, row.id, own)
                continue
            until_body = (row.time_requested - parent.time_requested).total_seconds() * 1e3
            whole = max(parent.duration, until_body + row.duration)
            _change(connection, request, parent.id, duration=whole)
            _hand_on(connection, p, row.id, parent.id, own)
            connection.execute(sa.delete(request).where(request.c.id == row.id))
    for name in (*_ROLLUPS, "EndpointVersion"):
        table = _table(p, name, "endpoint_id")
        connection.execute(sa.delete(table).where(table.c.endpoint_id == body))
    for name in ("Outlier", "Profile"):
        table = _table(p, name, "endpoint_id")
        connection.execute(
            sa.update(table).where(table.c.endpoint_id == body).values(endpoint_id=own)
        )
    endpoint = _table(p, "Endpoint", "id")
    connection.execute(sa.delete(endpoint).where(endpoint.c.id == body))


def _hand_on(connection: sa.Connection, p: str, old: int, new: int, own: int) -> None:
    """Give the outlier and the profile of request `old` to `new`, which keeps its own."""
    for name in ("Outlier", "Profile", "StackLine"):
        table = _table(p, name, "request_id", "endpoint_id")
        column = table.c.request_id
        has_own = (
            old != new
            and connection.execute(sa.select(column).where(column == new).limit(1)).first()
        )
        if has_own:
            connection.execute(sa.delete(table).where(column == old))
            continue
        values: dict[str, Any] = {"request_id": new}
        if name != "StackLine":
            values["endpoint_id"] = own
        connection.execute(sa.update(table).where(column == old).values(**values))


def _change(connection: sa.Connection, request: Any, number: int, **values: Any) -> None:
    connection.execute(sa.update(request).where(request.c.id == number).values(**values))


def _chunks(connection: sa.Connection, request: Any, endpoint: int) -> Iterator[list[Any]]:
    after = -1
    while True:
        query = (
            sa.select(*request.c)
            .where(request.c.endpoint_id == endpoint, request.c.id > after)
            .order_by(request.c.id)
            .limit(_CHUNK)
        )
        rows = list(connection.execute(query).all())
        if not rows:
            return
        after = rows[-1].id
        yield rows


def _table(p: str, name: str, *columns: str) -> Any:
    kinds: dict[str, Any] = {"time_requested": sa.DateTime(), "trace_id": sa.LargeBinary()}
    return sa.table(
        f"{p}{name}", *(sa.column(one, kinds.get(one, sa.types.NullType())) for one in columns)
    )
