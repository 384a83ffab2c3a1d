"""Every door of the dashboard, and who may go through: routes, callbacks, views, actions.

Doors are found, not listed. `docs/access.md` has the decision about each; a door that is not in it,
or is open to others than it says, fails. `OTEL_FMD_WRITE_DOCS=1` writes the file anew.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from dash_app.app import create_app
from otel_fmd.actions.tokens import add_token
from otel_fmd.config import Settings
from otel_fmd.errors import NotAllowedError
from otel_fmd.metrics.exposition import Exposition
from otel_fmd.people.actor import OPERATOR, Actor, Role
from otel_fmd.people.tokens import Scope
from otel_fmd.queries.snapshot import Reader
from otel_fmd.store.store import Store
from otel_fmd.views.catalogue import FOR_PROGRAMS, VIEWS
from otel_fmd.views.load import load
from otel_fmd.views.look import NO_PROCESS
from tests.support.people import PASSWORD, log_client_in, user_named
from tests.support.requirements import ROOT
from tests.unit.actions.test_actions import ACTIONS
from tests.unit.dash_app.test_callback_shape import ADDRESS, update
from tests.unit.views.test_load import look

FILE = ROOT / "docs" / "access.md"
BEGIN, END = "<!-- begin: written by the test -->\n", "<!-- end -->\n"
HEAD = (
    "| door | anyone | guest | admin | `read` | `write` | `admin` | `ingest` |\n"
    "| --- | --- | --- | --- | --- | --- | --- | --- |\n"
)
USERS = {"guest": "ben", "admin": "ana"}
VISITORS = ("anyone", "guest", "admin", *(f"token {scope}" for scope in Scope))
ROLES = {
    "anyone": Role.NOBODY,
    "guest": Role.GUEST,
    "admin": Role.ADMIN,
    **{f"token {scope}": scope.role for scope in Scope},
}
OPEN, CLOSED = "yes", "–"
ORIGIN = {"Origin": "http://localhost"}
REFUSED = (401, 403)
FOR_ANYONE = {
    "GET /login",
    "POST /login",
    "GET /login.css",
    "GET /login.js",
    "GET /setup/<secret>",
    "POST /setup/<secret>",
    "GET /healthz",
    "GET /readyz",
    "POST /dashboard/login",
    "GET /login/<name>",
    "GET /login/<name>/callback",
    "POST /login/<name>/backchannel",
}
"""The only routes that need neither a login nor a token."""
PROVIDER = """
[local]
issuer = "http://127.0.0.1:9"
client_id = "fmd"
default_role = "guest"
"""
FORMS = {
    "/login": {"username": "ana", "password": PASSWORD},
    "/dashboard/login": {"name": "ana", "password": PASSWORD},
}
"""What is sent where a wrong password is refused as a missing one is."""
Row = tuple[str, ...]


class Doors:
    """Tries doors as each visitor.

    Args:
        app: the dashboard.
        store: its database.
    """

    def __init__(self, app: Flask, store: Store) -> None:
        self.app, self._store = app, store
        self._secrets = {
            f"token {scope}": add_token(OPERATOR, store, f"a {scope}", [scope], None)
            for scope in Scope
        }

    def send(self, visitor: str, method: str, path: str, **options: Any) -> bool:
        """Whether a request is let in."""
        client, headers = self._client(visitor), dict(ORIGIN)
        if visitor in self._secrets:
            headers = {"Authorization": f"Bearer {self._secrets[visitor]}"}
        answer = client.open(path, method=method, headers=headers, buffered=True, **options)
        assert answer.status_code != 500, (visitor, method, path, answer.text)
        to_login = answer.status_code == 302 and "/login" in answer.headers["Location"]
        return answer.status_code not in REFUSED and not (to_login and path != "/logout")

    def _client(self, visitor: str) -> FlaskClient:
        """With a new session each time, as a visit may end it."""
        client = self.app.test_client()
        if visitor in USERS:
            log_client_in(client, self._store, user_named(self._store, USERS[visitor]))
        return client


@pytest.fixture
def doors(dashboard: Flask, sqlite_store: Store, tmp_path: Path) -> Doors:
    """Of a dashboard with everything that can be switched on; users are those of `dashboard`."""
    file = tmp_path / "oidc.toml"
    file.write_text(PROVIDER)
    settings = Settings(oidc_file=str(file))
    app = create_app(sqlite_store, settings, NO_PROCESS, metrics=Exposition())
    assert len(app.blueprints) > len(dashboard.blueprints)
    return Doors(app, sqlite_store)


def row(name: str, lets_in: Callable[[str], bool]) -> Row:
    """A door, and who may go through."""
    return (name, *(OPEN if lets_in(visitor) else CLOSED for visitor in VISITORS))


def routes(doors: Doors) -> Iterator[Row]:
    """Every route with each of its methods."""
    for rule in sorted(doors.app.url_map.iter_rules(), key=lambda one: one.rule):
        path = re.sub(r"<(?:\w+:)?\w+>", "1", rule.rule)
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            form = FORMS.get(path)
            yield row(
                f"{method} {rule.rule}",
                lambda visitor, method=method, path=path, form=form: doors.send(
                    visitor, method, path, data=form
                ),
            )


def callbacks(doors: Doors) -> Iterator[Row]:
    """Every Dash callback; what it reads and changes is decided by views and actions."""
    path = "/_dash-update-component"
    client = doors.app.test_client()
    log_client_in(client, doors._store, user_named(doors._store, "ana"))
    for one in client.get("/_dash-dependencies").json:
        if one["clientside_function"] is not None:
            continue
        body = update(one, lambda about: ADDRESS.get(about["property"]))
        yield row(
            re.sub(r"@[0-9a-f]+", "", one["output"]),
            lambda visitor, body=body: doors.send(visitor, "POST", path, json=body),
        )


def views(reader: Reader) -> Iterator[Row]:
    """Every view."""
    for view in (*VIEWS, *FOR_PROGRAMS):

        def lets_in(visitor: str, view: Any = view) -> bool:
            try:
                load(reader, look(Actor(visitor, ROLES[visitor]), {}, {"endpoint": "1"}), [view])
            except NotAllowedError:
                return False
            return True

        yield row(f"{view.name}: {view.title}", lets_in)


def actions() -> Iterator[Row]:
    """Every action; `tests/unit/actions` tries each with each role."""
    for action, case in ACTIONS.items():
        yield row(action.__name__, lambda visitor, case=case: ROLES[visitor] >= case.role)


def table(found: list[Row]) -> str:
    """Rows as Markdown."""
    return HEAD + "".join(
        f"| `{name}` | {' | '.join(cells)} |\n".replace("||", "\\|\\|") for name, *cells in found
    )


def document(parts: dict[str, list[Row]]) -> str:
    """The part of the file that the test writes."""
    return "".join(f"\n## {title}\n\n{table(found)}" for title, found in parts.items())


@pytest.mark.timeout(300)
def test_every_door(doors: Doors, sqlite_store: Store) -> None:
    """What the documentation decides is what is so."""
    parts = {
        "Routes": list(routes(doors)),
        "Callbacks": list(callbacks(doors)),
        "Views": list(views(Reader(sqlite_store))),
        "Actions": list(actions()),
    }
    assert len(parts["Routes"]) > 100
    assert len(parts["Callbacks"]) > 7
    anyone = {name for name, *cells in parts["Routes"] if cells[0] == OPEN}
    assert anyone == FOR_ANYONE
    for title in ("Callbacks", "Views", "Actions"):
        assert all(cells[0] == CLOSED == cells[-1] for _, *cells in parts[title]), title
    made = document(parts)
    before, _, rest = FILE.read_text().partition(BEGIN)
    written, _, after = rest.partition(END)
    if os.environ.get("OTEL_FMD_WRITE_DOCS"):
        FILE.write_text(f"{before}{BEGIN}{made}\n{END}{after}")
        written = f"{made}\n"
    assert written == f"{made}\n", "a door has another decision than docs/access.md: see above"
