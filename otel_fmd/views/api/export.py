"""Requests as a stream: CSV, JSON Lines or Parquet, of any length in the memory of one chunk.

Each chunk is read in a snapshot of its own, in the order of the ids, so that a long export keeps
no transaction open. Requests that arrive meanwhile are part of it where they come behind.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import fields
from typing import Any

from otel_fmd.errors import ConfigurationError
from otel_fmd.people.actor import Role
from otel_fmd.queries.rows import RequestRecord, requests
from otel_fmd.queries.snapshot import Reader
from otel_fmd.views.api.requests import Request, values
from otel_fmd.views.load import looking
from otel_fmd.views.look import Look
from otel_fmd.views.parameters import OLDEST, SORT
from otel_fmd.views.requests import wanted
from otel_fmd.views.view import harmless

CHUNK = 10_000
"""Requests read at once."""
COLUMNS = tuple(one.name for one in fields(Request))
_TEXTS = [COLUMNS.index(name) for name in ("endpoint", "version", "user", "ip")]
Rows = Sequence[tuple[Any, ...]]


def chunks(reader: Reader, look: Look) -> Iterator[Rows]:
    """The selected requests, in parts; each row has `COLUMNS`, its time as text (RFC 3339).

    Raises:
        NotAllowedError: the actor may not look.
        StoreError: the database cannot be read.
    """
    cursor = None
    while True:
        with looking(reader, look.actor, Role.GUEST, "export requests") as snapshot:
            selection, keep = wanted(snapshot, look)
            page = requests(
                snapshot,
                selection,
                keep=keep,
                cursor=cursor,
                limit=CHUNK,
                oldest_first=look.value(SORT) == OLDEST,
                chunk=CHUNK,
            )
            names = {number: one.name for number, one in snapshot.endpoints.items()}
        if page.requests:
            yield [_row(one, names) for one in page.requests]
        cursor = page.cursor
        if cursor is None:
            return


def _row(one: RequestRecord, names: dict[int, str]) -> tuple[Any, ...]:
    time = f"{one.time_requested.isoformat(timespec='microseconds')}Z"
    return values(one, names.get(one.endpoint_id, "?"), time)


def as_csv(parts: Iterator[Rows]) -> Generator[bytes, None, None]:
    """CSV, header first; no cell can be taken for a formula by a spreadsheet."""
    yield (",".join(COLUMNS) + "\r\n").encode()
    for rows in parts:
        out = io.StringIO()
        csv.writer(out).writerows(map(_harmless, rows))
        yield out.getvalue().encode()


def _harmless(row: tuple[Any, ...]) -> list[Any]:
    """Only these columns hold what others have written."""
    made = list(row)
    for place in _TEXTS:
        made[place] = harmless(made[place])
    return made


def as_json_lines(parts: Iterator[Rows]) -> Generator[bytes, None, None]:
    """An object in each line."""
    encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
    for rows in parts:
        yield "".join(f"{encode(dict(zip(COLUMNS, row, strict=True)))}\n" for row in rows).encode()


def as_parquet(parts: Iterator[Rows]) -> Generator[bytes, None, None]:
    """A Parquet file with a row group for each part.

    Raises:
        ConfigurationError: pyarrow is not installed.
    """
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        advice = "Parquet needs pyarrow on the server: pip install pyarrow"
        raise ConfigurationError(advice, advice) from None
    kinds = {
        "time": pyarrow.timestamp("us", "UTC"),
        "endpoint_id": pyarrow.int64(),
        "duration_ms": pyarrow.float64(),
        "time_to_first_byte_ms": pyarrow.float64(),
        "status_code": pyarrow.int32(),
    }
    schema = pyarrow.schema([(name, kinds.get(name, pyarrow.string())) for name in COLUMNS])
    return _parquet(parts, pyarrow, parquet, schema)


def _parquet(
    parts: Iterator[Rows], pyarrow: Any, parquet: Any, schema: Any
) -> Generator[bytes, None, None]:
    out = _Written()
    time = COLUMNS.index("time")
    with parquet.ParquetWriter(pyarrow.PythonFile(out, mode="w"), schema) as writer:
        for rows in parts:
            columns: list[Any] = [list(column) for column in zip(*rows, strict=True)]
            columns[time] = pyarrow.array(columns[time]).cast(schema.field(time).type)
            arrays = [
                pyarrow.array(column, one.type) if isinstance(column, list) else column
                for column, one in zip(columns, schema, strict=True)
            ]
            writer.write_table(pyarrow.Table.from_arrays(arrays, schema=schema))
            yield out.taken()
    yield out.taken()


class _Written(io.RawIOBase):
    """A file that hands on what is written to it."""

    def __init__(self) -> None:
        super().__init__()
        self._parts: list[bytes] = []
        self._place = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._parts.append(bytes(data))
        self._place += len(data)
        return len(data)

    def tell(self) -> int:
        return self._place

    def taken(self) -> bytes:
        """What was written since the last time."""
        found, self._parts = b"".join(self._parts), []
        return found


FORMATS: dict[str, tuple[str, Callable[[Iterator[Rows]], Generator[bytes, None, None]]]] = {
    "csv": ("text/csv", as_csv),
    "jsonl": ("application/jsonl", as_json_lines),
    "parquet": ("application/vnd.apache.parquet", as_parquet),
}
"""Content type and writer of each format."""
