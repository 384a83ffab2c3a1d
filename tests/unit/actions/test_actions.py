"""Changes: who may make them, what is expected, and the audit of each."""

from __future__ import annotations

import ast
import inspect
import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import otel_fmd.actions
from otel_fmd.actions import (
    account,
    adoption,
    exceptions,
    levels,
    maintenance,
    pruning,
    tokens,
    users,
)
from otel_fmd.errors import ConfigurationError, NotAllowedError
from otel_fmd.ingest.batch import Batch
from otel_fmd.people.actor import OPERATOR, Actor, Role
from otel_fmd.people.audit import Entry, entries
from otel_fmd.people.secret import hash_of
from otel_fmd.people.sessions import Sessions
from otel_fmd.store.store import Store
from otel_fmd.upkeep.retention import Ages
from otel_fmd.upkeep.schedule import PruningSchedule
from tests.support.people import PASSWORD, with_user
from tests.support.spans import Spans
from tests.unit.ingest.test_write import requests_of, writer

SCHEDULE = PruningSchedule("0 3 * * *", 4, False)
LONGER = "an even longer sentence"


class Case(NamedTuple):
    """What an action is called with, and the lowest role that may."""

    role: Role
    arguments: tuple[Any, ...]
    options: Mapping[str, Any] = {}


WITH_PASSWORDS = {"passwords_on": True}
ACTIONS: dict[Callable[..., Any], Case] = {
    levels.set_monitor_level: Case(Role.WRITER, (1, 3)),
    users.add_user: Case(Role.ADMIN, ("ben", PASSWORD, Role.GUEST), WITH_PASSWORDS),
    users.set_password: Case(Role.ADMIN, ("ana", LONGER), WITH_PASSWORDS),
    users.change_user: Case(Role.ADMIN, ("ana", None, LONGER), WITH_PASSWORDS),
    users.set_role: Case(Role.ADMIN, ("ana", Role.GUEST)),
    users.remove_user: Case(Role.ADMIN, ("ana",)),
    users.edit_user: Case(Role.ADMIN, (1, Role.GUEST), WITH_PASSWORDS),
    users.remove_user_of_id: Case(Role.ADMIN, (1,)),
    exceptions.remove_exception: Case(Role.ADMIN, (1,)),
    exceptions.resolve: Case(Role.WRITER, (1, "version", "1.0")),
    exceptions.ignore: Case(Role.WRITER, (1,), {"days": 2, "times": 5}),
    exceptions.reopen: Case(Role.WRITER, (1,)),
    exceptions.assign: Case(Role.WRITER, (1, "ana")),
    exceptions.note: Case(Role.WRITER, (1, "see the invoices")),
    exceptions.merge: Case(Role.WRITER, ([1], 2)),
    exceptions.unmerge: Case(Role.WRITER, (3,)),
    exceptions.split: Case(Role.WRITER, (1, [2])),
    exceptions.remove: Case(Role.ADMIN, (1,)),
    tokens.add_token: Case(Role.ADMIN, ("new", ["read"], 30)),
    tokens.remove_token: Case(Role.ADMIN, ("old",)),
    account.end_own_session: Case(Role.GUEST, (hash_of("first"),)),
    account.end_own_other_sessions: Case(Role.GUEST, ()),
    account.change_own_password: Case(Role.GUEST, (PASSWORD, LONGER), WITH_PASSWORDS),
    pruning.prune: Case(Role.ADMIN, (Ages(requests=1),)),
    pruning.set_schedule: Case(Role.ADMIN, (SCHEDULE,)),
    maintenance.maintain: Case(Role.ADMIN, (Ages(), 0, 500)),
    maintenance.repair_rollups: Case(Role.ADMIN, (500,)),
    adoption.adopt: Case(Role.ADMIN, ("shop", 500)),
}
ROLES = {role: Actor("zoe", role, "192.0.2.7") for role in Role}


@pytest.fixture
def filled(sqlite_store: Store, monkeypatch: pytest.MonkeyPatch) -> Store:
    """An endpoint, two admins, one with two sessions, a token, a stack trace, exception groups."""
    writer(sqlite_store).write(Batch(requests_of(Spans(1).many(1))))
    with_user(sqlite_store, "ana")
    zoe = with_user(sqlite_store, "zoe")
    secrets = iter(("first", "second"))
    with monkeypatch.context() as patch:
        patch.setattr("otel_fmd.people.sessions.new_secret", lambda: next(secrets))
        for _ in range(2):
            Sessions(sqlite_store).start(zoe, "192.0.2.7", "Firefox")
    tokens.add_token(OPERATOR, sqlite_store, "old", ["read"], None)
    with sqlite_store.write() as connection:
        connection.execute(sqlite_store.tables.stack_trace.insert().values(hash="x"))
        for number, merged in ((1, None), (2, None), (3, 1)):
            group = {"service_id": 1, "type": "ValueError", "message": "", "culprit": "a.py in b"}
            connection.execute(
                sqlite_store.tables.exception_group.insert().values(
                    **group, fingerprint=f"f{number}", first_us=1, state=0, merged_into=merged
                )
            )
        for number, group_id in ((1, 1), (2, 1), (3, 2)):
            connection.execute(
                sqlite_store.tables.exception_variant.insert().values(
                    service_id=1, hash=str(number), group_id=group_id, message="m"
                )
            )
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
    assert found == {action.__name__ for action in ACTIONS}


PASSWORDS = (
    (users.add_user, ("ben", PASSWORD, Role.GUEST)),
    (users.set_password, ("ana", LONGER)),
    (users.change_user, ("ana", Role.GUEST, LONGER)),
    (users.edit_user, (1, Role.GUEST, (PASSWORD, LONGER))),
    (account.change_own_password, (PASSWORD, LONGER)),
)


@pytest.mark.parametrize(
    ("action", "arguments"), PASSWORDS, ids=[one.__name__ for one, _ in PASSWORDS]
)
def test_no_password_is_set_where_passwords_are_off(
    filled: Store, action: Callable[..., Any], arguments: tuple[Any, ...]
) -> None:
    """By whatever way, and nothing else is changed."""
    asks = {one for one in ACTIONS if "passwords_on" in inspect.signature(one).parameters}
    assert asks == {one for one, _ in PASSWORDS}
    before = state(filled)
    with pytest.raises(ConfigurationError, match="OTEL_FMD_PASSWORD_LOGIN"):
        action(ROLES[Role.ADMIN], filled, *arguments, passwords_on=False)
    assert state(filled) == before


TOO_LOW = [
    pytest.param(action, role, id=f"{action.__name__}-{role.name}")
    for action, case in ACTIONS.items()
    for role in Role
    if role < case.role
]


@pytest.mark.parametrize(("action", "role"), TOO_LOW)
def test_a_role_that_is_too_low_changes_nothing(
    filled: Store, action: Callable[..., Any], role: Role, caplog: pytest.LogCaptureFixture
) -> None:
    """Refused before anything is read; nothing is different afterwards, nothing is audited."""
    before = state(filled)
    with (
        caplog.at_level(logging.INFO, "otel_fmd.audit"),
        pytest.raises(NotAllowedError, match=r"Only an? (admin|user) can"),
    ):
        action(ROLES[role], filled, *ACTIONS[action].arguments, **ACTIONS[action].options)
    assert state(filled) == before
    assert not [one for one in caplog.records if one.name == "otel_fmd.audit"]


@pytest.mark.parametrize("action", list(ACTIONS)[:-1], ids=lambda one: one.__name__)
def test_the_role_that_it_needs_is_enough_and_the_audit_says_so(
    filled: Store, action: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    """Who did what, from where: one row, and one line in the log."""
    role, arguments, options = ACTIONS[action]
    before = state(filled)
    audited = len(audit_of(filled))
    with caplog.at_level(logging.INFO, "otel_fmd.audit"):
        action(ROLES[role], filled, *arguments, **options)
    rows = audit_of(filled)[: -audited or None]
    lines = [one.getMessage() for one in caplog.records if one.name == "otel_fmd.audit"]
    assert len(rows) == len(lines) == 1
    assert (rows[0].actor, rows[0].role, rows[0].address) == ("zoe", role.name.lower(), "192.0.2.7")
    assert rows[0].action in lines[0]
    assert not any(secret in f"{rows} {lines}" for secret in (PASSWORD, LONGER))
    assert plain(state(filled)) != plain(before)


def test_the_audit_has_what_was_before_and_after(filled: Store) -> None:
    """Of a level, a role and a schedule."""
    admin = ROLES[Role.ADMIN]
    levels.set_monitor_level(admin, filled, 1, 3)
    users.set_role(admin, filled, "ana", Role.GUEST)
    pruning.set_schedule(admin, filled, SCHEDULE)
    pruning.set_schedule(admin, filled, None)
    found = [(one.action, one.target, one.before, one.after) for one in audit_of(filled)[:4]]
    text = str(SCHEDULE._asdict())
    name = found[3][1]
    assert found == [
        ("schedule.set", "pruning", text, "none"),
        ("schedule.set", "pruning", "none", text),
        ("user.role", "ana", "admin", "guest"),
        ("endpoint.level", name, "2", "3"),
    ]
    assert name.endswith(" (1)")


def test_a_change_that_fails_is_not_audited(filled: Store) -> None:
    """They are one transaction."""
    before = audit_of(filled)
    with pytest.raises(ConfigurationError):
        users.add_user(ROLES[Role.ADMIN], filled, "ana", LONGER, Role.GUEST, passwords_on=True)
    assert audit_of(filled) == before


def audit_of(store: Store) -> list[Entry]:
    """The whole audit, the newest first."""
    with store.read() as connection:
        return entries(connection, store.tables, (0, 2**62), 1000)


def plain(tables: list[Any]) -> list[Any]:
    """The same without the audit."""
    return tables[:-1]


def state(store: Store) -> list[Any]:
    """Everything that actions change."""
    tables = store.tables
    with store.read() as connection:
        return [
            connection.execute(table.select()).all()
            for table in (
                tables.user,
                tables.endpoint,
                tables.setting,
                tables.request,
                tables.session,
                tables.api_token,
                tables.stack_trace,
                tables.exception_group,
                tables.exception_variant,
                tables.audit,
            )
        ]


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
        (
            lambda s: pruning.prune(OPERATOR, s, Ages(requests=-1)),
            "requests -1: expected days from 0",
        ),
        (lambda s: pruning.prune(OPERATOR, s, Ages(audit=1e6)), r"audit 1e\+06: expected days"),
        (lambda s: pruning.schedule_of("* * * * *", 10**9, False), "weeks to keep 1000000000: exp"),
        (
            lambda s: pruning.set_schedule(OPERATOR, s, PruningSchedule("0 0 31 2 *", 4, False)),
            "expected one that is due at some time",
        ),
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
