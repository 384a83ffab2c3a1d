"""Behind a proxy: below which path, and at which host, browsers reach the dashboard.

`X-Forwarded-*` headers are trusted only from proxies named in the settings; those of any other
client are removed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Any
from urllib.parse import quote

from flask import request
from flask.sessions import SecureCookieSessionInterface
from werkzeug.middleware.proxy_fix import ProxyFix

WsgiApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
_LONGEST = 500


class BehindProxy:
    """A WSGI application that knows the path below which browsers reach it.

    Args:
        app: what is behind the proxy.
        prefix: that path, such as `/fmd`; '' for none. A proxy may strip it or pass it on.
        trusted: addresses and networks of proxies whose `X-Forwarded-For`, `-Proto`, `-Host` and
            `-Prefix` are trusted.
    """

    def __init__(self, app: WsgiApp, prefix: str, trusted: Sequence[str]) -> None:
        self._app = app
        self._prefix = prefix
        self._trusted = [ip_network(one, strict=False) for one in trusted]
        self._fixed = ProxyFix(self._below, x_for=1, x_proto=1, x_host=1, x_prefix=1)

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        """Call the app with the effective prefix and client address."""
        environ = dict(environ)
        if self._prefix:
            environ["SCRIPT_NAME"] = self._prefix
        if _is_in(environ.get("REMOTE_ADDR", ""), self._trusted):
            return self._fixed(environ, start_response)
        for name in [name for name in environ if name.startswith("HTTP_X_FORWARDED_")]:
            del environ[name]
        return self._below(environ, start_response)

    def _below(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        root = plain_root(environ.get("SCRIPT_NAME", ""))
        path = environ.get("PATH_INFO", "")
        if root and (path == root or path.startswith(f"{root}/")):
            path = path.removeprefix(root)
        inner = {**environ, "SCRIPT_NAME": root, "PATH_INFO": path or "/"}
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


class PrefixedSessions(SecureCookieSessionInterface):
    """Sessions whose cookie is bound to the path and scheme of the request that sets it."""

    def get_cookie_path(self, _app: Any) -> str:
        """Below which path a browser sends it."""
        return prefix()

    def get_cookie_secure(self, _app: Any) -> bool:
        """Whether a browser sends it over https only."""
        return request.is_secure


def _is_in(address: str, networks: Sequence[IPv4Network | IPv6Network]) -> bool:
    try:
        found = ip_address(address)
    except ValueError:
        return False
    return any(found in network for network in networks)
