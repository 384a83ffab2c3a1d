"""Adopting a database that FMD 5.1 (or 3.x) wrote."""

from __future__ import annotations

from otel_fmd.analysis.redaction.redactor import Redactor
from otel_fmd.errors import SchemaError
from otel_fmd.people.actor import Actor, Role, require
from otel_fmd.people.change import changed
from otel_fmd.rollups.adopted import Progress, build_rollups
from otel_fmd.store.schema import revision_of
from otel_fmd.store.settings import ADOPTED_AT, get_setting
from otel_fmd.store.store import Store
from otel_fmd.upkeep.adopted_secrets import redact_adopted
from otel_fmd.upkeep.adoption import is_foreign, restructure


def adopt(
    actor: Actor,
    store: Store,
    service: str,
    max_callers: int,
    progress: Progress | None = None,
    redactor: Redactor | None = None,
) -> int:
    """Adopt an FMD database, or continue an adoption that was interrupted.

    Args:
        actor: who is acting.
        store: the database; make a backup first.
        service: the service that its endpoints belong to.
        max_callers: users, and addresses, kept per endpoint and version.
        progress: called with rows done and rows in all.
        redactor: hides secrets in adopted rows; None: by the usual names only.

    Returns:
        The adopted requests that were counted into the rollups now.

    Raises:
        NotAllowedError: the actor is not an admin.
        SchemaError: it holds no tables of FMD, or a table of another program has the name of
            one of ours.
    """
    require(actor, Role.ADMIN, "adopt a database")
    if is_foreign(store):
        restructure(store, service)
        changed(actor, store, "database.adopt", "database", f"service {service}")
    with store.read() as connection:
        if revision_of(connection, store.tables.prefix) is None:
            raise SchemaError(f"{store.display_url} holds no tables of FMD")
        if get_setting(connection, store.tables, ADOPTED_AT) is None:
            return 0
    hidden = redact_adopted(store, redactor or Redactor(), progress)
    if hidden:
        changed(actor, store, "database.redact", "database", f"secrets hidden in {hidden} rows")
    return build_rollups(store, max_callers, progress)
