"""All providers of a dashboard, by name and by user."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from otel_fmd.config import Provider
from otel_fmd.people.identities import identity_of
from otel_fmd.people.users import User
from otel_fmd.store.store import Store
from otel_fmd.web.oidc.client import ProviderClient
from otel_fmd.web.oidc.errors import ProviderDownError
from otel_fmd.web.oidc.http import new_turns

_log = logging.getLogger(__name__)


class ProviderClients:
    """The providers with which people log in.

    Args:
        store: the database, which has their users.
        providers: from the settings.
    """

    def __init__(self, store: Store, providers: Sequence[Provider]) -> None:
        self._store = store
        turns = new_turns()
        self._clients = {one.name: ProviderClient(one, turns) for one in providers}
        self._names = {one.issuer: one.name for one in providers}

    def get(self, name: str) -> ProviderClient | None:
        """The provider with this name."""
        return self._clients.get(name)

    def provider_of(self, user: User) -> Provider | None:
        """With which somebody logs in; None for a user with a password."""
        if user.has_password:
            return None
        with self._store.read() as connection:
            identity = identity_of(connection, self._store.tables, user)
        name = "" if identity is None else self._names.get(identity.issuer, "")
        client = self._clients.get(name)
        return None if client is None else client.provider

    def logout_url(self, provider: Provider, back_to: str, id_token: str) -> str:
        """Where a browser logs out there, and comes back from; '' if it cannot."""
        try:
            return self._clients[provider.name].logout_url(back_to, id_token)
        except ProviderDownError as error:
            _log.warning("no logout at a provider: %s", error)
            return ""
