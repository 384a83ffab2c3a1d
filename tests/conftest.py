"""Fixtures: the three databases, and servers that stop with their test."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

from otel_fmd.store.schema import ensure_schema
from otel_fmd.store.store import Store
from tests.support.databases import MariaDb, PostgreSql, open_folder
from tests.support.serving import Served

ENGINES = ("sqlite", "postgresql", "mariadb")
_number = itertools.count(1)
_TESTS = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long ones come first, those that wait until time has passed last; databases after the rest.

    Files are given to processes in this order: with long ones at the end, one process would work
    while the others have nothing left. Those with a browser are spread over the others, as two
    browsers at once are slow. Most mutants are noticed by a test that needs no database, in a
    hundredth of the time.
    """
    places = _places(dict.fromkeys(item.path for item in items))
    items.sort(key=lambda item: places[item.path])
    items.sort(key=lambda item: item.get_closest_marker("last") is not None)
    if "MUTANT_UNDER_TEST" in os.environ:
        items.sort(key=lambda item: "new_url" in getattr(item, "fixturenames", ()))


def _places(files: Iterable[Path]) -> dict[Path, float]:
    """Where files are in the order: integration and browser tests mixed evenly, then unit tests."""
    folders: dict[str, list[Path]] = {}
    for file in files:
        folders.setdefault(file.relative_to(_TESTS).parts[0], []).append(file)
    return {
        file: (number + 0.5) / len(found) + (folder not in ("integration", "browser"))
        for folder, found in folders.items()
        for number, file in enumerate(found)
    }


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSql]:
    """A PostgreSQL server for the session."""
    with open_folder() as folder:
        server = PostgreSql(folder / "postgresql")
        server.start("fsync=off")
        yield server
        server.stop()


@pytest.fixture(scope="session")
def mariadb() -> Iterator[MariaDb]:
    """A MariaDB server for the session."""
    with open_folder() as folder:
        server = MariaDb(folder / "mariadb")
        server.start("--innodb-flush-log-at-trx-commit=2")
        yield server
        server.stop()


@pytest.fixture
def new_url(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str], str]:
    """Makes the URL of a new, empty database of an engine."""

    def make(engine: str) -> str:
        name = f"fmd_{next(_number)}"
        if engine == "sqlite":
            return f"sqlite:///{tmp_path / name}.db"
        server = request.getfixturevalue(engine)
        found: str = server.url(name)
        return found

    return make


@pytest.fixture(params=ENGINES)
def database_url(request: pytest.FixtureRequest, new_url: Callable[[str], str]) -> str:
    """A new, empty database on each engine."""
    return new_url(request.param)


@pytest.fixture
def open_store() -> Iterator[Callable[..., Store]]:
    """Opens stores, with their schema made, and closes them."""
    opened: list[Store] = []

    def make(url: str, prefix: str = "") -> Store:
        store = Store(url, prefix)
        opened.append(store)
        ensure_schema(store)
        return store

    yield make
    for store in opened:
        store.close()


@pytest.fixture
def store(database_url: str, open_store: Callable[..., Store]) -> Store:
    """An open store on each engine."""
    return open_store(database_url)


@pytest.fixture
def sqlite_store(new_url: Callable[[str], str], open_store: Callable[..., Store]) -> Store:
    """An open store in SQLite."""
    return open_store(new_url("sqlite"))


@pytest.fixture
def serve() -> Iterator[Callable[..., Served]]:
    """Starts `otel-fmd serve` processes, and stops them."""
    running: list[Served] = []

    def start(database_url: str, *options: str, **environment: str) -> Served:
        served = Served(database_url, *options, **environment)
        running.append(served)
        return served

    yield start
    for served in running:
        served.stop()
