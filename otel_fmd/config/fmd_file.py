"""FMD's own configuration file, `config.cfg`: every key of FMD 5.1, in our words.

Facts from FMD's documentation (docs/configuration, docs/alerting) and its example file.
"""

from __future__ import annotations

import configparser
import os
from typing import NamedTuple

from otel_fmd.errors import ConfigurationError

_KEYS: dict[str, dict[str, str]] = {
    "dashboard": {
        "APP_VERSION": "app_version",
        "GIT": "git",
        "CUSTOM_LINK": "dashboard_path",
        "MONITOR_LEVEL": "monitor_level",
        "OUTLIER_DETECTION_CONSTANT": "outlier_detection_constant",
        "SAMPLING_PERIOD": "sampling_period_ms",
        "SAMPLING_RATE": "sampling_period_ms",
        "ENABLE_LOGGING": "log_level",
        "BRAND_NAME": "brand_name",
        "TITLE_NAME": "title_name",
        "DESCRIPTION": "description",
        "SHOW_LOGIN_BANNER": "show_login_banner",
        "SHOW_LOGIN_FOOTER": "show_login_footer",
    },
    "authentication": {
        "USERNAME": "admin_username",
        "PASSWORD": "admin_password",
        "SECURITY_TOKEN": "security_token",
    },
    "database": {"TABLE_PREFIX": "table_prefix", "DATABASE": "database_url"},
    "visualization": {"TIMEZONE": "timezone", "COLORS": "colors"},
    "alerting": {},
}
NOT_USED: dict[str, dict[str, str]] = {
    "dashboard": {"BLUEPRINT_NAME": "no blueprint is added to the app"},
    "authentication": {
        "GUEST_USERNAME": "FMD 5.1 does not read it either: `otel-fmd user add`",
        "GUEST_PASSWORD": "FMD 5.1 does not read it either: `otel-fmd user add`",
    },
    "alerting": dict.fromkeys(
        (
            "ENABLED",
            "TYPE",
            "SMTP_HOST",
            "SMTP_PORT",
            "SMTP_USER",
            "SMTP_PASSWORD",
            "SMTP_TO",
            "CHAT_PLATFORM",
            "CHAT_WEBHOOK_URL",
            "GITHUB_TOKEN",
            "REPOSITORY_OWNER",
            "REPOSITORY_NAME",
        ),
        "alerts are not in this version",
    ),
}
"""Keys that are known and have no effect here, with the reason."""


class Value(NamedTuple):
    """A value of the file, as text, and its key in words."""

    where: str
    given: str


def read_config_file(file: str) -> dict[str, Value]:
    """The settings that a `config.cfg` of FMD makes, by our names.

    Args:
        file: its path; paths in it are relative to it.

    Raises:
        ConfigurationError: it cannot be read, or has a section or key that FMD 5.1 does not have.
    """
    found: dict[str, Value] = {}
    for section, pairs in _parsed(file).items():
        for key, text in pairs.items():
            where = f"[{section}] {key}"
            if key in NOT_USED.get(section, {}):
                continue
            name = _KEYS[section].get(key)
            if name is None:
                known = ", ".join([*_KEYS[section], *NOT_USED.get(section, {})])
                raise ConfigurationError(f"{file}: {where}: unknown key; expected one of {known}")
            found[name] = Value(where, _in_our_words(file, where, name, text))
    return found


def unused_keys(file: str) -> dict[str, str]:
    """The keys in a `config.cfg` that have no effect here, with the reason."""
    return {
        f"[{section}] {key}": NOT_USED[section][key]
        for section, pairs in _parsed(file).items()
        for key in pairs
        if key in NOT_USED.get(section, {})
    }


def known_keys() -> dict[str, list[str]]:
    """Every key by section, those without effect included."""
    return {section: [*keys, *NOT_USED.get(section, {})] for section, keys in _KEYS.items()}


def _parsed(file: str) -> dict[str, dict[str, str]]:
    parser = configparser.RawConfigParser()
    parser.optionxform = str.upper  # type: ignore[assignment,method-assign]
    try:
        # Windows' editors put a byte order mark before UTF-8.
        with open(file, encoding="utf-8-sig") as opened:
            parser.read_file(opened)
    except OSError as error:
        raise ConfigurationError(f"{file}: cannot be read: {error.strerror}") from None
    except (configparser.Error, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{file}: not a configuration file: {error}") from None
    for section in parser.sections():
        if section not in _KEYS:
            raise ConfigurationError(
                f"{file}: [{section}]: unknown section; expected one of {', '.join(_KEYS)}"
            )
    return {section: dict(parser.items(section)) for section in parser.sections()}


def _in_our_words(file: str, where: str, name: str, text: str) -> str:
    text = text.strip()
    if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"":
        text = text[1:-1]
    if name == "git":
        return os.path.join(os.path.dirname(os.path.abspath(file)), text)
    if name == "log_level":
        if text.lower() not in ("true", "false"):
            raise ConfigurationError(f"{file}: {where}={text!r}: expected True or False")
        return "DEBUG" if text.lower() == "true" else "INFO"
    return text
