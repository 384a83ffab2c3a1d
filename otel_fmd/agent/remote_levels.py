"""Monitor levels over HTTP, from the receiver that an app sends its spans to."""

from __future__ import annotations

import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from urllib.parse import quote, urlsplit

from otel_fmd.agent.url_map import NewEndpoints
from otel_fmd.errors import LevelsUnavailableError

PATH = "/v1/agent/levels"
ENDPOINTS_PATH = "/v1/agent/endpoints"
_TIMEOUT_S = 5.0
_MOST_BYTES = 8 * 2**20


@dataclass(frozen=True, slots=True)
class RemoteSeed:
    """What the server knows of an endpoint."""

    level: int
    count: int
    sum_ns: int


class RemoteLevels:
    """Reads levels from a receiver; call it for what changed since the last call.

    It first reports the endpoints of the apps' URL maps, if there are new ones.

    Args:
        url: the receiver, such as `http://127.0.0.1:4318`.
        service: the app's `service.name`.
        token: the bearer token; '' for none.
        version: the app's version; '' when it is not known.
        news: the endpoints to report; None for none.
        certificates: paths of the authorities (PEM), of a certificate for this client, and of its
            key; '' for each that is not needed. Used for `https`.
    """

    def __init__(
        self,
        url: str,
        service: str,
        token: str,
        version: str = "",
        news: NewEndpoints | None = None,
        certificates: tuple[str, str, str] = ("", "", ""),
    ) -> None:
        parts = urlsplit(url)
        self._url = url
        self._secure = parts.scheme == "https"
        self._host = parts.netloc.rpartition("@")[2]
        self._root = parts.path.rstrip("/")
        self._service, self._version = service, version
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._news = news
        self._certificates = certificates
        self._etag = ""

    def __call__(self) -> Mapping[str, RemoteSeed]:
        """The levels and means by endpoint; empty when they are the ones of the last call.

        Raises:
            LevelsUnavailableError: the receiver did not answer with levels.
        """
        if self._news is not None:
            self._news.report(self._report)
        path = f"{PATH}?service={quote(self._service, safe='')}"
        answer, body = self._ask("GET", path, {"If-None-Match": self._etag})
        if answer.status == 304:
            return {}
        if answer.status != 200:
            raise LevelsUnavailableError(f"{self._url}{PATH}: status {answer.status}")
        found = self._seeds(body)
        self._etag = answer.headers.get("ETag", "")
        return found

    def _report(self, names: list[str]) -> bool:
        known = {"service": self._service, "version": self._version, "endpoints": names}
        body = json.dumps(known).encode()
        headers = {"Content-Type": "application/json"}
        answer, _ = self._ask("POST", ENDPOINTS_PATH, headers, body)
        # An older receiver has no such path, and one with a token that we lack takes nothing:
        # levels will say so. Only what may pass is tried again.
        return answer.status != 503

    def _ask(
        self, method: str, path: str, headers: dict[str, str], body: bytes | None = None
    ) -> tuple[HTTPResponse, bytes]:
        # Not urllib: an app that traces its outgoing calls would trace ours.
        try:
            connection = self._connection()
        except (OSError, ValueError) as error:
            raise LevelsUnavailableError(f"{self._certificates}: {error}") from None
        try:
            asked = {**self._headers, **headers}
            connection.request(method, f"{self._root}{path}", body=body, headers=asked)
            answer = connection.getresponse()
            return answer, answer.read(_MOST_BYTES)
        except (OSError, HTTPException) as error:
            raise LevelsUnavailableError(f"{self._url}{PATH}: {error}") from None
        finally:
            connection.close()

    def _connection(self) -> HTTPConnection:
        if not self._secure:
            return HTTPConnection(self._host, timeout=_TIMEOUT_S)
        # They are read each time: they may have been replaced.
        authorities, certificate, key = self._certificates
        context = ssl.create_default_context(cafile=authorities or None)
        if certificate:
            context.load_cert_chain(certificate, key or None)
        return HTTPSConnection(self._host, timeout=_TIMEOUT_S, context=context)

    def _seeds(self, body: bytes) -> dict[str, RemoteSeed]:
        try:
            return {
                name: RemoteSeed(int(one["level"]), int(one["count"]), int(one["sum_ns"]))
                for name, one in json.loads(body)["levels"].items()
                if 0 <= int(one["level"]) <= 3
            }
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise LevelsUnavailableError(
                f"{self._url}{PATH}: expected levels by endpoint: {error!r}"
            ) from None
