"""Values of metric points in OTLP/JSON."""

from __future__ import annotations

import binascii
from typing import Any

from otel_fmd.otlp.points import (
    LAST_NS,
    MOST_BUCKETS,
    MOST_EXEMPLARS,
    MOST_QUANTILES,
    check_number,
    explicit,
    exponential,
)
from otel_fmd.otlp.values import decimal_number, whole_number
from otel_fmd.signals.metric import Distribution, Exemplar

_MOST_COUNT = 2**64 - 1


def value_of(point: dict[str, Any]) -> float:
    """The number of a point or an exemplar.

    Raises:
        ValueError: it has none.
    """
    if "asInt" in point:
        return whole_number(point["asInt"], -(2**63), 2**63 - 1)
    if "asDouble" in point:
        return check_number(decimal_number(point["asDouble"]))
    raise ValueError("it has no value")


def distribution_of(point: dict[str, Any], kind: str) -> Distribution:
    """The value of a point of a histogram or a summary.

    Raises:
        ValueError: it cannot be used.
    """
    count = whole_number(point.get("count") or 0, 0, _MOST_COUNT)
    total = decimal_number(point.get("sum") or 0)
    least, most = (
        decimal_number(point[key]) if point.get(key) is not None else None for key in ("min", "max")
    )
    if kind == "summary":
        return explicit(count, total, None, None, (), ())
    if kind == "histogram":
        bounds = [decimal_number(one) for one in _list(point, "explicitBounds")]
        return explicit(count, total, least, most, bounds, _counts(point))
    buckets = []
    for side in ("positive", "negative"):
        part = point.get(side) or {}
        if not isinstance(part, dict):
            raise ValueError(f"{side} must be an object; got {str(part)[:50]!a}")
        buckets.append((whole_number(part.get("offset") or 0, -(2**31), 2**31 - 1), _counts(part)))
    return exponential(
        count,
        total,
        least,
        most,
        whole_number(point.get("scale") or 0, -(2**31), 2**31 - 1),
        whole_number(point.get("zeroCount") or 0, 0, _MOST_COUNT),
        *buckets,
    )


def _counts(holder: dict[str, Any]) -> list[int]:
    return [whole_number(one, 0, _MOST_COUNT) for one in _list(holder, "bucketCounts")]


def _list(holder: dict[str, Any], key: str) -> list[Any]:
    found = holder.get(key) or []
    if not isinstance(found, list):
        raise ValueError(f"{key} must be a list; got {str(found)[:50]!a}")
    if len(found) > MOST_BUCKETS:
        raise ValueError(f"{len(found)} {key}; at most {MOST_BUCKETS} are expected")
    return found


def quantiles_of(point: dict[str, Any]) -> list[tuple[float, float]]:
    """The quantiles of a summary, and their values.

    Raises:
        ValueError: they are none.
    """
    found = []
    for one in _list(point, "quantileValues")[:MOST_QUANTILES]:
        if not isinstance(one, dict):
            raise ValueError(f"a quantile must be an object; got {str(one)[:50]!a}")
        pair = (decimal_number(one.get("quantile") or 0), decimal_number(one.get("value") or 0))
        try:
            found.append((check_number(pair[0]), check_number(pair[1])))
        except ValueError:
            continue  # no value was seen in its window
    return found


def exemplars_of(exemplars: Any) -> list[Exemplar]:
    """Those that name a span; one that cannot be read costs nothing else."""
    found = []
    for one in exemplars[:MOST_EXEMPLARS] if isinstance(exemplars, list) else ():
        try:
            trace_id, span_id = (binascii.unhexlify(one[key]) for key in ("traceId", "spanId"))
            value = check_number(value_of(one))
            time_ns = whole_number(one.get("timeUnixNano"), 1, LAST_NS)
        except (AttributeError, KeyError, TypeError, ValueError):
            continue
        if len(trace_id) == 16 and len(span_id) == 8 and any(trace_id) and any(span_id):
            found.append(Exemplar(time_ns, value, trace_id, span_id))
    return found
