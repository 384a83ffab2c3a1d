"""Who may read the files of an SQLite database."""

from __future__ import annotations

import logging
import os
import stat
from pathlib import Path

import pytest

from otel_fmd.rollups.prepare import prepare
from otel_fmd.store.store import Store
from otel_fmd.upkeep.eviction import Eviction
from tests.support.people import with_user

pytestmark = pytest.mark.skipif(os.name != "posix", reason="no modes of files on this system")


def modes(folder: Path) -> dict[str, int]:
    """Of every file in a folder."""
    return {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}


def warnings(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    """What an operator should see."""
    return [one for one in caplog.records if one.levelno >= logging.WARNING]


def test_a_new_database_is_for_its_owner_alone(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """With its log, its index and the reserve, whatever the umask."""
    before = os.umask(0)
    try:
        store = Store(f"sqlite:///{tmp_path / 'fmd.db'}")
        prepare(store)
        with_user(store, "ana")
        Eviction(store).keep_reserve()
        found = modes(tmp_path)
        store.close()
    finally:
        os.umask(before)
    assert len(found) == 4
    assert set(found.values()) == {0o600}
    assert not warnings(caplog)


def test_a_database_that_others_may_read_is_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Once for each process that opens it, with the command; its mode is its owner's business."""
    file = tmp_path / "fmd.db"
    file.touch(0o644)
    file.chmod(0o644)
    store = Store(f"sqlite:///{file}")
    prepare(store)
    with store.read(), store.read():
        pass
    store.close()
    (record,) = warnings(caplog)
    assert f"chmod o= {file}*" in record.getMessage()
    assert modes(tmp_path)["fmd.db"] == 0o644


def test_a_group_may_share_one(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """An app and a dashboard that run as two users."""
    file = tmp_path / "fmd.db"
    file.touch()
    file.chmod(0o660)
    store = Store(f"sqlite:///{file}")
    prepare(store)
    with store.read():
        assert set(modes(tmp_path).values()) == {0o660}
    store.close()
    assert not warnings(caplog)
