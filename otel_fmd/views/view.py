"""A view: its name, its texts, how its data is loaded, and how it becomes a table."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, NamedTuple, TypeVar

from otel_fmd.people.actor import Role
from otel_fmd.queries.snapshot import Snapshot
from otel_fmd.views.look import Look
from otel_fmd.views.parameters import Parameter

D = TypeVar("D")
NO_REQUESTS = "No requests in the selected time range. Choose a longer one, or send some requests."


class Column(NamedTuple):
    """A column of a table: its name, and the unit of its numbers (UCUM; '' for none)."""

    name: str
    unit: str = ""


class Table(NamedTuple):
    """The data of a view, for CSV and programs: each row is as long as `columns`."""

    columns: Sequence[Column]
    rows: Sequence[Sequence[Any]]


NOTHING = Table((), ())


@dataclass(frozen=True, slots=True)
class View(Generic[D]):
    """One view.

    Args:
        name: unique; part of addresses, element ids and file names.
        title: what it shows.
        description: how to read it, and when to worry.
        load: reads the data; a false value (None, an empty list) means nothing to show.
        table: the data as a table.
        empty: what to do if there is nothing to show.
        parameters: the parameters of the address that it uses, in addition to the selection.
        role: who may see it.
    """

    name: str
    title: str
    description: str
    load: Callable[[Snapshot, Look], D]
    table: Callable[[D, Look], Table]
    empty: str = NO_REQUESTS
    parameters: Sequence[Parameter[Any]] = field(default=())
    role: Role = Role.GUEST


def csv_text(table: Table) -> str:
    """A table as CSV, header first; no cell can be taken for a formula by a spreadsheet."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow([harmless(column.name) for column in table.columns])
    writer.writerows([harmless(cell) for cell in row] for row in table.rows)
    return out.getvalue()


def harmless(cell: Any) -> Any:
    """A spreadsheet would evaluate text that begins like a formula."""
    if isinstance(cell, str) and cell[:1] in ("=", "+", "-", "@", "\t", "\r"):
        return f"'{cell}"
    return cell
