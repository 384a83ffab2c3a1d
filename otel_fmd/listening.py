"""Where `serve` listens: sockets, certificates, and what other machines reach unprotected."""

from __future__ import annotations

import socket
from ipaddress import ip_address

from otel_fmd.config import Settings
from otel_fmd.errors import ConfigurationError
from otel_fmd.otlp.tls import Certificates


def certificates_of(settings: Settings) -> Certificates | None:
    """The certificates for TLS; None without.

    Raises:
        ConfigurationError: a file cannot be used.
    """
    if not settings.tls_cert:
        if settings.tls_key or settings.tls_client_ca:
            raise ConfigurationError(
                "OTEL_FMD_TLS_CERT is empty: expected the path of a certificate, because "
                "OTEL_FMD_TLS_KEY or OTEL_FMD_TLS_CLIENT_CA is set"
            )
        return None
    try:
        return Certificates(settings.tls_cert, settings.tls_key, settings.tls_client_ca)
    except ValueError as error:
        raise ConfigurationError(f"TLS: {error}") from None


def exposures(settings: Settings) -> list[str]:
    """What other machines reach unprotected, as sentences; none if that is intended."""
    if settings.insecure or _is_loopback(settings.host):
        return []
    found = []
    behind_tls = settings.tls_cert or settings.public_url.startswith("https://")
    if not behind_tls:
        found.append("logins and telemetry are sent without TLS: set OTEL_FMD_TLS_CERT")
    needs_token = settings.otlp_token or settings.require_token or settings.tls_client_ca
    if settings.receiver and not needs_token:
        found.append("anyone who reaches it may send telemetry: set OTEL_FMD_REQUIRE_TOKEN=true")
    return found


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def bind(host: str, port: int, name: str) -> socket.socket:
    """A socket that listens.

    Args:
        host: the address.
        port: 0 picks a free one.
        name: the setting of the port, for the message.

    Raises:
        ConfigurationError: it cannot listen there.
    """
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        # asyncio turns Nagle's algorithm off only if the protocol is named: otherwise a response in
        # two writes waits 40 ms for the client's delayed acknowledgement.
        bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, port))
        bound.listen(128)
    except OSError as error:
        raise taken(name, host, port, error.strerror or str(error)) from None
    return bound


def taken(name: str, host: str, port: int, why: str) -> ConfigurationError:
    """The error of a port that cannot be used."""
    return ConfigurationError(
        f"{name}={port}: cannot listen on {host}:{port} ({why.lower()}); "
        "choose another port, or 0 for a free one"
    )


def url_of(scheme: str, host: str, port: int) -> str:
    """The URL of a port."""
    shown = f"[{host}]" if ":" in host else host
    return f"{scheme}://{shown}:{port}"
