"""All settings, in one typed object, read once at the edge of the program.

Each setting has one environment variable, `OTEL_FMD_` and its name in capitals. A value given as an
argument wins over the environment, the environment over the default.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from otel_fmd.errors import ConfigurationError

PREFIX = "OTEL_FMD_"
Parse = Callable[[str], Any]


def _text(value: str) -> str:
    return value


def _flag(value: str) -> bool:
    plain = value.strip().lower()
    if plain in ("1", "true", "yes", "on"):
        return True
    if plain in ("0", "false", "no", "off", ""):
        return False
    raise ValueError("true or false")


def _whole(least: int, most: int) -> Parse:
    def parse(value: str) -> int:
        try:
            number = int(value)
        except ValueError:
            number = least - 1
        if not least <= number <= most:
            raise ValueError(f"a whole number from {least} to {most}")
        return number

    return parse


def _decimal(least: float) -> Parse:
    def parse(value: str) -> float:
        try:
            number = float(value)
        except ValueError:
            number = least - 1
        if not least <= number < float("inf"):
            raise ValueError(f"a number of at least {least:g}")
        return number

    return parse


def _words(value: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in value.split(",") if word.strip())


def _zone(value: str) -> str:
    if value:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError("a time zone such as Europe/Amsterdam, or nothing") from None
    return value


_PORT = _whole(0, 65535)
_UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}


def _size(value: str) -> int:
    plain = value.strip().upper().removesuffix("IB").removesuffix("B")
    unit = plain[-1:] if plain[-1:].isalpha() else ""
    try:
        number = float(plain.removesuffix(unit))
    except ValueError:
        number = -1.0
    if unit not in _UNITS or not 0 <= number < float("inf"):
        raise ValueError("a size such as 500M, 20G, or 0 for no limit")
    return int(number * _UNITS[unit])


def _cron(value: str) -> str:
    """Five fields; the library that reads them is asked where it is installed."""
    if value and len(value.split()) != 5:
        raise ValueError("a cron schedule of five fields, such as `0 3 * * *`, or nothing")
    if value:
        try:
            from croniter import croniter
        except ModuleNotFoundError:
            return value
        if not croniter.is_valid(value):
            raise ValueError("a cron schedule of five fields, such as `0 3 * * *`, or nothing")
    return value


def _setting(default: Any, parse: Parse, description: str) -> Any:
    return field(default=default, metadata={"parse": parse, "help": description})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What holds in this process; `load` makes it."""

    database_url: str = _setting(
        "sqlite:///fmd.db",
        _text,
        "The database: `sqlite:///file.db`, `postgresql://user:password@host/name`, "
        "`mariadb://user:password@host/name` or `mysql://...`.",
    )
    table_prefix: str = _setting(
        "", _text, "Put in front of every table name, as FMD's TABLE_PREFIX."
    )
    host: str = _setting(
        "127.0.0.1",
        _text,
        "The address that receiver and dashboard listen on; loopback by default.",
    )
    otlp_http_port: int = _setting(4318, _PORT, "Port of OTLP/HTTP; 0 takes a free one.")
    otlp_grpc_port: int = _setting(4317, _PORT, "Port of OTLP/gRPC; 0 takes a free one.")
    dashboard_port: int = _setting(8050, _PORT, "Port of the dashboard; 0 takes a free one.")
    dashboard: bool = _setting(True, _flag, "Whether `serve` starts the dashboard.")
    receiver: bool = _setting(True, _flag, "Whether `serve` starts the OTLP receiver.")
    admin_password: str = _setting(
        "",
        _text,
        "Password of the first user, `admin`, made when there are no users; without it one is "
        "generated and printed once.",
    )
    monitor_level: int = _setting(
        2,
        _whole(0, 3),
        "Monitor level of a new endpoint: 0 only when it was last requested, 1 requests, "
        "2 outliers, 3 profiles.",
    )
    outlier_detection_constant: float = _setting(
        2.5, _decimal(1.0), "A request is an outlier when it takes this many times the mean."
    )
    outlier_min_requests: int = _setting(
        30,
        _whole(1, 1_000_000),
        "Requests of an endpoint that must be known before one can be an outlier.",
    )
    internal_roots: bool = _setting(
        False, _flag, "Also take spans of kind INTERNAL without a local parent as requests."
    )
    agent: bool = _setting(
        True,
        _flag,
        "Whether our span processor watches Flask apps under `opentelemetry-instrument`.",
    )
    sampling_period_ms: float = _setting(
        5.0, _decimal(1.0), "Milliseconds between two looks of the profiler, in the monitored app."
    )
    switch_interval_ms: float = _setting(
        1.0,
        _decimal(0.0),
        "The interpreter's switch interval while a profiled request runs, in milliseconds, so that "
        "busy lines are seen; 0: left alone.",
    )
    queue_requests: int = _setting(
        65_536,
        _whole(512, 10_000_000),
        "Requests that may wait to be stored; more are refused (429), or dropped and counted by "
        "the exporter.",
    )
    max_body_bytes: int = _setting(
        64 * 2**20, _size, "Largest OTLP request, before and after decompression."
    )
    max_endpoints: int = _setting(
        2_000,
        _whole(1, 100_000),
        "Endpoints kept per service; further ones become `(other endpoints)`.",
    )
    max_users: int = _setting(
        500,
        _whole(1, 100_000),
        "Users, and addresses, kept per endpoint and version in the rollups; the rest is `others`.",
    )
    allowed_origins: tuple[str, ...] = _setting(
        (), _words, "Origins of browsers that may send spans (CORS), with commas; `*` for all."
    )
    grace_seconds: float = _setting(
        10.0, _decimal(0.0), "How long accepted requests may take to finish when stopping."
    )
    fold_seconds: float = _setting(
        1.0, _decimal(0.0), "Seconds between looks for deltas to fold into the rollups; 0: never."
    )
    keep_requests_days: float = _setting(
        0.0, _decimal(0.0), "Days that requests are kept when pruning; 0: for ever."
    )
    keep_outliers_days: float = _setting(
        0.0, _decimal(0.0), "Days that outliers are kept when pruning; 0: as long as requests."
    )
    keep_profiles_days: float = _setting(
        0.0, _decimal(0.0), "Days that profiles are kept when pruning; 0: as long as requests."
    )
    keep_rollups_days: float = _setting(
        0.0, _decimal(0.0), "Days that rollups (all figures) are kept when pruning; 0: for ever."
    )
    keep_custom_graphs_days: float = _setting(
        0.0, _decimal(0.0), "Days that data of custom graphs is kept when pruning; 0: for ever."
    )
    pruning_schedule: str = _setting(
        "",
        _cron,
        "When `serve` prunes: minute, hour, day, month, day of the week, such as `0 3 * * *`; "
        "empty: only on demand.",
    )
    max_database_size: int = _setting(
        0,
        _size,
        "Size cap of the database, such as `20G`: the oldest rows of the bulkiest kind are evicted "
        "first, rollups last; 0: none.",
    )
    timezone: str = _setting(
        "", _zone, "Time zone of the dashboard, such as `Europe/Amsterdam`; empty: the browser's."
    )
    brand_name: str = _setting("otel-fmd", _text, "Name at the top of the dashboard.")
    log_level: str = _setting("INFO", _text, "Level of our own log: DEBUG, INFO, WARNING, ERROR.")


def variable(name: str) -> str:
    """The environment variable of a setting."""
    return PREFIX + name.upper()


def describe() -> list[tuple[str, str, str, str]]:
    """(name, environment variable, default, description) of every setting."""
    return [
        (f.name, variable(f.name), _shown(f.default), f.metadata["help"]) for f in fields(Settings)
    ]


def load(environ: Mapping[str, str] | None = None, **arguments: Any) -> Settings:
    """The settings from arguments (None: not given; texts are parsed) and environment.

    Raises:
        ConfigurationError: a value cannot be used, or an OTEL_FMD_ variable is unknown.
    """
    environ = os.environ if environ is None else environ
    values: dict[str, Any] = {}
    for setting in fields(Settings):
        name = setting.name
        given = arguments.pop(name, None)
        source = name
        if given is None:
            source = variable(name)
            given = environ.get(source)
        if given is None:
            continue
        values[name] = _parse(source, given, setting.metadata["parse"])
    if arguments:
        raise ConfigurationError(f"unknown settings: {', '.join(sorted(arguments))}")
    return Settings(**values)


def _parse(source: str, given: Any, parse: Parse) -> Any:
    if not isinstance(given, str):
        return given
    try:
        return parse(given)
    except ValueError as error:
        raise ConfigurationError(f"{source}={given!r}: expected {error}") from None


def _shown(default: Any) -> str:
    if isinstance(default, bool):
        return str(default).lower()
    return ",".join(default) if isinstance(default, tuple) else str(default)
