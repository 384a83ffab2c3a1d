"""Ids of metrics and their series, looked up in memory by the bytes that they come with.

New ones are added in transactions of their own before the batch that needs them. Two processes may
add the same series: the loser reads the winner's row.
"""

from __future__ import annotations

import json
import logging
import time
from array import array
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any, NamedTuple

from sqlalchemy import Connection, func, select
from sqlalchemy.exc import IntegrityError

from otel_fmd.analysis.point_state import PointKind
from otel_fmd.analysis.redaction.redactor import Redactor
from otel_fmd.analysis.text import fit
from otel_fmd.errors import StoreUnavailableError
from otel_fmd.ingest.names import NameRegistry
from otel_fmd.log_limit import LogLimit
from otel_fmd.signals.metric import Metric, MetricKind, PointBlock
from otel_fmd.signals.record import AttributeValue, as_text
from otel_fmd.signals.semconv import SERVICE_NAME, UNKNOWN_SERVICE, WORKER
from otel_fmd.store.metric_tables import DESCRIPTION_WIDTH, NAME_WIDTH, UNIT_WIDTH
from otel_fmd.store.store import Store
from otel_fmd.store.times import now_us

_log = logging.getLogger(__name__)
DROPPED = 0
"""Stands for the id of a series above a limit, whose points are dropped."""
_REFRESH_S = 3600.0
_IDLE_US = 86_400_000_000
"""Series without points for a day make space for others."""
_MOST_REMEMBERED = 200_000
_MOST_ATTRIBUTES, _KEY_WIDTH, _VALUE_WIDTH, _SERVICE_WIDTH = 64, 100, 250, 250
_CHUNK, _ATTEMPTS = 400, 5


class SeriesLimits(NamedTuple):
    """How much is kept; points above a limit are dropped and counted.

    Args:
        metrics: per service.
        series: per metric, of those that had points within a day.
    """

    metrics: int = 1_000
    series: int = 1_000


class KnownMetric(NamedTuple):
    """A metric as one resource reports it.

    Its id, how its points add up (`PointKind`), and the ids of its series, by their encoded
    attributes.
    """

    id: int
    kind: int
    series: dict[bytes, int]


class Resolved(NamedTuple):
    """What a block of points belongs to.

    Its metric, how the points add up (`PointKind`), and the series of each; `DROPPED` above a
    limit.
    """

    metric_id: int
    kind: int
    series_ids: list[int]


class _New(NamedTuple):
    """A series that is not known yet, as its row has it."""

    hash: str
    attributes: str
    worker: str
    bounds: str


class SeriesRegistry:
    """The ids of metrics and series in one database; used by one thread.

    Args:
        store: the database.
        names: the ids of services.
        redactor: hides secrets in attributes.
        limits: how much is kept.
    """

    def __init__(
        self, store: Store, names: NameRegistry, redactor: Redactor, limits: SeriesLimits
    ) -> None:
        self._store = store
        self._names = names
        self._redactor = redactor
        self._limits = limits
        self._log_limit = LogLimit()
        self.forget()

    def forget(self) -> None:
        """Look everything up again."""
        self._known: dict[bytes, KnownMetric] = {}
        self._remembered = 0
        self._since = time.monotonic()

    def resolve(self, block: PointBlock) -> Resolved:
        """The ids of the series of points, which are added if they are new."""
        if self._remembered > _MOST_REMEMBERED or time.monotonic() - self._since > _REFRESH_S:
            self.forget()
        known = self._known.get(block.key)
        if known is None:
            known = self._metric(block.metric)
            self._known[block.key] = known
            self._remembered += 1
        keys = series_keys(block)
        ids: list[Any] = list(map(known.series.get, keys))
        if None in ids:
            self._add_series(block, known, set(keys).difference(known.series), keys)
            ids = list(map(known.series.__getitem__, keys))
        return Resolved(known.id, known.kind, ids)

    def _metric(self, metric: Metric) -> KnownMetric:
        kind = _point_kind(metric)
        service = metric.resource.attributes.get(SERVICE_NAME) or UNKNOWN_SERVICE
        name = fit(as_text(service), _SERVICE_WIDTH) or UNKNOWN_SERVICE
        key = {
            "service_id": self._names.service_id(name),
            "name": fit(metric.name, NAME_WIDTH) or "(unnamed)",
            "kind": metric.kind,
            "unit": fit(metric.unit, UNIT_WIDTH),
        }
        description = fit(self._redactor.text(metric.description[:2_000]), DESCRIPTION_WIDTH)
        for _ in range(_ATTEMPTS):
            try:
                with self._store.write() as connection:
                    number = self._find_or_add(connection, key, description)
                return KnownMetric(number, kind, {})
            except IntegrityError:
                continue  # another process was faster
        raise StoreUnavailableError("a metric could not be added: others add it all the time")

    def _find_or_add(self, connection: Connection, key: Mapping[str, Any], description: str) -> int:
        table = self._store.tables.metric
        query = select(table.c.id)
        for column, value in key.items():
            query = query.where(table.c[column] == value)
        number = connection.execute(query).scalar()
        if number is not None:
            return int(number)
        others = select(func.count()).where(table.c.service_id == key["service_id"])
        if connection.execute(others).scalar_one() >= self._limits.metrics:
            self._log_above("metrics", key["name"], self._limits.metrics, "OTEL_FMD_MAX_METRICS")
            return DROPPED
        insert = table.insert().values(**key, description=description)
        return int(connection.execute(insert).inserted_primary_key[0])  # type: ignore[index]

    def _add_series(
        self, block: PointBlock, known: KnownMetric, new: set[bytes], keys: Sequence[bytes]
    ) -> None:
        self._remembered += len(new)
        if known.id == DROPPED:
            known.series.update(dict.fromkeys(new, DROPPED))
            return
        worker = self._worker(block.metric)
        wanted: dict[bytes, _New] = {}
        for place, key in enumerate(keys):
            if key in new and key not in wanted:
                wanted[key] = self._described(block, place, worker)
        for _ in range(_ATTEMPTS):
            try:
                with self._store.write() as connection:
                    found = self._ids(connection, known.id, wanted.values(), block.metric.name)
                break
            except IntegrityError:
                continue  # another process was faster
        else:
            raise StoreUnavailableError("series could not be added: others add them all the time")
        known.series.update({key: found[one.hash] for key, one in wanted.items()})

    def _ids(
        self, connection: Connection, metric_id: int, wanted: Any, metric: str
    ) -> dict[str, int]:
        """The ids of series by their hashes; those that are missing are added, up to the limit."""
        ones = {one.hash: one for one in wanted}
        found = self._look_up(connection, metric_id, sorted(ones))
        missing = [ones[one] for one in sorted(ones.keys() - found.keys())]
        if not missing:
            return found
        table = self._store.tables.metric_series
        room = max(0, self._limits.series - self._active(connection, metric_id))
        if room < len(missing):
            self._log_above("series", metric, self._limits.series, "OTEL_FMD_MAX_SERIES")
        added, above = missing[:room], missing[room:]
        now = now_us()
        rows = [{"metric_id": metric_id, "created_us": now, **one._asdict()} for one in added]
        if rows:
            connection.execute(table.insert(), rows)
            found |= self._look_up(connection, metric_id, [one.hash for one in added])
        return found | {one.hash: DROPPED for one in above}

    def _look_up(
        self, connection: Connection, metric_id: int, hashes: Sequence[str]
    ) -> dict[str, int]:
        series = self._store.tables.metric_series.c
        found: dict[str, int] = {}
        for start in range(0, len(hashes), _CHUNK):
            query = select(series.hash, series.id).where(
                series.metric_id == metric_id, series.hash.in_(hashes[start : start + _CHUNK])
            )
            found.update({row.hash: row.id for row in connection.execute(query)})
        return found

    def _active(self, connection: Connection, metric_id: int) -> int:
        """How many series of a metric count against the limit."""
        series, state = self._store.tables.metric_series.c, self._store.tables.metric_state.c
        query = select(func.count()).where(series.metric_id == metric_id)
        known = int(connection.execute(query).scalar_one())
        if known < self._limits.series:
            return known
        idle = select(func.count()).where(
            state.metric_id == metric_id, state.last_us < now_us() - _IDLE_US
        )
        return known - int(connection.execute(idle).scalar_one())

    def _worker(self, metric: Metric) -> str:
        """What tells the processes of a service apart, as JSON."""
        attributes = metric.resource.attributes
        return self._json({name: attributes[name] for name in WORKER if attributes.get(name)})

    def _described(self, block: PointBlock, place: int, worker: str) -> _New:
        attributes = self._json(block.attributes(block.keys[place]))
        bounds = block.distributions[place].bounds if block.distributions else ()
        texts = (attributes, worker, json.dumps(bounds) if bounds else "")
        digest = blake2b("\x00".join(texts).encode(), digest_size=16).hexdigest()
        return _New(digest, *texts)

    def _json(self, attributes: Mapping[str, AttributeValue]) -> str:
        hidden = self._redactor.mapping(dict(list(attributes.items())[:_MOST_ATTRIBUTES]))
        found = {
            fit(key, _KEY_WIDTH): fit(as_text(value), _VALUE_WIDTH) for key, value in hidden.items()
        }
        return json.dumps(found, sort_keys=True, ensure_ascii=False, separators=(",", ":"))

    def _log_above(self, what: str, name: str, most: int, setting: str) -> None:
        if self._log_limit.allows():
            _log.warning(
                "more than %d %s (%s): points of %r and others are dropped",
                most,
                what,
                setting,
                name[:100],
            )


def series_keys(block: PointBlock) -> list[bytes]:
    """What identifies the series of each point; buckets with other bounds are another series."""
    if not block.distributions:
        return block.keys
    return [
        key + array("d", found.bounds).tobytes() if found.bounds else key
        for key, found in zip(block.keys, block.distributions, strict=True)
    ]


def _point_kind(metric: Metric) -> int:
    if metric.kind == MetricKind.GAUGE or (
        metric.kind == MetricKind.UP_DOWN and metric.is_cumulative
    ):
        return PointKind.GAUGE
    if metric.kind in (MetricKind.SUM, MetricKind.UP_DOWN):
        return PointKind.CUMULATIVE if metric.is_cumulative else PointKind.DELTA
    if metric.is_cumulative:
        return PointKind.CUMULATIVE_HISTOGRAM
    return PointKind.DELTA_HISTOGRAM
