"""Attribute names of the semantic conventions, the stable ones and the older ones alike.

Each tuple lists the names of one fact, the preferred name first.
Source: https://opentelemetry.io/docs/specs/semconv/http/http-spans/ and its migration guide.
"""

from __future__ import annotations

METHOD = ("http.request.method", "http.method")
STATUS_CODE = ("http.response.status_code", "http.status_code")
GRPC_STATUS = "rpc.grpc.status_code"
GRPC_FAILURES = frozenset([2, 4, 12, 13, 14, 15])
"""Statuses that are the server's fault, as the conventions for its spans say: UNKNOWN,
DEADLINE_EXCEEDED, UNIMPLEMENTED, INTERNAL, UNAVAILABLE, DATA_LOSS."""
ROUTE = ("http.route",)
ADDRESS = (
    "client.address",
    "http.client_ip",
    "net.peer.ip",
    "net.sock.peer.addr",
    "network.peer.address",
)
USER = ("fmd.group_by", "enduser.id", "user.id")
URL_FULL = ("url.full", "http.url")
URL_PATH = ("url.path",)
URL_QUERY = ("url.query",)
URL_SCHEME = ("url.scheme", "http.scheme")
TARGET = ("http.target",)
HOST = ("server.address", "http.host", "net.host.name")
FLASK_ENDPOINT = "flask.endpoint"
MONITOR_LEVEL = "fmd.monitor_level"
"""Set by our agent on the requests that it watched: the level in force, 0 to 3."""
FIRST_BYTE_NS = "fmd.time_to_first_byte"
"""Set by our agent on requests whose body is streamed: nanoseconds from start to first chunk."""
UNMATCHED = "fmd.unmatched"
"""Set by our agent on requests that no route of the app matches."""
AGENT_VERSION = "fmd.version"
"""The app's version, on spans whose resource has none."""

OTHER_METHOD = "_OTHER"
"""Stands for a method that the conventions do not know."""
ORIGINAL_METHOD = "http.request.method_original"
KNOWN_METHODS = frozenset(
    [
        "GET",
        "HEAD",
        "POST",
        "PUT",
        "DELETE",
        "CONNECT",
        "OPTIONS",
        "TRACE",
        "PATCH",
        "QUERY",
        "ACL",
        "BASELINE-CONTROL",
        "BIND",
        "CHECKIN",
        "CHECKOUT",
        "COPY",
        "LABEL",
        "LINK",
        "LOCK",
        "MERGE",
        "MKACTIVITY",
        "MKCALENDAR",
        "MKCOL",
        "MKREDIRECTREF",
        "MKWORKSPACE",
        "MOVE",
        "ORDERPATCH",
        "PRI",
        "PROPFIND",
        "PROPPATCH",
        "REBIND",
        "REPORT",
        "SEARCH",
        "UNBIND",
        "UNCHECKOUT",
        "UNLINK",
        "UNLOCK",
        "UPDATE",
        "UPDATEREDIRECTREF",
        "VERSION-CONTROL",
    ]
)
"""Methods that may appear in an endpoint's name, all that are registered; any other is `_OTHER`.

Source: https://www.iana.org/assignments/http-methods
"""

SWITCHING_PROTOCOLS = 101
"""Status of a connection that became a websocket: counted, but its length is no duration."""

SERVICE_NAME = "service.name"
VERSION = ("service.version", "vcs.ref.head.revision")
UNKNOWN_VERSION = "unknown"
UNKNOWN_SERVICE = "unknown_service"

EVENT_EXCEPTION = "exception"
EVENT_OUTLIER = "fmd.outlier"
EVENT_PROFILE = "fmd.profile"

EVENT_FUNCTIONS = "fmd.exception"
"""Follows an exception that reached the end of its request, with the columns below."""
CAPTURED = "fmd.exception.captured"
"""Marks an exception that the app handled, and reported itself."""
FUNCTION_COLUMNS = (
    "fmd.exception.files",
    "fmd.exception.functions",
    "fmd.exception.lines",
    "fmd.exception.starts",
    "fmd.exception.sources",
    "fmd.exception.variables",
)
"""What our agent adds to an exception: one array for each column, one element for each frame."""

REQUEST_ATTRIBUTES = frozenset(
    [
        *METHOD,
        ORIGINAL_METHOD,
        *STATUS_CODE,
        *ROUTE,
        *ADDRESS,
        *USER,
        FLASK_ENDPOINT,
        GRPC_STATUS,
        MONITOR_LEVEL,
        AGENT_VERSION,
        FIRST_BYTE_NS,
    ]
)
"""What the translation of a span to a request reads; everything else stays encoded."""

WORKER = (
    "service.instance.id",
    "host.name",
    "k8s.pod.name",
    "container.id",
    "process.pid",
)
"""Attributes of a resource that tell the processes of a service apart."""
