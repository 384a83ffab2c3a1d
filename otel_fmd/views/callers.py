"""Who calls an endpoint in which version: users, or client addresses."""

from __future__ import annotations

from typing import NamedTuple

from otel_fmd.analysis.callers import CallerInVersion, caller_cell
from otel_fmd.queries.latency import CallerDistributions, by_caller
from otel_fmd.queries.snapshot import Snapshot
from otel_fmd.queries.versions import versions_seen
from otel_fmd.store.kinds import ADDRESS, USER
from otel_fmd.views.look import Look
from otel_fmd.views.parameters import ENDPOINT
from otel_fmd.views.view import NOTHING, Column, Table, View

_MOST_CALLERS = 50
_MOST_VERSIONS = 30
NO_USERS = (
    "No requests in the selected time range. Users come from the span attribute enduser.id or "
    "user.id."
)


class Callers(NamedTuple):
    """Callers by version.

    Callers (most requests first), versions (oldest first), the kind of caller (`user` or
    `address`), and a note if not all selected requests are counted.
    """

    found: list[CallerInVersion]
    callers: list[str]
    versions: list[str]
    what: str
    note: str


def users(snapshot: Snapshot, look: Look) -> Callers | None:
    """Users of an endpoint."""
    return _load(snapshot, look, USER)


def addresses(snapshot: Snapshot, look: Look) -> Callers | None:
    """Addresses that call an endpoint."""
    return _load(snapshot, look, ADDRESS)


def _load(snapshot: Snapshot, look: Look, kind: int) -> Callers | None:
    """The callers with the most requests, in the newest versions."""
    if look.endpoint_id not in snapshot.endpoints:
        return None
    found = by_caller(snapshot, look.endpoint_id, kind, look.selection(snapshot))
    if not found.found:
        return None
    used = {version for version, _ in found.found}
    all_seen = versions_seen(snapshot, [look.endpoint_id])
    seen = [one for one in all_seen if one.id in used][:_MOST_VERSIONS]
    names = {version.id: version.name for version in seen}
    totals: dict[str, int] = {}
    for (version, caller), one in found.found.items():
        if version in names:
            totals[caller] = totals.get(caller, 0) + one.count
    callers = sorted(totals, key=lambda caller: -totals[caller])[:_MOST_CALLERS]
    chosen = set(callers)
    rows = [
        CallerInVersion(caller, names[version], one.count, one.median)
        for (version, caller), one in found.found.items()
        if version in names and caller in chosen
    ]
    versions = [names[version.id] for version in reversed(seen)]
    return Callers(rows, callers, versions, "user" if kind == USER else "address", note_of(found))


def note_of(found: CallerDistributions) -> str:
    """How many of the selected requests are counted; '' if all are."""
    if found.counted >= found.selected:
        return ""
    return f"the newest {found.counted:,} of {found.selected:,} requests"


def table(data: Callers | None, _look: Look) -> Table:
    """One row per caller and version."""
    if data is None:
        return NOTHING
    columns = (Column(data.what), Column("version"), Column("requests"), Column("median_ms", "ms"))
    rows = [
        (caller_cell(one.caller), one.version, one.requests, round(one.median_ms, 6))
        for one in data.found
    ]
    return Table(columns, rows)


ENDPOINT_USERS = View(
    name="endpoint-users",
    title="User-focused multi-version performance",
    description="Which users wait, and since which version. Each bubble is one user in one "
    "version; larger and brighter means a longer median. Click a bubble to see its requests.",
    load=users,
    table=table,
    empty=NO_USERS,
    parameters=(ENDPOINT,),
)
ENDPOINT_ADDRESSES = View(
    name="endpoint-addresses",
    title="IP-focused multi-version performance",
    description="Which addresses wait, and since which version. Each bubble is one client address "
    "in one version; larger and brighter means a longer median. Click a bubble to see its "
    "requests.",
    load=addresses,
    table=table,
    empty="No requests in the selected time range.",
    parameters=(ENDPOINT,),
)
