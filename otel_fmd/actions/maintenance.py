"""Looking after a database by hand: folding, pruning and evicting at once, recounting rollups."""

from __future__ import annotations

from typing import NamedTuple

from otel_fmd.people.actor import Actor, Role, require
from otel_fmd.people.change import changed
from otel_fmd.rollups.fold import DeltaFolder
from otel_fmd.rollups.fold_points import PointFolder
from otel_fmd.rollups.recount import repair
from otel_fmd.rollups.roll_points import PointRoller
from otel_fmd.store.store import Store
from otel_fmd.upkeep.eviction import Eviction
from otel_fmd.upkeep.retention import Ages, Retention

_STEP = 256


class Maintained(NamedTuple):
    """Deltas that were folded, and the rows that were pruned and evicted, by kind."""

    folded: int
    pruned: dict[str, int]
    evicted: dict[str, int]


def maintain(actor: Actor, store: Store, ages: Ages, max_size: int, max_callers: int) -> Maintained:
    """Fold every delta, remove what is older than its age, and what is over the size cap.

    Args:
        actor: who asks.
        store: the database.
        ages: how long each kind is kept.
        max_size: bytes on disk; 0 for no limit.
        max_callers: users, and addresses, kept per endpoint and version.

    Raises:
        NotAllowedError: the actor is not an admin.
    """
    require(actor, Role.ADMIN, "maintain the database")
    folder, folded = DeltaFolder(store, max_callers), 0
    while step := folder.fold(_STEP) + folder.fold_callers(_STEP):
        folded += step
    folded += _fold_points(store)
    done = Maintained(folded, Retention(store).prune(ages), Eviction(store).enforce(max_size))
    changed(actor, store, "database.maintain", "database", str(done._asdict()))
    return done


def _fold_points(store: Store) -> int:
    """Fold and roll up the points of metrics; how many deltas were folded."""
    folder, roller, folded = PointFolder(store), PointRoller(store), 0
    while step := folder.fold(_STEP).deltas:
        folded += step
    while roller.roll(_STEP):
        pass
    return folded


def repair_rollups(actor: Actor, store: Store, max_callers: int) -> None:
    """Replace the rollups by a recount of the rows.

    Raises:
        NotAllowedError: the actor is not an admin.
    """
    require(actor, Role.ADMIN, "repair rollups")
    repair(store, DeltaFolder(store, max_callers))
    changed(actor, store, "database.recount", "rollups")
