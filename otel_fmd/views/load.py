"""The one place where views are read: only what the actor may see, all from one snapshot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Generic, TypeVar, cast

from otel_fmd.people.actor import require
from otel_fmd.queries.snapshot import Reader
from otel_fmd.views.look import Look
from otel_fmd.views.view import NOTHING, Table, View

D = TypeVar("D")
L = TypeVar("L", bound=Look)


class Loaded(Generic[L]):
    """The data of some views, read in one snapshot, and the look that they follow."""

    def __init__(self, look: L, data: Mapping[str, Any]) -> None:
        self.look = look
        self._data = data

    def __contains__(self, view: View[Any]) -> bool:
        return view.name in self._data

    def __getitem__(self, view: View[D]) -> D:
        return cast("D", self._data[view.name])

    def table(self, view: View[Any]) -> Table:
        """The data of a view as a table; empty if there is none."""
        data = self[view]
        return view.table(data, self.look) if data else NOTHING


def load(reader: Reader, look: L, views: Sequence[View[Any]]) -> Loaded[L]:
    """Read views.

    Args:
        reader: the database.
        look: who is looking at what.
        views: the views shown; each is read once.

    Raises:
        NotAllowedError: one of them is for a higher role; nothing was read.
        StoreError: the database cannot be read.
    """
    for view in views:
        require(look.actor, view.role, f"see {view.title}")
    with reader.snapshot() as snapshot:
        settled = look.settled(snapshot)
        return Loaded(settled, {view.name: view.load(snapshot, settled) for view in views})
