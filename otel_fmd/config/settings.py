"""All settings, in one typed object, created by `load` at the edge of the program."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from otel_fmd.config.values import (
    PORT,
    Parse,
    address,
    colors,
    cron,
    decimal,
    flag,
    networks,
    one_of,
    path,
    public_url,
    rules,
    size,
    text,
    whole,
    words,
    zone,
)

MOST_DAYS = 36_500
"""A hundred years: what is kept longer is kept for ever."""
MINUTE_DAYS = 3
"""Days that metrics are kept by minutes: longer than a point may be late."""
_DAYS = decimal(0.0, MOST_DAYS)


def _setting(default: Any, parse: Parse, description: str) -> Any:
    if isinstance(default, dict):
        return field(default_factory=dict, metadata={"parse": parse, "help": description})
    return field(default=default, metadata={"parse": parse, "help": description})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings in force in this process; created by `load`."""

    database_url: str = _setting(
        "sqlite:///fmd.db",
        text,
        "The database: `sqlite:///file.db`, `postgresql://user:password@host/name`, "
        "`mariadb://user:password@host/name` or `mysql://...`.",
    )
    config_file: str = _setting(
        "",
        text,
        "A `config.cfg` of the Flask Monitoring Dashboard; arguments and environment variables win "
        "over it. FMD's `FLASK_MONITORING_DASHBOARD_CONFIG` is read as well.",
    )
    table_prefix: str = _setting("", text, "Prefix of every table name, like FMD's TABLE_PREFIX.")
    host: str = _setting(
        "127.0.0.1",
        text,
        "The address that the receiver and the dashboard listen on; loopback by default.",
    )
    tls_cert: str = _setting(
        "",
        text,
        "Path of the certificate (PEM, with its chain) for TLS on every port; empty: no TLS. It is "
        "read again when the file changes.",
    )
    tls_key: str = _setting(
        "", text, "Path of the certificate's key (PEM); empty: in the same file."
    )
    tls_client_ca: str = _setting(
        "",
        text,
        "Path of the authorities (PEM) by one of which every client must be certified; empty: "
        "clients need no certificate.",
    )
    insecure: bool = _setting(
        False,
        flag,
        "Whether it is intended to listen on an address that other machines reach without TLS, or "
        "without asking senders for a token: no warning then.",
    )
    otlp_http_port: int = _setting(4318, PORT, "Port of OTLP/HTTP; 0 picks a free one.")
    otlp_grpc_port: int = _setting(4317, PORT, "Port of OTLP/gRPC; 0 picks a free one.")
    dashboard_port: int = _setting(8050, PORT, "Port of the dashboard; 0 picks a free one.")
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
        "Path below which a proxy serves the dashboard, such as `/fmd`; the proxy may strip it or "
        "pass it on.",
    )
    public_url: str = _setting(
        "",
        public_url,
        "Where browsers reach the dashboard, such as `https://fmd.example.com` or "
        "`https://example.com/fmd`: its scheme, host and path then apply to every request, "
        "whatever a proxy says, and under https cookies are `Secure`; empty: as requested.",
    )
    trusted_proxies: tuple[str, ...] = _setting(
        (),
        networks,
        "Addresses or networks of proxies, separated by commas, such as `127.0.0.1,10.0.0.0/8`, "
        "whose `X-Forwarded-For`, `-Proto`, `-Host` and `-Prefix` are trusted; empty: none.",
    )
    admin_username: str = _setting(
        "admin", text, "Name of the first user, created if there are no users."
    )
    admin_password: str = _setting(
        "",
        text,
        "Password of the first user, at least 12 characters; empty: a link is printed with which "
        "the first user is created.",
    )
    password_login: bool = _setting(
        True,
        flag,
        "Whether people log in with passwords; `false`: only with the providers of "
        "`OTEL_FMD_OIDC_FILE`.",
    )
    oidc_file: str = _setting(
        "",
        text,
        "Path of a TOML file with the OpenID Connect providers with which people log in; empty: "
        "none.",
    )
    security_token: str = _setting(
        "",
        text,
        "Bearer token that reads the REST API, like FMD's SECURITY_TOKEN, at least 16 characters; "
        "API tokens with the scope `read` do as well. Empty: none.",
    )
    otlp_token: str = _setting(
        "",
        text,
        "Bearer token that clients need to send spans or read monitor levels; API tokens with the "
        "scope `ingest` do as well. Empty: anyone may send, and levels are readable from this "
        "machine only.",
    )
    require_token: bool = _setting(
        False,
        flag,
        "Whether clients need an API token with the scope `ingest` although `otlp_token` is empty.",
    )
    levels_url: str = _setting(
        "",
        address,
        "Where an app that sends OTLP reads its monitor levels, such as `http://127.0.0.1:4318`; "
        "empty: from the host that it sends its spans to.",
    )
    app_version: str = _setting(
        "", text, "Version of the monitored app, if it sets no `service.version`."
    )
    git: str = _setting(
        "",
        text,
        "The monitored app's `.git` folder: its commit is the version if no other is set.",
    )
    monitor_level: int = _setting(
        2,
        whole(0, 3),
        "Monitor level of a new endpoint: 0 records only when it was last requested, 1 requests, "
        "2 also outliers, 3 also profiles.",
    )
    outlier_detection_constant: float = _setting(
        2.5, decimal(1.0), "A request is an outlier if it takes more than this many times the mean."
    )
    outlier_min_requests: int = _setting(
        30,
        whole(1, 1_000_000),
        "How many requests of an endpoint must be known before one can be an outlier.",
    )
    internal_roots: bool = _setting(
        False, flag, "Whether spans of kind INTERNAL without a local parent also count as requests."
    )
    agent: bool = _setting(
        True,
        flag,
        "Whether our span processor watches Flask apps under `opentelemetry-instrument`.",
    )
    sampling_period_ms: float = _setting(
        5.0,
        decimal(1.0),
        "Mean milliseconds between two samples of the profiler in the monitored app.",
    )
    switch_interval_ms: float = _setting(
        0.1,
        decimal(0.0),
        "The interpreter's switch interval while one profiled request runs alone, in milliseconds, "
        "so that busy lines are sampled; at least 1 if other threads run as well; 0: unchanged.",
    )
    redact: tuple[str, ...] = _setting(
        (),
        words,
        "Further names of secrets (headers, parameters, attributes), separated by commas; their "
        "values are redacted.",
    )
    keep_headers: bool = _setting(True, flag, "Whether outliers carry the request's headers.")
    keep_environ: bool = _setting(
        True, flag, "Whether outliers carry the WSGI environment, or a span's attributes."
    )
    exception_variables: bool = _setting(
        False,
        flag,
        "Whether exceptions carry the local variables of the app's own functions, secrets hidden.",
    )
    queue_requests: int = _setting(
        65_536,
        whole(512, 10_000_000),
        "Requests that may wait to be stored; the receiver refuses more (429), the exporter drops "
        "and counts them.",
    )
    max_body_bytes: int = _setting(
        64 * 2**20, size, "Largest OTLP request, before and after decompression."
    )
    max_spans_per_body: int = _setting(
        65_536,
        whole(1, 10_000_000),
        "Most spans, points or log records in one OTLP request, including the messages that "
        "contain them; larger ones are refused (413) before decoding.",
    )
    max_bytes_in_flight: int = _setting(
        24 * 2**20,
        size,
        "Memory that all requests to the receiver may take together until they are stored; more "
        "are refused (429). A request that comes alone may take 32 times its size.",
    )
    max_connections: int = _setting(
        512,
        whole(8, 100_000),
        "Most HTTP connections, of the receiver and of the dashboard each; beyond that, the one "
        "idle longest is closed.",
    )
    max_endpoints: int = _setting(
        2_000,
        whole(1, 100_000),
        "Most endpoints per service; further ones become `(other endpoints)`.",
    )
    max_paths: int = _setting(
        200,
        whole(1, 100_000),
        "Most endpoints per service that are named after paths because their spans have no route; "
        "further ones become `(other paths)`.",
    )
    max_services: int = _setting(
        200,
        whole(1, 100_000),
        "Most services; further ones become `(other services)`.",
    )
    max_versions: int = _setting(
        10_000,
        whole(1, 1_000_000),
        "Most versions, of all services together; further ones become `(other versions)`.",
    )
    max_exception_groups: int = _setting(
        2_000,
        whole(1, 100_000),
        "Most exception groups per service; further ones become `(other exceptions)`.",
    )
    in_app: tuple[str, ...] = _setting(
        (),
        words,
        "Beginnings of modules or paths that are your own code although they look like a "
        "library's, separated by commas; exceptions are grouped by your own code.",
    )
    not_in_app: tuple[str, ...] = _setting(
        (),
        words,
        "Beginnings of modules or paths that are not your own code; the longest that fits decides.",
    )
    max_metrics: int = _setting(
        1_000,
        whole(1, 100_000),
        "Most metrics per service; points of further ones are dropped and counted.",
    )
    max_series: int = _setting(
        1_000,
        whole(1, 1_000_000),
        "Most series per metric that had points within a day; points of further ones are dropped "
        "and counted.",
    )
    process_metrics_seconds: float = _setting(
        15.0,
        decimal(0.0),
        "Seconds between looks at CPU, memory, threads and garbage collections of each process of "
        "an app whose requests go straight into the database; over OTLP the app's exporter of "
        "metrics has its own interval. 0: none, in either case.",
    )
    keep_log_severity: str = _setting(
        "WARN",
        one_of("TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"),
        "Least severity of log records that are kept although they belong to no sampled trace.",
    )
    max_logs_per_request: int = _setting(
        1_000,
        whole(0, 1_000_000),
        "Most log records of one request, or trace; further ones are dropped and counted.",
    )
    max_logs_per_minute: int = _setting(
        20_000,
        whole(0, 10_000_000),
        "Most log records that one process keeps in a minute; further ones are dropped and "
        "counted.",
    )
    logs: bool = _setting(
        False,
        flag,
        "Whether what the monitored app logs with Python's `logging` is kept, if its requests go "
        "straight into the database.",
    )
    rename: tuple[str, ...] = _setting(
        (),
        rules,
        "Rules that rename endpoints, `regex -> name`, separated by `;` or newlines. The first "
        "whose regex matches the whole name, or `METHOD /path` of a span without a route, "
        "applies.",
    )
    max_users: int = _setting(
        500,
        whole(1, 100_000),
        "Most users, and most addresses, per endpoint and version in the rollups; the rest are "
        "`(others)`.",
    )
    allowed_origins: tuple[str, ...] = _setting(
        (), words, "Browser origins that may send spans (CORS), separated by commas; `*` for all."
    )
    grace_seconds: float = _setting(
        10.0, decimal(0.0), "Seconds that accepted requests may take to finish at shutdown."
    )
    fold_seconds: float = _setting(
        1.0, decimal(0.0), "Seconds between folding deltas into the rollups; 0: never."
    )
    keep_requests_days: float = _setting(
        0.0, _DAYS, "Days that requests are kept when pruning; 0: forever."
    )
    keep_outliers_days: float = _setting(
        0.0,
        _DAYS,
        "Days that outliers are kept when pruning; 0: as long as requests.",
    )
    keep_profiles_days: float = _setting(
        0.0,
        _DAYS,
        "Days that profiles are kept when pruning; 0: as long as requests.",
    )
    keep_logs_days: float = _setting(
        0.0,
        _DAYS,
        "Days that log records are kept when pruning; 0: as long as requests.",
    )
    keep_rollups_days: float = _setting(
        0.0,
        _DAYS,
        "Days that rollups (all figures) are kept when pruning; 0: forever.",
    )
    keep_metrics_days: float = _setting(
        30.0,
        decimal(MINUTE_DAYS, MOST_DAYS),
        "Days that metrics are kept by quarters of an hour; by minutes it is 3, and by days as "
        "long as rollups.",
    )
    keep_audit_days: float = _setting(
        365.0, _DAYS, "Days that the audit is kept when pruning; 0: forever."
    )
    keep_custom_graphs_days: float = _setting(
        0.0,
        _DAYS,
        "Days that custom graph data is kept when pruning; 0: forever.",
    )
    pruning_schedule: str = _setting(
        "",
        cron,
        "When `serve` prunes, as a cron schedule (minute, hour, day, month, day of the week), such "
        "as `0 3 * * *`; empty: only on demand.",
    )
    max_database_size: int = _setting(
        0,
        size,
        "Size cap of the database, such as `20G`: the oldest rows of the bulkiest kind are evicted "
        "first, rollups last; 0: no cap.",
    )
    timezone: str = _setting(
        "", zone, "Time zone of the dashboard, such as `Europe/Amsterdam`; empty: the browser's."
    )
    colors: Mapping[str, tuple[int, int, int]] = _setting(
        {},
        colors,
        "Colours of endpoints, versions or users, like FMD's COLORS: `{'main': '[0,97,255]'}`.",
    )
    brand_name: str = _setting("otel-fmd", text, "Name at the top of the dashboard.")
    title_name: str = _setting(
        "", text, "Title of the browser tab; empty: the name at the top of the dashboard."
    )
    description: str = _setting(
        "Which endpoint is slow, for whom, since which version, and why.",
        text,
        "Text below the name on the login page and the overview.",
    )
    show_login_banner: bool = _setting(
        True, flag, "Whether the login page shows the name and the text."
    )
    show_login_footer: bool = _setting(
        True, flag, "Whether the login page shows the version of otel-fmd."
    )
    log_level: str = _setting(
        "INFO", text, "Level of otel-fmd's own log: DEBUG, INFO, WARNING or ERROR."
    )
