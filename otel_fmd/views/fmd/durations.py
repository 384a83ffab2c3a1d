"""FMD's routes about durations: by endpoint, by version, by user, by address."""

from __future__ import annotations

from collections.abc import Sequence

from otel_fmd.analysis.colors import color_of
from otel_fmd.queries.caller_rows import Callers
from otel_fmd.queries.counts import sums
from otel_fmd.queries.samples import samples
from otel_fmd.queries.selection import Selection
from otel_fmd.queries.snapshot import Snapshot
from otel_fmd.store.kinds import ADDRESS, USER
from otel_fmd.views.fmd.answer import Answer
from otel_fmd.views.fmd.names import ids_named, version_dates
from otel_fmd.views.look import Look

MOST_CALLERS = 1_000
"""Most users, and most addresses, in a list."""
_PER_ENDPOINT = 10
_PER_BOX = 100
Names = Sequence[str | None]


def users(snapshot: Snapshot, _look: Look, endpoint_id: int) -> Answer:
    """Users of an endpoint with their requests, most first."""
    found = Callers(snapshot, endpoint_id, USER)
    rows = [{"user": name, "hits": hits} for name, hits in found.hits(MOST_CALLERS)]
    return Answer(rows, found.is_exact)


def addresses(snapshot: Snapshot, _look: Look, endpoint_id: int) -> Answer:
    """Addresses that call an endpoint with their requests, most first."""
    found = Callers(snapshot, endpoint_id, ADDRESS)
    rows = [{"ip": name or "", "hits": hits} for name, hits in found.hits(MOST_CALLERS)]
    return Answer(rows, found.is_exact)


def api_performance(snapshot: Snapshot, _look: Look, endpoints: Names) -> Answer:
    """Up to ten durations that stand for all of each endpoint."""
    ids = ids_named(snapshot, endpoints)
    asked = sorted({number for found in ids.values() for number in found})
    selection = Selection(endpoint_ids=asked)
    found = samples(snapshot, selection, ("endpoint_id",), _PER_ENDPOINT)
    is_exact, rows = found.is_exact, []
    for name in endpoints:
        values = [value for number in ids[name] for value in found.values.get((number,), [])]
        if len(ids[name]) > 1:
            # Endpoints of several services: what stands for each does not stand for all.
            merged = samples(snapshot, selection.of(ids[name]), (), _PER_ENDPOINT)
            is_exact, values = is_exact and merged.is_exact, merged.values.get((), [])
        rows.append({"name": name, "values": values})
    return Answer(rows, is_exact)


def multi_version(
    snapshot: Snapshot, _look: Look, endpoints: Names, versions: Names
) -> list[list[float]]:
    """Percent of each version's requests that went to each endpoint."""
    found = sums(snapshot, Selection(), ("endpoint_id", "version_id"))
    numbers = {name: number for number, name in snapshot.versions.items()}
    totals: dict[int, int] = {}
    for (_, version), one in found.items():
        totals[version] = totals.get(version, 0) + one.number
    rows = []
    ids = ids_named(snapshot, endpoints)
    for endpoint in endpoints:
        row = []
        for name in versions:
            version = numbers.get(name or "", -1)
            hits = sum(found[n, version].number for n in ids[endpoint] if (n, version) in found)
            row.append(100 * hits / totals[version] if totals.get(version) else 0.0)
        rows.append(row)
    return rows


def version_users(
    snapshot: Snapshot, _look: Look, endpoint_id: int, users: Names, versions: Names
) -> Answer:
    """Median duration of each user in each version."""
    return _by_caller(snapshot, endpoint_id, USER, users, versions)


def version_addresses(
    snapshot: Snapshot, _look: Look, endpoint_id: int, ip: Names, versions: Names
) -> Answer:
    """Median duration of each address in each version."""
    return _by_caller(snapshot, endpoint_id, ADDRESS, ip, versions)


def _by_caller(
    snapshot: Snapshot, endpoint_id: int, kind: int, callers: Names, versions: Names
) -> Answer:
    found = Callers(snapshot, endpoint_id, kind)
    medians = found.medians(callers)
    dates = version_dates(snapshot, [endpoint_id])
    value = {
        "data": [[medians.get((caller, name or ""), 0) for name in versions] for caller in callers],
        "versions": [{"version": name, "date": dates.get(name or "") or 0} for name in versions],
    }
    return Answer(value, found.is_exact)


def endpoint_versions(snapshot: Snapshot, look: Look, endpoint_id: int, versions: Names) -> Answer:
    """Up to a hundred durations that stand for all of an endpoint in each version."""
    found = samples(snapshot, Selection(endpoint_ids=[endpoint_id]), ("version_id",), _PER_BOX)
    numbers = {name: number for number, name in snapshot.versions.items()}
    dates = version_dates(snapshot, [endpoint_id])
    rows = [
        {
            "version": name,
            "date": dates.get(name or "") or 0,
            "values": found.values.get((numbers.get(name or "", -1),)) or 0,
            "color": color_of(str(name), look.settings.colors),
        }
        for name in versions
    ]
    return Answer(rows, found.is_exact)


def endpoint_users(snapshot: Snapshot, look: Look, endpoint_id: int, users: Names) -> Answer:
    """Up to a hundred durations that stand for all of each user at an endpoint."""
    callers = Callers(snapshot, endpoint_id, USER)
    found = callers.samples(users, _PER_BOX)
    rows = [
        {
            "user": name,
            "date": (found[name].first or 0) if name in found else 0,
            "values": found[name].values if name in found else 0,
            "color": color_of(str(name), look.settings.colors),
        }
        for name in users
    ]
    return Answer(rows, callers.is_exact)
