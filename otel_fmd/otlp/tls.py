"""TLS with certificates that are read again when their files change."""

from __future__ import annotations

import logging
import os
import ssl
import threading
import time
from collections.abc import Callable
from typing import Any

import grpc

_log = logging.getLogger(__name__)
_LOOK_EVERY_S = 1.0
HANDSHAKE_S = 10.0
"""How long a client may take for its handshake, in seconds."""


class Certificates:
    """A certificate with its key, and the authorities of clients' certificates.

    They are read again for the first handshake, at most once a second, after a file has changed;
    files that cannot be used are reported, and those before stay in force.

    Args:
        certificate: the path of a PEM file with the server's chain.
        key: the path of its key, in PEM; '' if it is in the same file.
        client_ca: the path of the authorities, in PEM, by one of which every client must be
            certified; '' if clients need no certificate.

    Raises:
        ValueError: a file cannot be used; the message names it.
    """

    def __init__(self, certificate: str, key: str = "", client_ca: str = "") -> None:
        self._certificate, self._key, self._client_ca = certificate, key or certificate, client_ca
        self._lock = threading.Lock()
        self._looked_s = time.monotonic()
        self._seen = self._state()
        self._current = self._load()
        self.version = 0
        """Grows when they were read again."""

    @property
    def needs_client(self) -> bool:
        """Whether clients need a certificate."""
        return bool(self._client_ca)

    def context(self) -> ssl.SSLContext:
        """What the next handshake uses."""
        with self._lock:
            now_s = time.monotonic()
            if now_s - self._looked_s >= _LOOK_EVERY_S:
                self._looked_s = now_s
                self._look()
            return self._current

    def read(self) -> tuple[bytes, bytes, bytes | None]:
        """The chain, the key and the authorities, as they are in the files."""
        files = (self._certificate, self._key, self._client_ca)
        chain, key, authorities = (_content(path) if path else None for path in files)
        return chain or b"", key or b"", authorities

    def _look(self) -> None:
        state = self._state()
        if state == self._seen:
            return
        self._seen = state
        try:
            self._current = self._load()
        except ValueError as error:
            _log.warning("%s; the certificate before stays in force", error)
        else:
            self.version += 1
            _log.info("the certificate %s was read again", self._certificate)

    def _state(self) -> list[tuple[int, ...]]:
        """What changes with the files."""
        found: list[tuple[int, ...]] = []
        for path in filter(None, (self._certificate, self._key, self._client_ca)):
            try:
                about = os.stat(path)
            except OSError:
                found.append((0,))
            else:
                found.append((about.st_mtime_ns, about.st_size, about.st_ino))
        return found

    def _load(self) -> ssl.SSLContext:
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        made.minimum_version = ssl.TLSVersion.TLSv1_2
        made.set_alpn_protocols(["http/1.1"])
        try:
            made.load_cert_chain(self._certificate, self._key, password=_no_password)
        except (OSError, ValueError) as error:
            names = " and ".join(dict.fromkeys((self._certificate, self._key)))
            raise ValueError(f"{names}: no certificate with its key in PEM: {error}") from None
        if self._client_ca:
            made.verify_mode = ssl.CERT_REQUIRED
            try:
                made.load_verify_locations(self._client_ca)
            except (OSError, ValueError) as error:
                raise ValueError(
                    f"{self._client_ca}: no certificates of authorities in PEM: {error}"
                ) from None
        return made


class ReloadingContext(ssl.SSLContext):
    """A context for servers of asyncio whose every handshake uses the current certificates."""

    certificates: Certificates

    @classmethod
    def of(cls, certificates: Certificates) -> ReloadingContext:
        """The one of some certificates."""
        made = cls(ssl.PROTOCOL_TLS_SERVER)
        made.certificates = certificates
        return made

    def wrap_bio(self, *arguments: Any, **options: Any) -> ssl.SSLObject:
        """Called by asyncio for each connection."""
        return self.certificates.context().wrap_bio(*arguments, **options)


def grpc_credentials(certificates: Certificates) -> Any:
    """Credentials of a gRPC server that uses the current certificates for each handshake."""
    known = certificates.version

    def made() -> Any:
        chain, key, authorities = certificates.read()
        return grpc.ssl_server_certificate_configuration([(key, chain)], authorities)

    def fetch() -> Any:
        nonlocal known
        certificates.context()
        if certificates.version == known:
            return None
        known = certificates.version
        return made()

    fetcher: Callable[[], Any] = fetch
    return grpc.dynamic_ssl_server_credentials(made(), fetcher, certificates.needs_client)


def _content(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def _no_password() -> str:
    """Instead of OpenSSL's question at the terminal."""
    raise ValueError("the key is encrypted")
