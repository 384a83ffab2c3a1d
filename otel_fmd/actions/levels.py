"""Monitor levels of endpoints."""

from __future__ import annotations

from otel_fmd.actions.audit import audit
from otel_fmd.errors import ConfigurationError
from otel_fmd.people.actor import Actor, Role, require
from otel_fmd.store.levels import store_level
from otel_fmd.store.store import Store

LEVELS = (0, 1, 2, 3)


def set_monitor_level(actor: Actor, store: Store, endpoint_id: int, level: int) -> None:
    """Set an endpoint's monitor level; writers take it over within seconds.

    Raises:
        NotAllowedError: the actor is not an admin.
        ConfigurationError: no such level or endpoint.
    """
    require(actor, Role.ADMIN, "change a monitor level")
    if level not in LEVELS:
        raise ConfigurationError(f"monitor level {level}: expected one of 0, 1, 2, 3")
    store_level(store, endpoint_id, level)
    audit(actor, f"monitor level of endpoint {endpoint_id} is now {level}")
