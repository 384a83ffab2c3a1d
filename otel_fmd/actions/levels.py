"""Monitor levels of endpoints."""

from __future__ import annotations

from otel_fmd.errors import ConfigurationError
from otel_fmd.people.actor import Actor, Role
from otel_fmd.people.change import changing
from otel_fmd.store.levels import store_level
from otel_fmd.store.store import Store

LEVELS = (0, 1, 2, 3)


def set_monitor_level(actor: Actor, store: Store, endpoint_id: int, level: int) -> None:
    """Set an endpoint's monitor level; writers take it over within seconds.

    Raises:
        NotAllowedError: the actor is neither an admin nor a token with the scope write.
        ConfigurationError: no such level or endpoint.
    """
    what = "change a monitor level"
    with changing(actor, store, Role.WRITER, what, "endpoint.level", str(endpoint_id)) as change:
        if level not in LEVELS:
            raise ConfigurationError(f"monitor level {level}: expected one of 0, 1, 2, 3")
        name, before = store_level(change.connection, change.tables, endpoint_id, level)
        change.target = f"{name} ({endpoint_id})"
        change.before, change.after = "" if before is None else str(before), str(level)
