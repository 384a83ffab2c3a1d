"""What the routes of an API need."""

from __future__ import annotations

from dataclasses import dataclass

from otel_fmd.config import Settings
from otel_fmd.queries.snapshot import Reader
from otel_fmd.store.store import Store
from otel_fmd.views.look import Process


@dataclass(frozen=True, slots=True)
class RouteContext:
    """What routes need.

    Args:
        reader: the database.
        settings: in force.
        process: what this process knows.
    """

    reader: Reader
    settings: Settings
    process: Process

    @property
    def store(self) -> Store:
        """The database."""
        return self.reader.store
