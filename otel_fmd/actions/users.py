"""Users of the dashboard: adding, changing and removing them."""

from __future__ import annotations

from otel_fmd.actions.audit import audit
from otel_fmd.errors import ConfigurationError
from otel_fmd.people.actor import Actor, Role, require
from otel_fmd.people.users import Users
from otel_fmd.store.store import Store

_WHAT = "change users"


def add_user(actor: Actor, store: Store, username: str, password: str, role: Role) -> None:
    """Add a user.

    Raises:
        NotAllowedError: the actor is not an admin.
        ConfigurationError: the name is taken, empty or too long, or the password too short.
    """
    require(actor, Role.ADMIN, _WHAT)
    Users(store).add(username, password, is_admin=role is Role.ADMIN)
    audit(actor, f"added user {username!r} as {role.name.lower()}")


def set_password(actor: Actor, store: Store, username: str, password: str) -> None:
    """Change a password.

    Raises:
        NotAllowedError: the actor is not an admin.
        ConfigurationError: no such user, or the password is too short.
    """
    require(actor, Role.ADMIN, _WHAT)
    Users(store).set_password(username, password)
    audit(actor, f"changed the password of {username!r}")


def set_role(actor: Actor, store: Store, username: str, role: Role) -> None:
    """Change a role; the last admin stays one.

    Raises:
        NotAllowedError: the actor is not an admin.
        ConfigurationError: no such user, or it is the last admin.
    """
    require(actor, Role.ADMIN, _WHAT)
    Users(store).set_admin(username, role is Role.ADMIN)
    audit(actor, f"made {username!r} {role.name.lower()}")


def remove_user(actor: Actor, store: Store, username: str) -> None:
    """Remove a user; not the last admin, and not oneself.

    Raises:
        NotAllowedError: the actor is not an admin.
        ConfigurationError: no such user, the actor, or the last admin.
    """
    require(actor, Role.ADMIN, _WHAT)
    if username == actor.name:
        raise ConfigurationError("You cannot remove yourself.")
    Users(store).remove(username)
    audit(actor, f"removed user {username!r}")
