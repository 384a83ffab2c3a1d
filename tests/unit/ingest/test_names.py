"""Names and their ids: looked up in memory, made once, bounded, read again in time."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from otel_fmd.config import Settings
from otel_fmd.ingest import names, small_rows
from otel_fmd.ingest.names import EndpointInfo, NameLimits, NameRegistry
from otel_fmd.requests.request import NOTHING_MORE, Request
from otel_fmd.store.store import Store


def request(
    endpoint: str, service: str = "shop", level: int | None = None, source: str = "route"
) -> Request:
    """A request of an endpoint."""
    return Request(
        service, endpoint, "1", 0, 1, 200, None, "", b"t", b"s", NOTHING_MORE, level, None, source
    )


def prepare(registry: NameRegistry, *requests: Request, version: str = "1") -> None:
    """As a batch of these requests does."""
    registry.prepare({(one.service, one.endpoint, version): one for one in requests})


def test_an_endpoint_is_made_with_what_is_known(store: Store) -> None:
    """Its service, level, source and version, and when."""
    now = datetime.now(UTC).replace(tzinfo=None)
    registry = NameRegistry(store, default_level=1)
    prepare(registry, request("a"), request("b", level=3), request("c", level=0, source=""))
    with store.read() as connection:
        rows = {row.name: row for row in connection.execute(select(store.tables.endpoint))}
        service = connection.execute(select(store.tables.service)).one()
        version = connection.execute(select(store.tables.version)).one()
    assert {name: (row.monitor_level, row.name_source) for name, row in rows.items()} == {
        "a": (1, "route"),
        "b": (3, "route"),
        "c": (0, None),
    }
    for name, row in rows.items():
        assert (row.service_id, row.version_added) == (service.id, "1")
        assert abs(row.time_added - now) < timedelta(minutes=1)
        assert registry.endpoints["shop", name] == EndpointInfo(row.id, row.monitor_level)
    assert (service.name, version.name) == ("shop", "1")
    assert abs(service.time_added - now) < timedelta(minutes=1)
    assert registry.versions == {"1": version.id}


def test_names_are_made_once(store: Store) -> None:
    """By registries that do not know of each other; services keep theirs apart."""
    one, other = NameRegistry(store), NameRegistry(store)
    for registry in (one, other, one):
        registry.prepare({})
    for registry in (one, other):
        prepare(registry, request("a"), request("a", "stock"))
        prepare(registry, request("a"), version="2")
    assert one.endpoints == other.endpoints
    assert one.versions == other.versions
    assert len({info.id for info in one.endpoints.values()}) == len(one.endpoints) == 2
    assert NameRegistry(store).endpoints == {}


def test_a_level_that_was_set_is_read(sqlite_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """After five seconds, or at once when a write failed; none means the default."""
    clock = [100.0]
    monkeypatch.setattr(names.time, "monotonic", lambda: clock[0])
    registry = NameRegistry(sqlite_store, default_level=2)
    prepare(registry, request("a"), request("b"))
    table = sqlite_store.tables.endpoint
    with sqlite_store.write() as connection:
        connection.execute(table.update().where(table.c.name == "a").values(monitor_level=3))
        connection.execute(table.update().where(table.c.name == "b").values(monitor_level=None))

    def levels() -> list[int]:
        prepare(registry, request("a"), request("b"))
        return [registry.endpoints["shop", name].monitor_level for name in "ab"]

    clock[0] += 5.0
    assert levels() == [2, 2]
    clock[0] += 0.1
    assert levels() == [3, 2]
    with sqlite_store.write() as connection:
        connection.execute(table.update().values(monitor_level=1))
    assert levels() == [3, 2]
    registry.forget()
    assert levels() == [1, 1]


def test_what_is_over_a_limit_is_told_once_an_hour(
    sqlite_store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The service, the setting, and what becomes of it."""
    clock = [100.0]
    monkeypatch.setattr(names.time, "monotonic", lambda: clock[0])
    registry = NameRegistry(sqlite_store, limits=NameLimits(2))
    with caplog.at_level(logging.WARNING, names.__name__):
        prepare(registry, *(request(name) for name in "abcd"))
        clock[0] += 3_599
        prepare(registry, request("e"))
    assert [one.getMessage() for one in caplog.records] == [
        "service 'shop' has more than 2 endpoints (limit: OTEL_FMD_MAX_ENDPOINTS); 'c' and further "
        "ones become '(other endpoints)'"
    ]
    caplog.clear()
    clock[0] += 1
    with caplog.at_level(logging.WARNING, names.__name__):
        prepare(registry, request("f" * 200, "s" * 200), request("g", "s" * 200))
        prepare(registry, request("h" * 200, "s" * 200))
    assert [one.getMessage() for one in caplog.records] == [
        f"service {'s' * 100!r} has more than 2 endpoints (limit: OTEL_FMD_MAX_ENDPOINTS); "
        f"{'h' * 100!r} and further ones become '(other endpoints)'"
    ]


def test_paths_have_a_limit_of_their_own(
    sqlite_store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    """Of each service; what stands for the rest is not counted among them."""
    registry = NameRegistry(sqlite_store, limits=NameLimits(4, 1))
    with caplog.at_level(logging.WARNING, names.__name__):
        prepare(registry, *(request(name, source="path") for name in "abc"))
    assert [one.getMessage() for one in caplog.records] == [
        "service 'shop' has more than 1 endpoints (limit: OTEL_FMD_MAX_PATHS); 'b' and further "
        "ones become '(other paths)'"
    ]
    prepare(registry, request("a", "stock", source="path"), request("d"), request("e"))
    prepare(registry, request("f"))
    ids = {name: registry.endpoints["shop", name].id for name in "abcdef"}
    others = registry.endpoints["shop", "(other paths)"].id
    rest = registry.endpoints["shop", "(other endpoints)"].id
    assert (ids["b"], ids["c"], ids["f"]) == (others, others, rest)
    assert len({ids["a"], ids["d"], ids["e"], others, rest}) == 5
    assert set(registry.others) == {("shop", "b"), ("shop", "c"), ("shop", "f")}
    assert ("stock", "(other paths)") not in registry.endpoints


def test_what_stands_for_the_rest_has_no_source(sqlite_store: Store) -> None:
    """Its level is the default, its version that of the first; the first of a service is itself."""
    registry = NameRegistry(sqlite_store, default_level=1, limits=NameLimits(1))
    prepare(registry, request("a", level=3), request("b", level=3), version="7")
    assert set(registry.others) == {("shop", "b")}
    table = sqlite_store.tables.endpoint
    with sqlite_store.read() as connection:
        rows = {row.name: row for row in connection.execute(select(table))}
    assert rows.keys() == {"a", "(other endpoints)"}
    rest = rows["(other endpoints)"]
    assert (rest.monitor_level, rest.version_added, rest.name_source) == (1, "7", None)


def test_the_limits_are_those_of_the_settings(sqlite_store: Store) -> None:
    """Unless somebody sets others."""
    registry = NameRegistry(sqlite_store)
    settings = Settings()
    assert registry._default_level == settings.monitor_level
    assert registry._limits == NameLimits(
        settings.max_endpoints, settings.max_paths, settings.max_services, settings.max_versions
    )


def test_limits_hold_after_a_restart(sqlite_store: Store) -> None:
    """What is stored counts, by service and source; those over it are found anew."""
    prepare(NameRegistry(sqlite_store), *(request(name, source="path") for name in "ab"))
    prepare(NameRegistry(sqlite_store), request("c"))
    again = NameRegistry(sqlite_store, limits=NameLimits(3, 2))
    prepare(again, request("d", source="path"), request("a", source="path"))
    assert set(again.others) == {("shop", "d")}
    assert ("shop", "(other paths)") in again.endpoints
    prepare(again, request("e"))
    assert set(again.others) == {("shop", "d"), ("shop", "e")}


def test_a_source_that_is_learnt_counts(sqlite_store: Store) -> None:
    """An endpoint from before: noted once, and among the paths from then on."""
    registry = NameRegistry(sqlite_store)
    prepare(registry, request("old", source=""), request("kept", source="route"))
    again = NameRegistry(sqlite_store, limits=NameLimits(paths=1))
    prepare(again, request("old", source=""))
    prepare(again, request("old", source="path"))
    table = sqlite_store.tables.endpoint

    def sources() -> dict[str, str | None]:
        with sqlite_store.read() as connection:
            return {row.name: row.name_source for row in connection.execute(select(table))}

    assert sources() == {"old": None, "kept": "route"}
    third = NameRegistry(sqlite_store, limits=NameLimits(paths=1))
    prepare(third, request("old", source="path"))
    assert sources() == {"old": "path", "kept": "route"}
    prepare(third, request("new", source="path"), request("old", source="route"))
    assert set(third.others) == {("shop", "new")}
    assert sources()["old"] == "path"


def test_a_name_that_another_process_makes_first_is_read(sqlite_store: Store) -> None:
    """The loser of the race has the winner's id."""
    winner, loser = NameRegistry(sqlite_store), NameRegistry(sqlite_store)
    find, looks = small_rows.find, []

    def late(*arguments: object) -> int | None:
        found = find(*arguments)  # type: ignore[arg-type]
        if not looks:
            looks.append(found)
            prepare(winner, request("a"))
        return found

    loser.prepare({})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(small_rows, "find", late)
        prepare(loser, request("a"))
    assert looks == [None]
    assert loser.endpoints == winner.endpoints
    assert loser.versions == winner.versions


def test_services_have_a_limit(sqlite_store: Store, caplog: pytest.LogCaptureFixture) -> None:
    """Those above it share one, with the endpoints that it has; known ones stay."""
    registry = NameRegistry(sqlite_store, limits=NameLimits(endpoints=2, services=2))
    with caplog.at_level(logging.WARNING, names.__name__):
        prepare(registry, *(request("a", f"s{n}") for n in range(4)))
    assert [one.getMessage() for one in caplog.records] == [
        "there are more than 2 services (limit: OTEL_FMD_MAX_SERVICES); 's2' and further ones "
        "become '(other services)'"
    ]
    prepare(registry, *(request(name, "s9") for name in "bcd"), request("b", "s0"))
    with sqlite_store.read() as connection:
        services = connection.execute(select(sqlite_store.tables.service)).all()
        endpoints = connection.execute(select(sqlite_store.tables.endpoint)).all()
    by_id = {row.id: row.name for row in services}
    assert sorted((by_id[row.service_id], row.name) for row in endpoints) == [
        ("(other services)", "(other endpoints)"),
        ("(other services)", "a"),
        ("(other services)", "b"),
        ("s0", "a"),
        ("s0", "b"),
        ("s1", "a"),
    ]
    assert {
        ("s2", "a"),
        ("s3", "a"),
        ("s9", "b"),
        ("s9", "c"),
        ("s9", "d"),
    } <= registry.others.keys()
    again = NameRegistry(sqlite_store, limits=NameLimits(services=2))
    prepare(again, request("new", "s1"), request("new", "s7"))
    assert set(again.others) == {("s7", "new")}


def test_versions_have_a_limit(sqlite_store: Store, caplog: pytest.LogCaptureFixture) -> None:
    """Those above it are stored as one; after a restart, too."""
    for turn in range(2):
        registry = NameRegistry(sqlite_store, limits=NameLimits(versions=2))
        with caplog.at_level(logging.WARNING, names.__name__):
            for version in ("1", "2", "3", "4"):
                prepare(registry, request("a"), version=version)
        assert registry.other_versions == {"3": "(other versions)", "4": "(other versions)"}
        assert registry.versions["3"] == registry.versions["4"], turn
        with sqlite_store.read() as connection:
            rows = connection.execute(select(sqlite_store.tables.version.c.name)).scalars()
            assert sorted(rows) == ["(other versions)", "1", "2"]
    assert "there are more than 2 versions (limit: OTEL_FMD_MAX_VERSIONS)" in caplog.text


def test_what_is_above_a_limit_does_not_fill_memory(
    sqlite_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After so many of them everything is read again."""
    monkeypatch.setattr(names, "_MOST_REMEMBERED", 50)
    registry = NameRegistry(sqlite_store, limits=NameLimits(2, 2, 2, 2))
    for n in range(300):
        prepare(registry, request(f"e{n}", f"s{n}"), version=str(n))
    assert len(registry.others) + len(registry.other_versions) <= 52
    assert len(registry.endpoints) + len(registry.versions) < 70
