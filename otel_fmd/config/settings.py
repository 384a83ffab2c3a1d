"""All settings, in one typed object, read once at the edge of the program.

Each setting has one environment variable, `OTEL_FMD_` and its name in capitals. An argument wins
over the environment, the environment over FMD's own `config.cfg` (see `config_fmd`), and that over
the default.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from typing import Any, NamedTuple

from otel_fmd.config.fmd_file import read_config_file
from otel_fmd.config.values import (
    PORT,
    Parse,
    address,
    colors,
    cron,
    decimal,
    flag,
    from_argument,
    networks,
    path,
    rules,
    size,
    text,
    whole,
    words,
    zone,
)
from otel_fmd.errors import ConfigurationError

PREFIX = "OTEL_FMD_"
_SECRETS = frozenset(["admin_password", "otlp_token"])
_PASSWORD = re.compile(r"(://[^:/@]*):.*@")
_QUERY_PASSWORD = re.compile(r"([?&](?:\w*passw\w*|pwd)=)[^&]*", re.IGNORECASE)
CONFIG_VARIABLES = ("OTEL_FMD_CONFIG_FILE", "FLASK_MONITORING_DASHBOARD_CONFIG")
"""Where the path of a `config.cfg` is looked for; the second is FMD's."""


def _setting(default: Any, parse: Parse, description: str) -> Any:
    if isinstance(default, dict):
        return field(default_factory=dict, metadata={"parse": parse, "help": description})
    return field(default=default, metadata={"parse": parse, "help": description})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What holds in this process; `load` makes it."""

    database_url: str = _setting(
        "sqlite:///fmd.db",
        text,
        "The database: `sqlite:///file.db`, `postgresql://user:password@host/name`, "
        "`mariadb://user:password@host/name` or `mysql://...`.",
    )
    config_file: str = _setting(
        "",
        text,
        "A `config.cfg` of the Flask Monitoring Dashboard; what is set otherwise wins over it. "
        "FMD's `FLASK_MONITORING_DASHBOARD_CONFIG` is read, too.",
    )
    table_prefix: str = _setting(
        "", text, "Put in front of every table name, as FMD's TABLE_PREFIX."
    )
    host: str = _setting(
        "127.0.0.1",
        text,
        "The address that receiver and dashboard listen on; loopback by default.",
    )
    otlp_http_port: int = _setting(4318, PORT, "Port of OTLP/HTTP; 0 takes a free one.")
    otlp_grpc_port: int = _setting(4317, PORT, "Port of OTLP/gRPC; 0 takes a free one.")
    dashboard_port: int = _setting(8050, PORT, "Port of the dashboard; 0 takes a free one.")
    dashboard: bool = _setting(True, flag, "Whether `serve` starts the dashboard.")
    receiver: bool = _setting(True, flag, "Whether `serve` starts the OTLP receiver.")
    dashboard_path: str = _setting(
        "",
        path,
        "Path at which `instrument` mounts the dashboard in the monitored app, such as "
        "`/dashboard`; empty: not at all.",
    )
    url_prefix: str = _setting(
        "",
        path,
        "Path below which a proxy shows the dashboard, such as `/fmd`; whether the proxy takes it "
        "off or leaves it does not matter.",
    )
    trusted_proxies: tuple[str, ...] = _setting(
        (),
        networks,
        "Addresses or networks of proxies, with commas, such as `127.0.0.1,10.0.0.0/8`, whose "
        "`X-Forwarded-For`, `-Proto`, `-Host` and `-Prefix` count; without them of nobody.",
    )
    admin_username: str = _setting(
        "admin", text, "Name of the first user, made when there are no users."
    )
    admin_password: str = _setting(
        "",
        text,
        "Password of the first user, of at least 8 characters; without it one is generated and "
        "printed once.",
    )
    otlp_token: str = _setting(
        "",
        text,
        "Bearer token that the receiver asks of who sends spans or reads monitor levels; without "
        "it levels are told to this machine only.",
    )
    levels_url: str = _setting(
        "",
        address,
        "Where an app that sends OTLP reads its monitor levels, such as `http://127.0.0.1:4318`; "
        "empty: where it sends its spans by OTLP/HTTP.",
    )
    app_version: str = _setting(
        "", text, "Version of the monitored app, when its `service.version` says none."
    )
    git: str = _setting(
        "",
        text,
        "The monitored app's `.git` folder: its commit is the version when nothing else says one.",
    )
    monitor_level: int = _setting(
        2,
        whole(0, 3),
        "Monitor level of a new endpoint: 0 only when it was last requested, 1 requests, "
        "2 outliers, 3 profiles.",
    )
    outlier_detection_constant: float = _setting(
        2.5, decimal(1.0), "A request is an outlier when it takes this many times the mean."
    )
    outlier_min_requests: int = _setting(
        30,
        whole(1, 1_000_000),
        "Requests of an endpoint that must be known before one can be an outlier.",
    )
    internal_roots: bool = _setting(
        False, flag, "Also take spans of kind INTERNAL without a local parent as requests."
    )
    agent: bool = _setting(
        True,
        flag,
        "Whether our span processor watches Flask apps under `opentelemetry-instrument`.",
    )
    sampling_period_ms: float = _setting(
        5.0, decimal(1.0), "Milliseconds between two looks of the profiler, in the monitored app."
    )
    switch_interval_ms: float = _setting(
        0.1,
        decimal(0.0),
        "The interpreter's switch interval while one profiled request runs alone, in milliseconds, "
        "so that busy lines are seen; at least 1 where other threads run, too; 0: left alone.",
    )
    redact: tuple[str, ...] = _setting(
        (),
        words,
        "Further names of headers and values that are secrets, with commas; outliers never carry "
        "them.",
    )
    keep_headers: bool = _setting(True, flag, "Whether outliers carry the request's headers.")
    keep_environ: bool = _setting(True, flag, "Whether outliers carry the WSGI environment.")
    queue_requests: int = _setting(
        65_536,
        whole(512, 10_000_000),
        "Requests that may wait to be stored; more are refused (429), or dropped and counted by "
        "the exporter.",
    )
    max_body_bytes: int = _setting(
        64 * 2**20, size, "Largest OTLP request, before and after decompression."
    )
    max_spans_per_body: int = _setting(
        65_536,
        whole(1, 10_000_000),
        "Spans of one OTLP request, with the messages around them; more are refused (413) before "
        "any is decoded.",
    )
    max_bytes_in_flight: int = _setting(
        24 * 2**20,
        size,
        "Memory that all requests to the receiver together may take until they are stored; more "
        "are refused (429). One that comes alone may take 32 times what was sent.",
    )
    max_connections: int = _setting(
        512,
        whole(8, 100_000),
        "Connections over HTTP, of the receiver and of the dashboard; with more, the one that has "
        "waited longest for its client is closed.",
    )
    max_endpoints: int = _setting(
        2_000,
        whole(1, 100_000),
        "Endpoints kept per service; further ones become `(other endpoints)`.",
    )
    max_paths: int = _setting(
        200,
        whole(1, 100_000),
        "Endpoints kept per service whose names are made from paths, because their spans tell no "
        "route; further ones become `(other paths)`.",
    )
    rename: tuple[str, ...] = _setting(
        (),
        rules,
        "Rules that rename endpoints, `regex -> name`, with `;` or newlines between them. The "
        "first whose regex matches the whole name, or `METHOD /path` of a span without a route, "
        "counts.",
    )
    max_users: int = _setting(
        500,
        whole(1, 100_000),
        "Users, and addresses, kept per endpoint and version in the rollups; the rest is `others`.",
    )
    allowed_origins: tuple[str, ...] = _setting(
        (), words, "Origins of browsers that may send spans (CORS), with commas; `*` for all."
    )
    grace_seconds: float = _setting(
        10.0, decimal(0.0), "How long accepted requests may take to finish when stopping."
    )
    fold_seconds: float = _setting(
        1.0, decimal(0.0), "Seconds between looks for deltas to fold into the rollups; 0: never."
    )
    keep_requests_days: float = _setting(
        0.0, decimal(0.0), "Days that requests are kept when pruning; 0: for ever."
    )
    keep_outliers_days: float = _setting(
        0.0, decimal(0.0), "Days that outliers are kept when pruning; 0: as long as requests."
    )
    keep_profiles_days: float = _setting(
        0.0, decimal(0.0), "Days that profiles are kept when pruning; 0: as long as requests."
    )
    keep_rollups_days: float = _setting(
        0.0, decimal(0.0), "Days that rollups (all figures) are kept when pruning; 0: for ever."
    )
    keep_custom_graphs_days: float = _setting(
        0.0, decimal(0.0), "Days that data of custom graphs is kept when pruning; 0: for ever."
    )
    pruning_schedule: str = _setting(
        "",
        cron,
        "When `serve` prunes: minute, hour, day, month, day of the week, such as `0 3 * * *`; "
        "empty: only on demand.",
    )
    max_database_size: int = _setting(
        0,
        size,
        "Size cap of the database, such as `20G`: the oldest rows of the bulkiest kind are evicted "
        "first, rollups last; 0: none.",
    )
    timezone: str = _setting(
        "", zone, "Time zone of the dashboard, such as `Europe/Amsterdam`; empty: the browser's."
    )
    colors: Mapping[str, tuple[int, int, int]] = _setting(
        {},
        colors,
        "Colours of endpoints, versions or users, as FMD's COLORS: `{'main': '[0,97,255]'}`.",
    )
    brand_name: str = _setting("otel-fmd", text, "Name at the top of the dashboard.")
    title_name: str = _setting(
        "", text, "Name in the browser's tab; empty: the name at the top of the dashboard."
    )
    description: str = _setting(
        "Which endpoint is slow, for whom, since which version, and why.",
        text,
        "What the login page and the overview say below the name.",
    )
    show_login_banner: bool = _setting(True, flag, "Whether the login page shows name and text.")
    show_login_footer: bool = _setting(
        True, flag, "Whether the login page shows the version of otel-fmd."
    )
    log_level: str = _setting("INFO", text, "Level of our own log: DEBUG, INFO, WARNING, ERROR.")


def variable(name: str) -> str:
    """The environment variable of a setting."""
    return PREFIX + name.upper()


def _default(setting: Field[Any]) -> Any:
    return {} if setting.default is MISSING else setting.default


def describe() -> list[tuple[str, str, str, str]]:
    """(name, environment variable, default, description) of every setting."""
    return [
        (f.name, variable(f.name), shown(_default(f)), f.metadata["help"]) for f in fields(Settings)
    ]


class Source(NamedTuple):
    """Where the value of a setting came from, in words, and the value as it was given."""

    where: str
    given: Any


def load(environ: Mapping[str, str] | None = None, **arguments: Any) -> Settings:
    """The settings from arguments (None: not given), environment and file.

    Raises:
        ConfigurationError: a value cannot be used, or an argument is unknown.
    """
    known = {setting.name: setting for setting in fields(Settings)}
    found = sources(environ, **arguments)
    return Settings(**{name: _value(one, known[name]) for name, one in found.items()})


def sources(environ: Mapping[str, str] | None = None, **arguments: Any) -> dict[str, Source]:
    """Where each setting that is not the default came from.

    Raises:
        ConfigurationError: an argument is unknown, or the file cannot be used.
    """
    environ = os.environ if environ is None else environ
    found: dict[str, Source] = {}
    names = [setting.name for setting in fields(Settings)]
    unknown = sorted(set(arguments) - set(names))
    if unknown:
        raise ConfigurationError(f"unknown settings: {', '.join(unknown)}")
    given = [(v, environ.get(v)) for v in CONFIG_VARIABLES]
    for where, file in (("config_file", arguments.get("config_file")), *given):
        if file:
            for name, value in read_config_file(file).items():
                found[name] = Source(f"{file}: {value.where}", value.given)
            found["config_file"] = Source(where, file)
            break
    for name in names:
        if environ.get(variable(name)) is not None:
            found[name] = Source(variable(name), environ[variable(name)])
        if arguments.get(name) is not None:
            found[name] = Source(name, arguments[name])
    return found


def _value(source: Source, setting: Field[Any]) -> Any:
    """What was given, as the type of its setting."""
    try:
        parse: Parse = setting.metadata["parse"]
        default = {} if setting.default is MISSING else setting.default
        return from_argument(source.given, default, parse)
    except ValueError as error:
        words = f"{source.where}={source.given!r}: expected {error}"
        raise ConfigurationError(words) from None


def shown_setting(name: str, value: Any) -> str:
    """A setting's value as it would be written, secrets hidden."""
    if name in _SECRETS and value:
        return "(set)"
    if name == "database_url":
        return _QUERY_PASSWORD.sub(r"\1***", _PASSWORD.sub(r"\1:***@", value))
    return shown(value)


def shown(default: Any) -> str:
    """A value as it would be written."""
    if isinstance(default, bool):
        return str(default).lower()
    if isinstance(default, Mapping):
        return str(default) if default else ""
    return ",".join(default) if isinstance(default, tuple) else str(default)
