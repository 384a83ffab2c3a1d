"""The file of the OpenID Connect providers: TOML, one table for each, in the order of the buttons.

Nothing is fetched here: whether a provider answers is found out when somebody logs in.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from otel_fmd.config.settings import Settings
from otel_fmd.errors import ConfigurationError

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,29}")
_TEXT_WIDTH = 500
_SECRETS = ("client_secret", "client_secret_env", "client_secret_file")
_PACKAGES = ("authlib", "joserfc", "requests")
GUEST = "guest"


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """An OpenID Connect provider, with which people log in.

    Args:
        name: of its table; part of the callback address, and of the names of its users.
        issuer: its URL, exactly as its ID tokens have it.
        client_id: the dashboard's name there.
        client_secret: the dashboard's password there; '' for a public client.
        label: the text of its button.
        scopes: what is asked for.
        role_claims: paths into the claims, whose values together decide the role.
        admin_values: who has one of them is an admin.
        guest_values: who has one of them is a guest.
        default_role: what somebody without any of them is: `guest`, or '' for nobody, who may not
            log in.
        username_claim: the claim with the user's name; '' for the usual ones.
    """

    name: str
    issuer: str
    client_id: str
    client_secret: str = field(default="", repr=False)
    label: str
    scopes: tuple[str, ...] = ("openid", "profile", "email")
    role_claims: tuple[str, ...] = ()
    admin_values: tuple[str, ...] = ()
    guest_values: tuple[str, ...] = ()
    default_role: str = ""
    username_claim: str = ""


def login_providers(settings: Settings) -> tuple[Provider, ...]:
    """The providers with which people can log in to the dashboard.

    Raises:
        ConfigurationError: their file cannot be used, their packages are not installed, or nobody
            could log in because passwords are switched off and there is no provider.
    """
    if settings.oidc_file:
        for package in _PACKAGES:
            if find_spec(package) is None:
                raise ConfigurationError(
                    f"oidc_file={settings.oidc_file!r} needs {package!r}: "
                    "pip install 'otel-fmd[oidc]'"
                )
        return read_oidc_file(settings.oidc_file)
    if not settings.password_login:
        raise ConfigurationError(
            "password_login=False: nobody could log in; expected OTEL_FMD_OIDC_FILE with a "
            "provider, or passwords switched on"
        )
    return ()


def read_oidc_file(file: str, environ: Mapping[str, str] | None = None) -> tuple[Provider, ...]:
    """The providers in a file.

    Args:
        file: its path; paths in it are relative to it.
        environ: the environment, in which secrets may be; None: that of this process.

    Raises:
        ConfigurationError: it cannot be read, or something in it is unknown, missing or wrong; the
            message names table, key, value and what was expected.
    """
    environ = os.environ if environ is None else environ
    found = tuple(_provider(file, name, table, environ) for name, table in _parsed(file).items())
    if not found:
        raise ConfigurationError(f"{file}: expected a table for each provider, such as [google]")
    issuers: dict[str, str] = {}
    for one in found:
        other = issuers.setdefault(one.issuer, one.name)
        if other != one.name:
            raise _wrong(
                file, one.name, "issuer", one.issuer, f"another one than that of [{other}]"
            )
    return found


def _parsed(file: str) -> dict[str, Any]:
    # Monitored apps read settings, too, and never this file.
    import tomllib

    try:
        # Windows' editors put a byte order mark before UTF-8.
        return tomllib.loads(Path(file).read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise ConfigurationError(f"{file}: cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{file}: not a TOML file: {error}") from None


def _provider(file: str, name: str, table: Any, environ: Mapping[str, str]) -> Provider:
    if not _NAME.fullmatch(name):
        raise ConfigurationError(
            f"{file}: [{name[:50]}]: expected a name of 1 to 30 lower-case letters, digits, - and _"
        )
    if not isinstance(table, dict):
        raise ConfigurationError(f"{file}: {name}={table!r}: expected a table, [{name}]")
    values: dict[str, Any] = {}
    for key, value in table.items():
        read = _KEYS.get(key)
        if read is None:
            known = ", ".join(_KEYS)
            raise ConfigurationError(
                f"{file}: [{name}] {key}: unknown key; expected one of {known}"
            )
        try:
            values[key] = read(value)
        except ValueError as error:
            raise _wrong(file, name, key, value, str(error)) from None
    for key in ("issuer", "client_id"):
        if key not in values:
            raise ConfigurationError(f"{file}: [{name}] {key} is missing: expected {_NEEDED[key]}")
    values["client_secret"] = _secret(file, name, values, environ)
    values["role_claims"] = values.pop("role_claim", ())
    values.setdefault("label", f"Log in with {name.capitalize()}")
    made = Provider(name=name, **values)
    _check_roles(file, made)
    return made


def _wrong(file: str, name: str, key: str, value: Any, expected: str) -> ConfigurationError:
    shown = "(hidden)" if key == "client_secret" else repr(value)[:200]
    return ConfigurationError(f"{file}: [{name}] {key}={shown}: expected {expected}")


def _secret(file: str, name: str, values: dict[str, Any], environ: Mapping[str, str]) -> str:
    """The client's secret; takes the keys from which it comes out of the values."""
    given = {key: values.pop(key) for key in _SECRETS if key in values}
    if len(given) > 1:
        raise ConfigurationError(
            f"{file}: [{name}] {' and '.join(given)}: expected only one of them"
        )
    for key, value in given.items():
        if key == "client_secret":
            return str(value)
        if key == "client_secret_env":
            if not environ.get(value):
                raise _wrong(file, name, key, value, "the name of a variable that is set")
            return str(environ[value])
        path = Path(file).absolute().parent / str(value)
        try:
            text = path.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError):
            text = ""
        if not text:
            raise _wrong(file, name, key, value, "the path of a file that holds the secret")
        return text
    return ""


def _check_roles(file: str, made: Provider) -> None:
    """Somebody must be able to log in, and what is said of roles must have an effect."""
    where, values = f"{file}: [{made.name}]", made.admin_values + made.guest_values
    if made.role_claims and not values:
        raise ConfigurationError(
            f"{where} role_claim={made.role_claims[0]!r}: expected admin_values or guest_values "
            "beside it"
        )
    if values and not made.role_claims:
        key = "admin_values" if made.admin_values else "guest_values"
        raise ConfigurationError(f"{where} {key}: expected role_claim beside it")
    if not values and not made.default_role:
        raise ConfigurationError(
            f"{where}: nobody could log in; expected role_claim with admin_values and "
            'guest_values, or default_role = "guest" for everybody whom this issuer knows'
        )
    both = sorted(set(made.admin_values) & set(made.guest_values))
    if both:
        raise _wrong(file, made.name, "guest_values", both, "no values of admin_values")


def is_loopback(host: str) -> bool:
    """Whether a host is this machine, to which plain http is safe."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _text(value: Any) -> str:
    usable = isinstance(value, str) and 0 < len(value) <= _TEXT_WIDTH and value.isprintable()
    if not usable or value != value.strip():
        raise ValueError(f"a text of 1 to {_TEXT_WIDTH} printable characters")
    return str(value)


def _texts(value: Any) -> tuple[str, ...]:
    try:
        if not isinstance(value, list) or not value:
            raise ValueError
        return tuple(_text(one) for one in value)
    except ValueError:
        raise ValueError('a list of texts, such as ["admins"]') from None


def _issuer(value: Any) -> str:
    expected = f"{_NEEDED['issuer']}, https except on this machine"
    try:
        parts = urlsplit(_text(value))
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        raise ValueError(expected) from None
    is_safe = parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host))
    if not host or not is_safe or parts.query or parts.fragment or "@" in parts.netloc:
        raise ValueError(expected)
    return str(value)


def _scopes(value: Any) -> tuple[str, ...]:
    found = _texts(value)
    if "openid" not in found or any(" " in one for one in found):
        raise ValueError('a list of scopes with "openid", such as ["openid", "profile"]')
    return found


def _role_claim(value: Any) -> tuple[str, ...]:
    try:
        return (_text(value),) if isinstance(value, str) else _texts(value)
    except ValueError:
        raise ValueError('the path of a claim, such as "realm_access.roles", or a list') from None


def _default_role(value: Any) -> str:
    if value != GUEST:
        raise ValueError('"guest", or no such key: then who has no role may not log in')
    return GUEST


_NEEDED = {
    "issuer": "a URL such as https://accounts.google.com",
    "client_id": "the id under which the provider knows the dashboard",
}
_KEYS: dict[str, Callable[[Any], Any]] = {
    "issuer": _issuer,
    "client_id": _text,
    "client_secret": _text,
    "client_secret_env": _text,
    "client_secret_file": _text,
    "label": _text,
    "scopes": _scopes,
    "role_claim": _role_claim,
    "admin_values": _texts,
    "guest_values": _texts,
    "default_role": _default_role,
    "username_claim": _text,
}
