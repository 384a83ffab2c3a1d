"""The one place where views are read: only what the actor may see, all from one snapshot."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Generic, TypeVar, cast

from otel_fmd.people.actor import Actor, Role, require
from otel_fmd.queries.snapshot import Reader, Snapshot
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


@contextmanager
def looking(reader: Reader, actor: Actor, role: Role, what: str) -> Iterator[Snapshot]:
    """A snapshot for somebody who may look: for loaders that are no views.

    Args:
        reader: the database.
        actor: who looks.
        role: the lowest role that may.
        what: for the message if they may not, for example `see users`.

    Raises:
        NotAllowedError: the role is too low; nothing was read.
        StoreError: the database cannot be read.
    """
    require(actor, role, what)
    with reader.snapshot() as snapshot:
        yield snapshot
