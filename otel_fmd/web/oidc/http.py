"""Requests to a provider: few at a time, with limits on time and size, without redirects.

Anyone can have the dashboard ask a provider, by beginning a login. A provider that hangs must
neither take the threads that serve the dashboard nor those who log in with a password.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore
from typing import Any

import requests
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session

from otel_fmd.config import Provider
from otel_fmd.web.oidc.errors import ProviderDownError

_TIMEOUT_S = (3.05, 5.0)
"""To connect, and to wait for each part of the answer."""
_MOST_BYTES = 512 * 1024
_MOST_AT_ONCE = 3
_PATIENCE_S = 0.5
_NONSENSE = (
    requests.RequestException,
    *(ValueError, TypeError, KeyError, AttributeError, RecursionError),
)
"""What Authlib and we raise when an answer is not there, or is none."""


def new_turns() -> BoundedSemaphore:
    """Permits for requests to providers: as many at once as a dashboard can spare threads."""
    return BoundedSemaphore(_MOST_AT_ONCE)


class ProviderSession(OAuth2Session):  # type: ignore[misc]
    """A session whose requests have limits."""

    def request(self, method: str, url: str, **options: Any) -> requests.Response:
        """Send a request, and read the whole answer.

        Raises:
            requests.RequestException: it took too long, was too large, or there was none.
        """
        options |= {"timeout": _TIMEOUT_S, "allow_redirects": False, "stream": True}
        response: requests.Response = super().request(method, url, **options)
        body = bytearray()
        for part in response.iter_content(16 * 1024):
            body += part
            if len(body) > _MOST_BYTES:
                response.close()
                raise requests.RequestException(f"more than {_MOST_BYTES} bytes")
        response._content = bytes(body)
        return response


class Asker:
    """Asks a provider.

    Args:
        provider: who.
        turns: of all providers together, see `new_turns`.
    """

    def __init__(self, provider: Provider, turns: BoundedSemaphore) -> None:
        self._provider = provider
        self._turns = turns

    @contextmanager
    def asking(self, what: str) -> Iterator[None]:
        """A turn to ask for something, for example `its keys`; failures become ours.

        Raises:
            ProviderDownError: the provider cannot be asked, or its answer makes no sense.
        """
        where, label = f"provider {self._provider.name}: {what}", self._provider.label
        if not self._turns.acquire(timeout=_PATIENCE_S):
            raise ProviderDownError(f"{where}: too many logins wait for answers", label)
        try:
            yield
        except OAuthError:
            raise
        except _NONSENSE as error:
            words = f"{type(error).__name__}: {str(error)[:500]}"
            raise ProviderDownError(f"{where}: {words}", label) from error
        finally:
            self._turns.release()

    def get_json(self, url: str, what: str, access_token: str = "") -> dict[str, Any]:
        """The JSON object at an address.

        Args:
            url: the address.
            what: it is, for the log.
            access_token: of whom the answer is about; '' for what everybody may read.

        Raises:
            ProviderDownError: it is not there.
        """
        token = {"access_token": access_token, "token_type": "Bearer"} if access_token else None
        with self.asking(what), ProviderSession(self._provider.client_id, token=token) as session:
            headers = {"Accept": "application/json"}
            response = session.get(url, headers=headers, withhold_token=token is None)
            if response.status_code != 200:
                raise ValueError(f"{url} answered {response.status_code}")
            found = json.loads(response.content)
            if not isinstance(found, dict):
                raise ValueError(f"{url}: no JSON object")
            return found
