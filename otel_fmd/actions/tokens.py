"""API tokens: creating and revoking them."""

from __future__ import annotations

from collections.abc import Iterable

from otel_fmd.people.actor import Actor, Role
from otel_fmd.people.change import changing
from otel_fmd.people.tokens import create_token, revoke_token, scopes_in
from otel_fmd.store.store import Store

_WHAT = "manage API tokens"


def add_token(
    actor: Actor, store: Store, name: str, scopes: Iterable[str], days: int | None
) -> str:
    """Create a token; its text, which cannot be read again.

    Args:
        actor: who is acting.
        store: the database.
        name: unique.
        scopes: `read`, `write`, `admin`, `ingest`.
        days: how long it is valid; None: for ever.

    Raises:
        NotAllowedError: the actor is not an admin.
        ConfigurationError: the name, a scope or the days cannot be used.
    """
    with changing(actor, store, Role.ADMIN, _WHAT, "token.add", name) as change:
        found = scopes_in(scopes)
        secret = create_token(change.connection, change.tables, name, found, days, actor.name)
        change.after = f"{' '.join(found)}, {'no expiry' if days is None else f'{days} days'}"
    return secret


def remove_token(actor: Actor, store: Store, name: str) -> None:
    """Revoke a token, at once in every process that serves the dashboard.

    Raises:
        NotAllowedError: the actor is not an admin.
        ConfigurationError: there is none with this name.
    """
    with changing(actor, store, Role.ADMIN, _WHAT, "token.revoke", name) as change:
        change.before = " ".join(revoke_token(change.connection, change.tables, name).scopes)
