"""Spans with secrets in them, and every text that a database holds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from sqlalchemy import inspect, text

from otel_fmd.requests.profile import Profile, ProfileLine, profile_attributes
from otel_fmd.store.store import Store
from tests.support.secret_places import PLACES, Planted, is_applicable
from tests.support.secrets import Secret, secrets
from tests.support.spans import Spans

CHOSEN: Sequence[Secret] = secrets()[::15]
"""Some of the corpus, of every kind: a unit test tries all."""
ALL_ARE_OUTLIERS = {"outlier_min_requests": 1, "outlier_detection_constant": 1.0}
"""Settings with which a request is an outlier if it takes longer than those before it."""


def planted() -> list[Planted]:
    """The parts of a span for each secret and place, each with its method and route."""
    found = []
    for secret in CHOSEN:
        for place, plant in PLACES.items():
            if is_applicable(place, secret):
                one = plant(secret)
                attributes = {"http.request.method": "GET", "http.route": "/a", **one.attributes}
                if any(event.name == "fmd.outlier" for event in one.events):
                    attributes["fmd.monitor_level"] = 2
                found.append(Planted(attributes, one.events))
    return found


def spans() -> list[Span]:
    """A quick request of each endpoint, then slow ones with secrets; jobs, and profiles."""
    made = Spans(77)
    every = planted()
    routes = sorted({one.attributes["http.route"] for one in every})
    quick = [_quick(made, route) for route in routes]
    slow = [_slow(made, one, 1_000.0 + number) for number, one in enumerate(every)]
    jobs = [
        made.span({}, name=f"job {secret.name}={secret.text}", kind=Span.SPAN_KIND_CONSUMER)
        for secret in CHOSEN
    ]
    return [*quick, *slow, *jobs, *(_profiled(made, secret) for secret in CHOSEN)]


def texts_of(store: Store) -> list[str]:
    """Every text of every table, bytes as characters."""
    found = []
    with store.read() as connection:
        for table in inspect(connection).get_table_names():
            for row in connection.execute(text(f'SELECT * FROM "{table}"')):
                for value in row:
                    if isinstance(value, str):
                        found.append(value)
                    elif isinstance(value, bytes):
                        found.append(value.decode("latin-1"))
    return found


def leaked(texts: Iterable[str], chosen: Sequence[Secret] = CHOSEN) -> list[str]:
    """The secrets that texts show."""
    everything = "\n".join(texts)
    return [secret.name for secret in chosen if secret.core in everything]


def _quick(made: Spans, route: str) -> Span:
    return made.span({"http.request.method": "GET", "http.route": route}, duration_ms=1.0)


def _slow(made: Spans, one: Planted, duration_ms: float) -> Span:
    span = made.span({}, duration_ms=duration_ms)
    span.attributes.extend(_pair(key, value) for key, value in one.attributes.items())
    for event in one.events:
        attributes = [_pair(key, value) for key, value in event.attributes.items()]
        span.events.add(
            name=event.name, time_unix_nano=span.end_time_unix_nano, attributes=attributes
        )
    return span


def _profiled(made: Spans, secret: Secret) -> Span:
    code = f"login({secret.name!r}: {secret.text!r})"
    profile = Profile([ProfileLine("a.py", 7, "login", code, 0, 10, None)], 1, 0, is_cut=False)
    event = "fmd.profile", profile_attributes(profile)
    attributes = {"http.request.method": "GET", "http.route": "/a", "fmd.monitor_level": 3}
    span = made.span(attributes)
    pairs = [_pair(key, value) for key, value in event[1].items()]
    span.events.add(name=event[0], time_unix_nano=span.end_time_unix_nano, attributes=pairs)
    return span


def _pair(key: str, value: Any) -> KeyValue:
    return KeyValue(key=key, value=_any(value))


def _any(value: Any) -> AnyValue:
    made = AnyValue()
    if isinstance(value, dict):
        made.kvlist_value.values.extend(_pair(key, one) for key, one in value.items())
    elif isinstance(value, list):
        made.array_value.values.extend(_any(one) for one in value)
    else:
        kinds: dict[type, Callable[[Any], AnyValue]] = {
            bool: lambda one: AnyValue(bool_value=one),
            int: lambda one: AnyValue(int_value=one),
            bytes: lambda one: AnyValue(bytes_value=one),
            str: lambda one: AnyValue(string_value=one),
        }
        made = kinds[type(value)](value)
    return made
