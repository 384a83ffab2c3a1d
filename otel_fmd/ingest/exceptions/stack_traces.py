"""Rows that occurrences of exceptions share: types, messages, stack traces with their frames.

They are added in transactions of their own before the batch that needs them, and found again by
their hash, so that every process stores each once.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from hashlib import blake2b, sha256
from typing import Any, NamedTuple

from sqlalchemy import Connection, Table
from sqlalchemy.exc import IntegrityError

from otel_fmd.analysis.exceptions.trace import Frame, StackTrace
from otel_fmd.analysis.redaction.redactor import Redactor
from otel_fmd.analysis.text import clean
from otel_fmd.ingest.small_rows import find
from otel_fmd.requests.exception_secrets import ExceptionSecrets
from otel_fmd.requests.exceptions import FunctionSource
from otel_fmd.store.store import Store

_TYPE_WIDTH, _NAME_WIDTH, _PATH_WIDTH = 256, 256, 250
_MESSAGE_WIDTH, _CODE_WIDTH, _TEXT_WIDTH = 10_000, 10_000, 65_000
_LINE_WIDTH, _CHAIN_WIDTH = 2_000, 500
_MOST_CACHED = 4_096
REMEMBERED_S = 600.0
"""How long ids are remembered: what is unused is removed in the end."""
_ATTEMPTS = 3


class _Place(NamedTuple):
    """A frame as FMD's tables have it; `start` is the first line of `code`."""

    file: str
    function: str
    line: int
    start: int
    code: str


class StackTraceRegistry:
    """The ids of types, messages and stack traces of one database.

    Args:
        store: the database.
        redactor: hides secrets in messages and code.
    """

    def __init__(self, store: Store, redactor: Redactor) -> None:
        self._store = store
        self._tables = store.tables
        self._secrets = ExceptionSecrets(redactor)
        self._types: dict[str, int] = {}
        self._messages: dict[str, int] = {}
        self._traces: dict[str, int] = {}
        self._frames: dict[_Place, int] = {}
        self._made: dict[_Place, int] = {}
        self._since_s = time.monotonic()

    def refresh(self) -> None:
        """Forget what was looked up long ago."""
        if time.monotonic() - self._since_s > REMEMBERED_S:
            self.forget()

    def forget(self) -> None:
        """Look everything up again, after a write failed."""
        self._types, self._messages, self._traces, self._frames = {}, {}, {}, {}
        self._since_s = time.monotonic()

    def type_id(self, name: str) -> int:
        """The id of a type of exceptions."""
        name = self._secrets.place(name, _TYPE_WIDTH)
        found = self._types.get(name)
        if found is None:
            found = self._row(self._tables.exception_type, {"type": name}, {})
            _keep(self._types, name, found)
        return found

    def message_id(self, message: str) -> int:
        """The id of a message, without the secrets in it."""
        shown = self._secrets.message(message, _MESSAGE_WIDTH)
        digest = blake2b(shown.encode(), digest_size=16).hexdigest()
        found = self._messages.get(digest)
        if found is None:
            table = self._tables.exception_message
            found = self._row(table, {"hash": digest}, {"message": shown})
            _keep(self._messages, digest, found)
        return found

    def trace_id(self, trace: StackTrace, functions: Sequence[FunctionSource]) -> int:
        """The id of a stack trace: its frames as FMD has them, and the whole chain as JSON."""
        chain = self._chain(trace)
        digest = sha256(chain.encode()).hexdigest()
        found = self._traces.get(digest)
        if found is None:
            found = self._stored(digest, chain, self._places(trace, functions))
            _keep(self._traces, digest, found)
        return found

    def _row(self, table: Table, key: dict[str, Any], values: dict[str, Any]) -> int:
        with self._store.read() as connection:
            found = find(connection, table, key)
        if found is not None:
            return found
        with self._store.write() as connection:
            # Two processes may add the same one at once; both rows then mean the same.
            return _inserted(connection, table, {**key, **values})

    def _stored(self, digest: str, chain: str, places: Sequence[_Place]) -> int:
        table, key = self._tables.stack_trace, {"hash": digest}
        for attempt in range(_ATTEMPTS):
            with self._store.read() as connection:
                found = find(connection, table, key)
            if found is not None:
                return found
            self._made = {}
            try:
                with self._store.write() as connection:
                    number = _inserted(connection, table, {**key, "chain": chain})
                    self._insert_frames(connection, number, places)
                if len(self._frames) > _MOST_CACHED:
                    self._frames.clear()
                # Only now: a transaction that fails takes its rows with it.
                self._frames.update(self._made)
                return number
            except IntegrityError:
                # Another process was faster with it, or with the path of a file; or a frame that
                # is remembered was removed.
                self._frames.clear()
                if attempt == _ATTEMPTS - 1:
                    raise
        raise AssertionError("unreachable")

    def _insert_frames(self, connection: Connection, number: int, places: Sequence[_Place]) -> None:
        """Add the frames of a stack trace; those that are remembered cost nothing."""
        rows = [
            {
                "stack_trace_snapshot_id": number,
                "exception_frame_id": self._frame_id(connection, place),
                "position": position,
            }
            for position, place in enumerate(places)
        ]
        if rows:
            connection.execute(self._tables.exception_stack_line.insert(), rows)

    def _frame_id(self, connection: Connection, place: _Place) -> int:
        found = self._frames.get(place)
        if found is not None:
            return found
        tables = self._tables

        def row(table: Table, **values: Any) -> int:
            found = find(connection, table, values)
            return _inserted(connection, table, values) if found is None else found

        hashed = sha256(place.code.encode()).hexdigest()
        function = {"name": place.function, "code_hash": hashed}
        function_id = find(connection, tables.function_definition, function)
        if function_id is None:
            values = {**function, "code": place.code}
            function_id = _inserted(connection, tables.function_definition, values)
        location_id = row(
            tables.function_location,
            file_path_id=row(tables.file_path, path=place.file),
            function_definition_id=function_id,
            function_start_line_number=place.start,
        )
        made = row(tables.exception_frame, function_location_id=location_id, line_number=place.line)
        self._made[place] = made
        return made

    def _places(self, trace: StackTrace, functions: Sequence[FunctionSource]) -> list[_Place]:
        """The frames of the reported exception, the outermost first."""
        sources = {(one.file, one.line): one for one in functions}
        found = []
        for frame in trace.raised[0].frames:
            source = sources.get((frame.file, frame.line or 0))
            line = frame.line or 0
            # Without the function's source, its line is what is known of it.
            code, start = (source.code, source.start) if source and source.code else ("", line)
            found.append(
                _Place(
                    self._secrets.place(frame.file or frame.module, _PATH_WIDTH),
                    self._secrets.place(_qualified(frame), _NAME_WIDTH),
                    line,
                    start,
                    self._secrets.code(code or frame.code, _CODE_WIDTH),
                )
            )
        return found

    def _chain(self, trace: StackTrace) -> str:
        """Everything of a stack trace but its messages, as JSON."""
        raised = [
            {
                "type": self._secrets.place(one.type, _TYPE_WIDTH),
                "relation": one.relation,
                "parent": one.parent,
                "frames": [
                    [
                        self._secrets.place(frame.file, _CHAIN_WIDTH),
                        self._secrets.place(frame.function, _CHAIN_WIDTH),
                        frame.line,
                        self._secrets.code(frame.code, _LINE_WIDTH) if frame.code else "",
                        frame.module,
                        frame.in_app,
                    ]
                    for frame in one.frames
                ],
            }
            for one in trace.raised
        ]
        text = self._secrets.text(trace.text, _TEXT_WIDTH)
        found = {"language": trace.language, "raised": raised, "text": text}
        return clean(json.dumps(found, ensure_ascii=False, separators=(",", ":")))


def _qualified(frame: Frame) -> str:
    """The function's name as its language writes it."""
    if frame.module and not frame.file.endswith(".py"):
        return f"{frame.module}.{frame.function}"
    return frame.function


def _inserted(connection: Connection, table: Table, values: dict[str, Any]) -> int:
    made = connection.execute(table.insert().values(values)).inserted_primary_key
    number: int = made[0]  # type: ignore[index]
    return number


def _keep(cache: dict[str, int], key: str, number: int) -> None:
    if len(cache) >= _MOST_CACHED:
        cache.clear()
    cache[key] = number
