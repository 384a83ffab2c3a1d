"""Endpoints that nobody has requested: made once, with what is known of them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Row, select
from sqlalchemy.exc import IntegrityError

from otel_fmd.ingest.batch import Batch
from otel_fmd.ingest.url_maps import UrlMaps
from otel_fmd.store.store import Store
from tests.support.spans import Spans, flask_attributes
from tests.unit.ingest.test_write import requests_of, writer


def endpoints(store: Store) -> list[Row[Any]]:
    """All of them, with the name of their service, by name."""
    endpoint, service = store.tables.endpoint, store.tables.service
    query = select(endpoint, service.c.name.label("service")).join(
        service, service.c.id == endpoint.c.service_id
    )
    with store.read() as connection:
        return list(connection.execute(query.order_by(endpoint.c.name)))


def maps(store: Store, *rules: str, level: int = 1, most: int = 2_000) -> UrlMaps:
    """With such rules."""
    return UrlMaps(store, rules, level, most)


def test_what_is_not_there_is_made(store: Store) -> None:
    """With its level, the version, now, and where its name came from."""
    now = datetime.now(UTC).replace(tzinfo=None)
    assert maps(store, "old -> new").add("shop", "1.5", ["old", "item"])
    found = endpoints(store)
    assert [(row.name, row.name_source) for row in found] == [("item", "flask"), ("new", "rule")]
    for row in found:
        assert (row.service, row.monitor_level, row.version_added) == ("shop", 1, "1.5")
        assert abs(row.time_added - now) < timedelta(minutes=1)
        assert row.last_requested is None
    with store.read() as connection:
        service = connection.execute(select(store.tables.service)).one()
    assert abs(service.time_added - now) < timedelta(minutes=1)


def test_what_is_there_stays(store: Store) -> None:
    """Its level and all else; another service has its own."""
    writer(store).write(
        Batch(requests_of([Spans().span(flask_attributes(**{"flask.endpoint": "item"}))]))
    )
    one = maps(store)
    for _ in range(2):
        assert one.add("shop", "2", ["item", "item", "later"])
        assert one.add("other", "2", ["item"])
    found = [(row.service, row.name, row.monitor_level) for row in endpoints(store)]
    assert sorted(found) == [("other", "item", 1), ("shop", "item", 2), ("shop", "later", 1)]


def test_names_fit_and_are_never_blank(store: Store) -> None:
    """Of services, versions and endpoints."""
    assert maps(store).add(" ", " ", [" ", "e" * 300])
    assert maps(store).add("s" * 300, "v" * 200, ["item"])
    found = endpoints(store)
    assert [(row.service, row.name, row.version_added) for row in found if row.name[0] == "("] == [
        ("unknown_service", "(unnamed)", "unknown")
    ]
    assert sorted(len(row.name) for row in found) == [4, 9, 250]
    (cut,) = (row for row in found if row.name == "item")
    assert (len(cut.service), len(cut.version_added)) == (250, 100)


def test_only_so_many_of_a_service_are_made(store: Store) -> None:
    """Those that are there count; other services do not."""
    assert maps(store, most=2).add("other", "", ["x", "y", "z"])
    assert maps(store, most=3).add("shop", "", ["b"])
    assert maps(store, most=3).add("shop", "", ["d", "c", "a"])
    assert maps(store, most=1).add("shop", "", ["e"])
    assert [(row.service, row.name) for row in endpoints(store)] == [
        ("shop", "a"),
        ("shop", "b"),
        ("shop", "c"),
        ("other", "x"),
        ("other", "y"),
    ]


def test_without_tables_nothing_is_made(new_url: Callable[[str], str]) -> None:
    """They come later, and then it is done again."""
    store = Store(new_url("sqlite"))
    assert maps(store).add("shop", "", ["item"]) is False
    store.close()


def test_nothing_to_tell_makes_the_service(store: Store) -> None:
    """An app without endpoints is an app."""
    assert maps(store).add("shop", "", [])
    assert endpoints(store) == []
    with store.read() as connection:
        assert connection.execute(select(store.tables.service.c.name)).scalars().all() == ["shop"]


@pytest.mark.parametrize(("failures", "is_made"), [(1, True), (2, True), (3, False)])
def test_another_process_may_be_faster(
    sqlite_store: Store, monkeypatch: pytest.MonkeyPatch, failures: int, is_made: bool
) -> None:
    """Tried again, three times in all; then it is for later."""
    one = maps(sqlite_store)
    add, tries = one._add, []

    def slow(*arguments: Any) -> None:
        tries.append(arguments)
        if len(tries) <= failures:
            raise IntegrityError("", {}, Exception())
        add(*arguments)

    monkeypatch.setattr(one, "_add", slow)
    assert one.add("shop", "", ["item"]) is is_made
    assert len(tries) == min(3, failures + 1)
    assert [row.name for row in endpoints(sqlite_store)] == ["item"] * is_made
