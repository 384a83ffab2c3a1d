"""Changes: who may make them, what is expected, and a line in the log of each."""

from __future__ import annotations

import ast
import inspect
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import otel_fmd.actions
from otel_fmd.actions import adoption, levels, maintenance, pruning, users
from otel_fmd.errors import ConfigurationError, NotAllowedError
from otel_fmd.ingest.batch import Batch
from otel_fmd.people.actor import NOBODY, OPERATOR, Actor, Role
from otel_fmd.people.users import Users
from otel_fmd.store.store import Store
from otel_fmd.upkeep.retention import Ages
from otel_fmd.upkeep.schedule import PruningSchedule, load_schedule
from tests.support.spans import Spans
from tests.unit.ingest.test_write import requests_of, writer

SCHEDULE = PruningSchedule("0 3 * * *", 4, False)
ACTIONS: dict[Callable[..., Any], tuple[Any, ...]] = {
    levels.set_monitor_level: (1, 3),
    users.add_user: ("ben", "long enough", Role.GUEST),
    users.set_password: ("ana", "even longer"),
    users.set_role: ("ana", Role.GUEST),
    users.remove_user: ("ana",),
    pruning.prune: (Ages(requests=1),),
    pruning.set_schedule: (SCHEDULE,),
    maintenance.maintain: (Ages(), 0, 500),
    maintenance.repair_rollups: (500,),
    adoption.adopt: ("shop", 500),
}


CHANGING = {levels.set_monitor_level, pruning.set_schedule} | {
    action for action in ACTIONS if action.__module__ == users.__name__
}
"""Those after which the database of the tests is another one."""


@pytest.fixture
def filled(sqlite_store: Store) -> Store:
    """An endpoint, and two admins."""
    writer(sqlite_store).write(Batch(requests_of(Spans(1).many(1))))
    for name in ("ana", "zoe"):
        Users(sqlite_store).add(name, "long enough", is_admin=True)
    return sqlite_store


def test_every_action_is_tried_here() -> None:
    """Whatever takes an actor in `otel_fmd.actions` stands in the list above."""
    folder = Path(inspect.getfile(otel_fmd.actions)).parent
    found = {
        node.name
        for file in folder.glob("*.py")
        for node in ast.parse(file.read_text()).body
        if isinstance(node, ast.FunctionDef) and node.args.args[:1]
        if node.args.args[0].arg == "actor"
    }
    assert found - {"audit"} == {action.__name__ for action in ACTIONS}


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.__name__)
@pytest.mark.parametrize("actor", [NOBODY, Actor("ana", Role.GUEST)], ids=lambda a: a.role.name)
def test_nobody_but_an_admin_changes_anything(
    filled: Store, action: Callable[..., Any], actor: Actor, caplog: pytest.LogCaptureFixture
) -> None:
    """Refused before anything is read; nothing is different afterwards, nothing is in the log."""
    before = state(filled)
    with (
        caplog.at_level(logging.INFO, "otel_fmd.audit"),
        pytest.raises(NotAllowedError, match="Only an admin can"),
    ):
        action(actor, filled, *ACTIONS[action])
    assert state(filled) == before
    assert not [one for one in caplog.records if one.name == "otel_fmd.audit"]


def state(store: Store) -> list[Any]:
    """Everything that actions change."""
    tables = store.tables
    with store.read() as connection:
        return [
            connection.execute(table.select()).all()
            for table in (tables.user, tables.endpoint, tables.setting, tables.request)
        ]


def test_an_admin_changes_and_the_log_says_so(
    filled: Store, caplog: pytest.LogCaptureFixture
) -> None:
    """Who did what, in one line each."""
    admin = Actor("zoe", Role.ADMIN)
    with caplog.at_level(logging.INFO, "otel_fmd.audit"):
        for action in list(ACTIONS)[:-1]:
            before = state(filled)
            action(admin, filled, *ACTIONS[action])
            if action in CHANGING:
                assert state(filled) != before, action
    lines = [one.getMessage() for one in caplog.records if one.name == "otel_fmd.audit"]
    assert len(lines) == len(ACTIONS) - 1
    assert lines[0] == "'zoe' (admin): monitor level of endpoint 1 is now 3"
    assert not any("long enough" in line or "even longer" in line for line in lines)
    assert load_schedule(filled) == SCHEDULE
    assert [user.username for user in Users(filled).all()] == ["ben", "zoe"]


@pytest.mark.parametrize(
    ("attempt", "words"),
    [
        (lambda s: levels.set_monitor_level(OPERATOR, s, 1, 4), "monitor level 4: expected"),
        (lambda s: levels.set_monitor_level(OPERATOR, s, 99, 1), "there is no endpoint 99"),
        (
            lambda s: users.remove_user(Actor("ana", Role.ADMIN), s, "ana"),
            "You cannot remove yourself",
        ),
        (lambda s: users.remove_user(OPERATOR, s, "eve"), "there is no user 'eve'"),
        (lambda s: pruning.prune(OPERATOR, s, Ages()), "say what is to be removed"),
        (lambda s: pruning.prune(OPERATOR, s, Ages(requests=-1)), "say what is to be removed"),
        (lambda s: pruning.schedule_of("* * * * *", 0, False), "weeks to keep 0: expected"),
        (lambda s: pruning.schedule_of("* * * * *", True, False), "weeks to keep True: expected"),
        (lambda s: pruning.schedule_of("* * * * *", "4", False), "weeks to keep '4': expected"),
    ],
)
def test_what_cannot_be_done_is_said(
    filled: Store, attempt: Callable[[Store], Any], words: str
) -> None:
    """The value, and what was expected."""
    before = state(filled)
    with pytest.raises(ConfigurationError, match=words):
        attempt(filled)
    assert state(filled) == before
