"""Users, and browsers in which they are logged in."""

from __future__ import annotations

from functools import cache
from typing import Any

import requests
from flask.testing import FlaskClient

from otel_fmd.people.actor import Role
from otel_fmd.people.passwords import hashed
from otel_fmd.people.sessions import Sessions
from otel_fmd.people.users import User, all_users, find_user, insert_user
from otel_fmd.store.store import Store
from otel_fmd.web.cookies import SESSION

PASSWORD = "a quite long sentence"


@cache
def _hashed() -> str:
    """Of `PASSWORD`: each hash takes a tenth of a second."""
    return hashed(PASSWORD)


def with_user(store: Store, name: str, role: Role = Role.ADMIN) -> User:
    """A new user, whose password is `PASSWORD`."""
    with store.write() as connection:
        is_admin = role is Role.ADMIN
        insert_user(connection, store.tables, name, _hashed(), is_admin=is_admin)
    found = user_named(store, name)
    assert found is not None
    return found


def user_named(store: Store, name: str) -> User | None:
    """The user with this name."""
    with store.read() as connection:
        return find_user(connection, store.tables, name)


def users_of(store: Store) -> list[User]:
    """Every user, by name."""
    with store.read() as connection:
        return all_users(connection, store.tables)


def log_client_in(client: FlaskClient, store: Store, user: User) -> str:
    """Have a test client hold a session of a user; its secret."""
    secret = Sessions(store).start(user, "127.0.0.1", "a test")
    client.set_cookie(SESSION, secret)
    return secret


def log_in(session: requests.Session, base: str, password: str, name: str = "admin") -> Any:
    """Log in over HTTP as a browser does; the response to the form, redirects followed."""
    session.get(f"{base}/login", timeout=60)
    origin = "/".join(base.split("/")[:3])
    form = {"username": name, "password": password}
    return session.post(f"{base}/login", form, headers={"Origin": origin}, timeout=60)
