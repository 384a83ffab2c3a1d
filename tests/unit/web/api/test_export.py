"""The stream of requests: the same in every format, in little memory, and at most so many."""

from __future__ import annotations

import csv
import io
import json
import sys
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from otel_fmd.errors import StoreError
from otel_fmd.store.store import Store
from otel_fmd.views.api import export
from otel_fmd.web.api.exporting import MOST_EXPORTS
from tests.support.people import log_client_in, user_named
from tests.unit.web.api.test_requests import paged

FORMATS = ("csv", "jsonl", "parquet")


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Several chunks in little data."""
    monkeypatch.setattr(export, "CHUNK", 50)


def records(name: str, data: bytes) -> list[dict[str, Any]]:
    """What stands in an export, as in the answers of `/requests`."""
    if name == "jsonl":
        return [json.loads(line) for line in data.splitlines()]
    if name == "parquet":
        parquet = pytest.importorskip("pyarrow.parquet")
        table = parquet.read_table(io.BytesIO(data))
        assert str(table.schema.field("time").type) == "timestamp[us, tz=UTC]"
        found = table.to_pylist()
        for one in found:
            one["time"] = one["time"].isoformat(timespec="microseconds").replace("+00:00", "Z")
        return found
    rows = list(csv.DictReader(io.StringIO(data.decode())))
    for row in rows:
        for field, kind in (("endpoint_id", int), ("duration_ms", float), ("status_code", int)):
            row[field] = kind(row[field]) if row[field] else None
        for field in ("user", "time_to_first_byte_ms"):
            row[field] = row[field] or None
    return rows


@pytest.mark.parametrize("name", FORMATS)
def test_formats(call: Any, get: Any, name: str) -> None:
    """Each has every selected request, as the list has it, in its order."""
    for query in ({}, {"sort": "time"}, {"status": "5xx", "version": "1"}, {"service": "other"}):
        answer = call("GET", "/requests/export", query_string={"format": name, **query})
        assert answer.status_code == 200
        assert answer.headers["Content-Disposition"] == f"attachment; filename=requests.{name}"
        assert records(name, answer.data) == paged(get, limit=1000, **query)


def test_no_cell_is_a_formula(call: Any, app: Flask, filled: Store) -> None:
    """As in every other CSV."""
    table = filled.tables.request
    with filled.write() as connection:
        connection.execute(table.update().values(group_by="=1+1"))
    text = call("GET", "/requests/export").text
    assert "'=1+1" in text
    assert ",=1+1" not in text


def test_at_most_so_many_at_once(call: Any, app: Flask, filled: Store) -> None:
    """One that ends, or whose reader goes away, makes room."""
    clients = {}
    for name in ("ana", "ben"):
        clients[name] = app.test_client()
        log_client_in(clients[name], filled, user_named(filled, name))
    assert len(clients) == MOST_EXPORTS
    running = [started(clients["ben"])]
    own = clients["ben"].get("/api/v1/requests/export", buffered=True)
    assert (own.status_code, own.headers["Retry-After"]) == (429, "10")
    assert "one of yours" in own.json["detail"]
    running.append(started(clients["ana"]))
    refused = call("GET", "/requests/export")
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "10")
    running[0].close()
    assert call("GET", "/requests/export").status_code == 200
    for one in running[1:]:
        assert one.data
        one.close()
    for _ in range(2 * MOST_EXPORTS):
        assert call("GET", "/requests/export").status_code == 200


def started(client: FlaskClient) -> Any:
    """A stream of which nothing is read yet."""
    answer = client.get("/api/v1/requests/export", buffered=False)
    assert answer.status_code == 200
    return answer


def test_a_store_that_fails_breaks_the_stream(
    call: Any, app: Flask, filled: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reader must not take a part for the whole; and the place is free again."""
    client = app.test_client()
    log_client_in(client, filled, user_named(filled, "ben"))
    for _ in range(MOST_EXPORTS + 1):
        with monkeypatch.context() as patched:
            answer = started(client)
            parts = answer.iter_encoded()
            assert next(parts)

            def fails(*_: Any, **__: Any) -> Any:
                raise StoreError("gone")

            patched.setattr(export, "requests", fails)
            with pytest.raises(StoreError):
                list(parts)
    assert call("GET", "/requests/export").status_code == 200


def test_without_pyarrow(call: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The problem says what to install."""
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    answer = call("GET", "/requests/export", query_string={"format": "parquet"})
    assert answer.status_code == 422
    assert "pip install pyarrow" in answer.json["detail"]
