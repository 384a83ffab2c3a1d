"""What the rows of a database say, for comparison with what pages show."""

from __future__ import annotations

from sqlalchemy import select

from otel_fmd.store.store import Store
from tests.support.serving import Served


class Recount:
    """The demo's requests, read from the rows."""

    def __init__(self, served: Served) -> None:
        store = Store(served.database_url)
        tables = store.tables
        with store.read() as connection:
            self.names = {row.id: row.name for row in connection.execute(select(tables.endpoint))}
            self.rows = connection.execute(select(tables.request)).all()
            outlier = tables.outlier.c
            stacks = connection.execute(select(outlier.request_id, outlier.stacktrace))
            self.stacks = {row.request_id: row.stacktrace or "" for row in stacks}
            """The stacks of outliers, by request."""
        store.close()

    def endpoint(self, name: str) -> int:
        """The id of an endpoint."""
        return next(number for number, one in self.names.items() if one == name)

    def of(self, name: str) -> list:
        """The requests of an endpoint."""
        number = self.endpoint(name)
        return [row for row in self.rows if row.endpoint_id == number]
