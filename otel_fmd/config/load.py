"""Where the values of settings come from, and how they are shown.

Each setting has one environment variable, `OTEL_FMD_` and its name in capitals. An argument wins
over the environment, the environment over FMD's own `config.cfg` (see `fmd_file`), and that over
the default.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields
from typing import Any, NamedTuple

from otel_fmd.config.fmd_file import read_config_file
from otel_fmd.config.settings import Settings
from otel_fmd.config.values import Parse, from_argument
from otel_fmd.errors import ConfigurationError

PREFIX = "OTEL_FMD_"
_SECRETS = frozenset(["admin_password", "otlp_token", "security_token"])
_PASSWORD = re.compile(r"(://[^:/@]*):.*@")
_QUERY_PASSWORD = re.compile(r"([?&](?:\w*passw\w*|pwd)=)[^&]*", re.IGNORECASE)
_SERVICE_LINK = re.compile(r"(tcp|udp|sctp)://[^/]+:\d+")
"""What Kubernetes sets in every pod beside a Service: `OTEL_FMD_DASHBOARD_PORT=tcp://10.0.0.1:8050`
for one that is called `otel-fmd-dashboard`. It is none of our settings."""
CONFIG_VARIABLES = ("OTEL_FMD_CONFIG_FILE", "FLASK_MONITORING_DASHBOARD_CONFIG")
"""Variables that may hold the path of a `config.cfg`; the second is FMD's."""


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
    """Where the value of a setting came from, as text, and the value as it was given."""

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
        text = environ.get(variable(name))
        if text is not None and not _SERVICE_LINK.fullmatch(text):
            found[name] = Source(variable(name), text)
        if arguments.get(name) is not None:
            found[name] = Source(name, arguments[name])
    return found


def _value(source: Source, setting: Field[Any]) -> Any:
    """The given value, converted to the type of its setting."""
    try:
        parse: Parse = setting.metadata["parse"]
        default = {} if setting.default is MISSING else setting.default
        return from_argument(source.given, default, parse)
    except ValueError as error:
        given = source.given
        shown_value = _PASSWORD.sub(r"\1:***@", given) if isinstance(given, str) else given
        words = f"{source.where}={shown_value!r}: expected {error}"
        raise ConfigurationError(words) from None


def shown_setting(name: str, value: Any) -> str:
    """A setting's value as text, secrets hidden."""
    if name in _SECRETS and value:
        return "(set)"
    if name == "database_url":
        return _QUERY_PASSWORD.sub(r"\1***", _PASSWORD.sub(r"\1:***@", value))
    return shown(value)


def shown(default: Any) -> str:
    """A value as text."""
    if isinstance(default, bool):
        return str(default).lower()
    if isinstance(default, Mapping):
        return str(default) if default else ""
    return ",".join(default) if isinstance(default, tuple) else str(default)
