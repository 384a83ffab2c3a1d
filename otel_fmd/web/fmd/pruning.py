"""The size of the database, pruning and its schedule; for admins."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from otel_fmd.actions.pruning import prune
from otel_fmd.people.actor import Actor, Role
from otel_fmd.upkeep.retention import Ages
from otel_fmd.views.fmd.administration import database_size, pruning_schedule
from otel_fmd.views.load import looking
from otel_fmd.web.fmd.bodies import weeks
from otel_fmd.web.fmd.route import Api, Route

_AT_ONCE = 1e-9
"""Days: 0 would keep everything."""


def _reading(load: Callable[..., Any]) -> Callable[..., Any]:
    def answer(api: Api, actor: Actor) -> Any:
        with looking(api.reader, actor, Role.ADMIN, "look after the database") as snapshot:
            return load(snapshot, api.look(actor))

    return answer


def _prune(api: Api, actor: Actor) -> dict[str, str]:
    """Remove requests older than some weeks."""
    age, graphs = weeks()
    days = 7 * age or _AT_ONCE
    prune(actor, api.store, Ages(requests=days, custom_graphs=days if graphs else 0))
    return {"message": "Database pruning complete"}


_PATH = "/database_pruning"
ROUTES = (
    Route(f"{_PATH}/get_database_size", ("GET",), Role.ADMIN, _reading(database_size)),
    Route(f"{_PATH}/get_pruning_schedule", ("GET",), Role.ADMIN, _reading(pruning_schedule)),
    Route(f"{_PATH}/prune_on_demand", ("POST",), Role.ADMIN, _prune),
)
