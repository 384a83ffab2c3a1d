"""Exceptions in FMD's tables, as FMD writes them."""

from __future__ import annotations

from otel_fmd.store.store import Store


def with_exception(store: Store) -> None:
    """An exception of the first request, with a stack trace of one frame."""
    tables = store.tables
    with store.write() as connection:
        request = connection.execute(tables.request.select()).first()
        assert request is not None
        for table, values in (
            (tables.exception_type, {"type": "ValueError"}),
            (tables.exception_message, {"message": "bad"}),
            (tables.stack_trace, {"hash": "a"}),
            (tables.file_path, {"path": "/srv/a.py"}),
            (tables.function_definition, {"name": "f", "code": "def f(): pass"}),
        ):
            connection.execute(table.insert().values(id=1, **values))
        place = {"file_path_id": 1, "function_definition_id": 1, "function_start_line_number": 3}
        connection.execute(tables.function_location.insert().values(id=1, **place))
        frame = {"function_location_id": 1, "line_number": 4}
        connection.execute(tables.exception_frame.insert().values(id=1, **frame))
        line = {"stack_trace_snapshot_id": 1, "exception_frame_id": 1, "position": 0}
        connection.execute(tables.exception_stack_line.insert().values(**line))
        values = {"exception_type_id": 1, "exception_msg_id": 1, "stack_trace_snapshot_id": 1}
        occurrence = tables.exception_occurrence.insert()
        connection.execute(
            occurrence.values(id=1, request_id=request.id, is_user_captured=False, **values)
        )
