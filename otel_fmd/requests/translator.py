"""Span -> request: which spans are requests, and what FMD's columns get from them.

`Translator.translate` is the hot path of every way in: it runs once per span, reads only the wanted
attributes, and allocates one record.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import Any, NamedTuple, TypeVar

from otel_fmd.analysis.redaction.redactor import Redactor
from otel_fmd.analysis.text import fit
from otel_fmd.requests.naming import PATH_ATTRIBUTES, UNNAMED, EndpointNamer, Named
from otel_fmd.requests.request import NOTHING_MORE, Request
from otel_fmd.signals import semconv
from otel_fmd.signals.record import AttributeValue, Resource, Span, SpanKind, as_text

ENDPOINT_WIDTH = 250
VERSION_WIDTH = 100
GROUP_BY_WIDTH = 100
ADDRESS_WIDTH = 100
SERVICE_WIDTH = 250
_GRPC_FAILURES = frozenset(map(str, semconv.GRPC_FAILURES))
_CACHE_LIMIT = 20_000
_LONGEST_KEPT = 1_000
"""Longest text that is cached; longer ones are processed each time."""
_tuple: Any = tuple.__new__
_UNKNOWN = semconv.UNKNOWN_VERSION
_LOOKS = 32
"""Paths that are compared with a route before it is trusted to cover them whole."""
_CHECKED_EVERY = 200_000
"""Requests after which the comparison is repeated."""
_LONGEST_NS = 31 * 86_400 * 1_000_000_000


class Translation(NamedTuple):
    """The result of translating a batch of spans.

    `not_kept` counts child spans, `clock_errors` zeroed ones (spans that end before they begin, or
    last longer than a month).
    """

    requests: list[Request]
    not_kept: int
    clock_errors: int
    with_events: list[Span]
    """Spans that are no requests, and have events."""


def _first(attributes: dict[str, AttributeValue], names: tuple[str, ...]) -> AttributeValue | None:
    for name in names:
        value = attributes.get(name)
        if value is not None and value != "":
            return value
    return None


def status_of(attributes: dict[str, AttributeValue], span: Span) -> int | None:
    """The HTTP status; 500 for a failure without one; None if there is none."""
    status = _first(attributes, semconv.STATUS_CODE)
    if status is not None and not isinstance(status, bool):
        try:
            code = int(status)
        except (TypeError, ValueError, OverflowError):
            code = -1
        if 0 < code < 1000:
            return code
    if span.is_error or str(attributes.get(semconv.GRPC_STATUS)) in _GRPC_FAILURES:
        return 500
    if span.has_events and any(
        event.name == semconv.EVENT_EXCEPTION for event in span.source.events(span.raw)
    ):
        return 500
    return None


class Translator:
    """Turns spans into requests.

    Args:
        internal_roots: also take local root spans of kind INTERNAL as requests.
        rules: rename endpoints, see `analysis.renaming`.
        redactor: hides secrets in names of endpoints; None: by the usual names only.

    Raises:
        ConfigurationError: a rule is none.
    """

    def __init__(
        self,
        internal_roots: bool = False,
        rules: Sequence[str] = (),
        redactor: Redactor | None = None,
    ) -> None:
        self._internal_roots = internal_roots
        self._namer = EndpointNamer(rules, redactor)
        self._known: tuple[Resource | None, str, str] = (None, "", "")
        self._fitted: dict[str, str] = {}
        self._endpoints: dict[tuple[AttributeValue, ...], tuple[str, str]] = {}
        self._looked_at: dict[tuple[AttributeValue, ...], int] = {}
        self._unchecked = 0

    def translate(self, spans: Iterable[Span]) -> Translation:
        """The requests among `spans`, in their order."""
        requests: list[Request] = []
        with_events: list[Span] = []
        not_kept = clock_errors = 0
        make, wanted = self.make, semconv.REQUEST_ATTRIBUTES
        for span in spans:
            # As `self.request(span)`, without its call and with a single look at the span.
            (
                trace_id,
                span_id,
                _,
                name,
                kind,
                start_ns,
                end_ns,
                _,
                has_events,
                _,
                resource,
                raw,
                source,
            ) = span
            if kind != SpanKind.SERVER and not self.is_entry(span):
                not_kept += 1
                if has_events:
                    with_events.append(span)
                continue
            attributes = source.attributes(raw, wanted)
            request = make(attributes, resource, name, start_ns, end_ns, trace_id, span_id, span)
            if not request.duration_ns and request.status_code != semconv.SWITCHING_PROTOCOLS:
                clock_errors += 1
            requests.append(request)
        self._unchecked += len(requests)
        if self._unchecked > _CHECKED_EVERY:
            self._endpoints, self._looked_at, self._unchecked = {}, {}, 0
        return Translation(requests, not_kept, clock_errors, with_events)

    def request(self, span: Span) -> Request:
        """The request of an entry span."""
        return self.make(
            span.source.attributes(span.raw, semconv.REQUEST_ATTRIBUTES),
            span.resource,
            span.name,
            span.start_ns,
            span.end_ns,
            span.trace_id,
            span.span_id,
            span,
        )

    def make(
        self,
        attributes: dict[str, AttributeValue],
        resource: Resource,
        name: str,
        start_ns: int,
        end_ns: int,
        trace_id: bytes,
        span_id: bytes,
        span: Span = NOTHING_MORE,
    ) -> Request:
        """The request of an entry span that is given in parts; without `span` it has no events."""
        known = self._known
        if resource is not known[0]:
            # One assignment: threads that translate at once never mix two resources.
            known = self._known = (resource, *self.service_and_version(resource))
        get = attributes.get
        duration_ns = end_ns - start_ns
        if not 0 < duration_ns <= _LONGEST_NS:
            duration_ns = 0
        # The names of semconv.USER, ADDRESS and STATUS_CODE, without a loop for each span.
        user = get("fmd.group_by")
        if user is None or user == "":
            user = get("enduser.id")
        if user is None or user == "":
            user = get("user.id")
        ip = get("client.address") or get("http.client_ip") or get("net.peer.ip")
        status = get("http.response.status_code") or get("http.status_code")
        version = get("fmd.version")
        level = get("fmd.monitor_level")
        first_byte_ns = get("fmd.time_to_first_byte")
        if status == semconv.SWITCHING_PROTOCOLS:
            duration_ns = (
                0  # A websocket is a connection; its length is not the time that anyone waits.
            )
        endpoint, name_source = self._endpoint(attributes, name, span, status)
        # As `self._fit`, without a call for what is known.
        fitted = self._fitted
        shown_user = fitted.get(user) if type(user) is str else None
        if shown_user is None or len(shown_user) > GROUP_BY_WIDTH:
            shown_user = None if user is None else self._fit(user, GROUP_BY_WIDTH)
        shown_ip = fitted.get(ip) if type(ip) is str else None
        if shown_ip is None or len(shown_ip) > ADDRESS_WIDTH:
            shown_ip = self._fit(ip or _first(attributes, semconv.ADDRESS) or "", ADDRESS_WIDTH)
        # As Request(...), without the call of its constructor.
        return _tuple(  # type: ignore[no-any-return]
            Request,
            (
                known[1],
                endpoint,
                (self._fit(version, VERSION_WIDTH) or known[2]) if version else known[2],
                start_ns // 1000,
                duration_ns,
                status
                if type(status) is int and 100 <= status < 600
                else status_of(attributes, span),
                shown_user or None,
                shown_ip,
                trace_id,
                span_id,
                span if level is None or span.has_events else NOTHING_MORE,
                level if level is None or (type(level) is int and 0 <= level <= 3) else 1,
                first_byte_ns if type(first_byte_ns) is int and first_byte_ns > 0 else None,
                name_source,
            ),
        )

    def is_entry(self, span: Span) -> bool:
        """Whether a span is a request: an entry span."""
        kind = span.kind
        if kind == SpanKind.SERVER or kind == SpanKind.CONSUMER:
            return True
        return kind == SpanKind.INTERNAL and self._internal_roots and not span.has_local_parent

    def _endpoint(
        self,
        attributes: dict[str, AttributeValue],
        span_name: str,
        span: Span,
        status: AttributeValue,
    ) -> tuple[str, str]:
        """The endpoint's fitted name and its source, computed once per key.

        A path is read only if there is no route, or the route is not trusted yet.
        """
        get = attributes.get
        method = get("http.request.method") or get("http.method")
        key = (get("flask.endpoint"), method, get("http.route"), None if method else span_name)
        try:
            found = self._endpoints.get(key)
        except TypeError:  # a list or a map where a text was expected
            return _fitted(self._named(attributes, span_name, span, status))
        if found is None:
            named = self._named(attributes, span_name, span, status)
            found = _fitted(named)
            is_short = all(
                part is None or (type(part) is str and len(part) <= _LONGEST_KEPT) for part in key
            )
            if named.is_steady and is_short and self._is_proven(key):
                self._endpoints = _keep(self._endpoints, key, found)
        return found

    def _named(
        self,
        attributes: dict[str, AttributeValue],
        span_name: str,
        span: Span,
        status: AttributeValue,
    ) -> Named:
        more = lambda: span.source.attributes(span.raw, PATH_ATTRIBUTES)  # noqa: E731
        return self._namer.named(attributes, span_name, status, more)

    def _is_proven(self, key: tuple[AttributeValue, ...]) -> bool:
        """Whether a name is final, without checking further paths."""
        flask, method, route, _ = key
        if method == semconv.OTHER_METHOD:
            return False
        if flask or not method or not route:
            return True
        looks = self._looked_at.get(key, 0) + 1
        self._looked_at = _keep(self._looked_at, key, looks)
        return looks > _LOOKS

    def _fit(self, value: AttributeValue, width: int) -> str:
        text = value if isinstance(value, str) else as_text(value)
        found = self._fitted.get(text)
        if found is None or len(found) > width:
            found = fit(text, width)
            if len(text) <= _LONGEST_KEPT:
                self._fitted = _keep(self._fitted, text, found)
        return found

    def service_and_version(self, resource: Resource) -> tuple[str, str]:
        """Service and version of a resource, each in the width of its column."""
        attributes = resource.attributes
        service = attributes.get(semconv.SERVICE_NAME) or semconv.UNKNOWN_SERVICE
        version = next((attributes[n] for n in semconv.VERSION if attributes.get(n)), "")
        fitted = fit(as_text(version), VERSION_WIDTH) or _UNKNOWN
        return fit(as_text(service), SERVICE_WIDTH) or semconv.UNKNOWN_SERVICE, fitted


def _fitted(named: Named) -> tuple[str, str]:
    # Blanks only would be an invisible link.
    return fit(named.name, ENDPOINT_WIDTH) or UNNAMED, named.source


K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


def _keep(cache: dict[K, V], key: K, value: V) -> dict[K, V]:
    """A cache with one more entry; a new one when it has grown too large."""
    if len(cache) >= _CACHE_LIMIT:
        cache = {}
    cache[key] = value
    return cache
