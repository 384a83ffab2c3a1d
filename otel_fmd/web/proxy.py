"""Behind a proxy: below which path, and at which host, browsers reach the dashboard.

`X-Forwarded-*` headers are trusted only from proxies named in the settings; those of any other
client are removed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Any
from urllib.parse import quote, urlsplit

from flask import request
from werkzeug.middleware.proxy_fix import ProxyFix

from otel_fmd.config import Settings
from otel_fmd.errors import ConfigurationError

WsgiApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
_LONGEST = 500


class BehindProxy:
    """A WSGI application that knows the address at which browsers reach it.

    Args:
        app: what is behind the proxy.
        settings: `url_prefix`, below which a proxy serves it and which the proxy may strip or pass
            on; `trusted_proxies`, whose `X-Forwarded-For`, `-Proto`, `-Host` and `-Prefix` are
            trusted; `public_url`, which wins over both.
        mounted: the path of the dashboard below `app`, which `public_url` ends with.

    Raises:
        ConfigurationError: `public_url` does not end with that path.
    """

    def __init__(self, app: WsgiApp, settings: Settings, mounted: str = "") -> None:
        self._app = app
        self._public = urlsplit(settings.public_url)
        self._prefix = settings.url_prefix
        if settings.public_url:
            if not self._public.path.endswith(mounted):
                raise ConfigurationError(
                    f"public_url={settings.public_url!r}: expected one that ends with {mounted!r}, "
                    "where the dashboard is mounted"
                )
            self._prefix = self._public.path.removesuffix(mounted)
        self._trusted = [ip_network(one, strict=False) for one in settings.trusted_proxies]
        self._fixed = ProxyFix(self._below, x_for=1, x_proto=1, x_host=1, x_prefix=1)

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        """Call the app with the effective address and the client's address."""
        environ = dict(environ)
        if self._prefix or self._public.netloc:
            environ["SCRIPT_NAME"] = self._prefix
        if _is_in(environ.get("REMOTE_ADDR", ""), self._trusted):
            return self._fixed(environ, start_response)
        for name in [name for name in environ if name.startswith("HTTP_X_FORWARDED_")]:
            del environ[name]
        return self._below(environ, start_response)

    def _below(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        is_public = bool(self._public.netloc)
        root = plain_root(self._prefix if is_public else environ.get("SCRIPT_NAME", ""))
        path = environ.get("PATH_INFO", "")
        if root and (path == root or path.startswith(f"{root}/")):
            path = path.removeprefix(root)
        inner = {**environ, "SCRIPT_NAME": root, "PATH_INFO": path or "/"}
        if is_public:
            inner["wsgi.url_scheme"] = self._public.scheme
            inner["HTTP_HOST"] = self._public.netloc
        return self._app(inner, start_response)


def plain_root(script_name: str) -> str:
    """A SCRIPT_NAME as a path: never another host (`//`), limited in length."""
    plain = script_name[:_LONGEST].strip("/")
    return f"/{plain}" if plain else ""


def quoted_root(script_name: str) -> str:
    """A SCRIPT_NAME quoted for an address: nothing in it can end an attribute or a cookie."""
    return quote(plain_root(script_name).encode("latin-1", "replace"), safe="/~")


def prefix() -> str:
    """The path at which this browser reaches the dashboard, escaped, with a trailing slash."""
    return quoted_root(request.environ.get("SCRIPT_NAME", "")) + "/"


def _is_in(address: str, networks: Sequence[IPv4Network | IPv6Network]) -> bool:
    try:
        found = ip_address(address)
    except ValueError:
        return False
    return any(found in network for network in networks)
