"""What to do if nothing was sent yet: commands that match the settings in force."""

from __future__ import annotations

import shlex
from typing import NamedTuple

from otel_fmd.config import Settings
from otel_fmd.store.url import parse_url

_ONLY_TRACES = {
    "OTEL_METRICS_EXPORTER": "none",
    "OTEL_LOGS_EXPORTER": "none",
    "OTEL_TRACES_SAMPLER": "always_on",
    "OTEL_SERVICE_NAME": "my-app",
}
_ANY_HOST = ("0.0.0.0", "::", "")  # noqa: S104 - compared with, not listened on


class Hint(NamedTuple):
    """What to do, and the commands for it, one line each; empty if none are needed."""

    words: str
    commands: tuple[str, ...]


def first_requests(settings: Settings, asked_host: str) -> Hint:
    """How the first requests get here.

    Args:
        settings: the settings in force, with the ports that were bound.
        asked_host: the host name in the dashboard's address, shown for a receiver that listens on
            all interfaces.
    """
    if settings.dashboard_path:
        return Hint(
            "The requests of this application are shown here: open one of its pages and check "
            "back in a few seconds.",
            (),
        )
    if settings.receiver:
        return _to_receiver(settings, asked_host)
    url, database = parse_url(settings.database_url)
    path = database.file_path(url)
    variables = {"OTEL_TRACES_EXPORTER": "fmd"}
    words = (
        "This dashboard runs without a receiver. Have an application store its requests in the "
        "same database itself, or send them to a receiver that does."
    )
    if path is not None:
        variables["OTEL_FMD_DATABASE_URL"] = shlex.quote(f"{url.get_backend_name()}:///{path}")
    else:
        # A visitor need not know its password.
        variables["OTEL_FMD_DATABASE_URL"] = '"$OTEL_FMD_DATABASE_URL"'
        words += " Set OTEL_FMD_DATABASE_URL to the URL of this dashboard's database."
    if settings.table_prefix:
        variables["OTEL_FMD_TABLE_PREFIX"] = shlex.quote(settings.table_prefix)
    return _instrumented(f"'otel-fmd[{database.extra}]'", variables, words)


def _to_receiver(settings: Settings, asked_host: str) -> Hint:
    host = asked_host if settings.host in _ANY_HOST else settings.host
    shown = f"[{host}]" if ":" in host else host
    scheme = "https" if settings.tls_cert else "http"
    variables = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"{scheme}://{shown}:{settings.otlp_http_port}",
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
    }
    words = "Send the spans of a Flask application to this receiver; any OTLP exporter works."
    variable = ""
    if settings.otlp_token:
        variable = "OTEL_FMD_OTLP_TOKEN"
        words += f" Set {variable} to the token of this receiver."
    elif settings.require_token:
        variable = "INGEST_TOKEN"
        words += (
            f" Set {variable} to an API token with the scope ingest: "
            "otel-fmd token add apps --scope ingest."
        )
    if variable:
        variables["OTEL_EXPORTER_OTLP_HEADERS"] = f'"authorization=Bearer%20${variable}"'
    if settings.tls_client_ca:
        words += (
            " Every client needs a certificate: set OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE and "
            "OTEL_EXPORTER_OTLP_CLIENT_KEY, too."
        )
    return _instrumented("otel-fmd", variables, words)


def _instrumented(package: str, variables: dict[str, str], words: str) -> Hint:
    given = " ".join(f"{name}={value}" for name, value in (variables | _ONLY_TRACES).items())
    return Hint(
        words,
        (
            f"pip install {package} opentelemetry-distro",
            f"{given} opentelemetry-instrument flask run",
        ),
    )
