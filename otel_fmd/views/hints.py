"""What to do where nothing was sent yet: commands for the settings that are in force."""

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
    """What to do, and the commands to do it with, each of one line; none where none is needed."""

    words: str
    commands: tuple[str, ...]


def first_requests(settings: Settings, asked_host: str) -> Hint:
    """How the first requests get here.

    Args:
        settings: what is in force, ports as they were bound.
        asked_host: the name by which the dashboard was asked for, for a receiver that listens on
            every address.
    """
    if settings.dashboard_path:
        return Hint(
            "The requests of this application are shown here: open one of its pages, and look "
            "again a few seconds later.",
            (),
        )
    if settings.receiver:
        host = asked_host if settings.host in _ANY_HOST else settings.host
        shown = f"[{host}]" if ":" in host else host
        variables = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{shown}:{settings.otlp_http_port}",
            "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        }
        words = "Send this receiver the spans of a Flask application; any OTLP exporter will do."
        if settings.otlp_token:
            variables["OTEL_EXPORTER_OTLP_HEADERS"] = (
                '"authorization=Bearer%20$OTEL_FMD_OTLP_TOKEN"'
            )
            words += " OTEL_FMD_OTLP_TOKEN is the token that this receiver was given."
        return _instrumented("otel-fmd", variables, words)
    url, database = parse_url(settings.database_url)
    path = database.file_path(url)
    variables = {"OTEL_TRACES_EXPORTER": "fmd"}
    words = (
        "There is no receiver beside this dashboard. An application stores its requests in the "
        "same database by itself, or sends them to a receiver that does."
    )
    if path is not None:
        variables["OTEL_FMD_DATABASE_URL"] = shlex.quote(f"{url.get_backend_name()}:///{path}")
    else:
        # Whoever looks need not know its password.
        variables["OTEL_FMD_DATABASE_URL"] = '"$OTEL_FMD_DATABASE_URL"'
        words += " OTEL_FMD_DATABASE_URL is the URL that this dashboard was given."
    if settings.table_prefix:
        variables["OTEL_FMD_TABLE_PREFIX"] = shlex.quote(settings.table_prefix)
    return _instrumented(f"'otel-fmd[{database.extra}]'", variables, words)


def _instrumented(package: str, variables: dict[str, str], words: str) -> Hint:
    given = " ".join(f"{name}={value}" for name, value in (variables | _ONLY_TRACES).items())
    return Hint(
        words,
        (
            f"pip install {package} opentelemetry-distro",
            f"{given} opentelemetry-instrument flask run",
        ),
    )
