"""A dashboard with OpenID Connect providers, and browsers that log in to it."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from flask.testing import FlaskClient

from dash_app.app import create_app
from otel_fmd.config import Settings
from otel_fmd.store.store import Store
from otel_fmd.views.look import NO_PROCESS
from otel_fmd.web.proxy import BehindProxy
from tests.support.oidc_provider import CLIENT, SECRET, SmallProvider

ORIGIN = {"Origin": "http://localhost"}
ROLES = """
role_claim = "roles"
admin_values = ["fmd-admin"]
guest_values = ["fmd-guest"]
"""


def table(provider: SmallProvider, name: str = "acme", roles: str = ROLES) -> str:
    """A provider's table in the file of providers."""
    return (
        f'[{name}]\nissuer = "{provider.issuer}"\nclient_id = "{CLIENT}"\n'
        f'client_secret = "{SECRET}"\n{roles}\n'
    )


class OidcSite:
    """A dashboard whose people log in with a provider.

    Args:
        store: its database.
        provider: with which; another one than ours needs a text.
        file: where the file of providers is written.
        text: what is in it; '' for the provider, by the name `acme`, with roles.
        settings: further ones.
    """

    def __init__(
        self,
        store: Store,
        provider: SmallProvider | Any,
        file: Path,
        text: str = "",
        **settings: Any,
    ) -> None:
        self.store = store
        self.provider = provider
        file.write_text(text or table(provider))
        found = Settings(oidc_file=str(file), **settings)
        self.app = create_app(store, found, NO_PROCESS)
        self.app.testing = False
        self.app.wsgi_app = BehindProxy(self.app.wsgi_app, found)  # type: ignore[method-assign]

    def browser(self) -> FlaskClient:
        """Somebody who is not logged in."""
        return self.app.test_client()

    def begin(self, browser: FlaskClient, path: str = "/login/acme") -> str:
        """Click on the button: the address at the provider."""
        answer = browser.get(path)
        assert answer.status_code == 302, answer.text
        return str(answer.headers["Location"])

    def back(self, browser: FlaskClient, address: str) -> Any:
        """Come back from the provider: the response of the dashboard."""
        parts = urlsplit(address)
        return browser.get(f"{parts.path}?{parts.query}")

    def log_in(self, browser: FlaskClient, subject: str = "1", path: str = "/login/acme") -> Any:
        """All of it."""
        there = self.begin(browser, path)
        return self.back(browser, self.provider.log_in(there, subject))

    def is_in(self, browser: FlaskClient) -> bool:
        """Whether somebody is logged in."""
        return bool(browser.get("/_dash-layout").status_code == 200)

    def audit(self) -> list[tuple[str, str, str, str, str]]:
        """Action, actor, target, before and after of each entry."""
        with self.store.read() as connection:
            rows = connection.execute(self.store.tables.audit.select()).all()
        return [(r.action, r.actor, r.target, r.value_before, r.value_after) for r in rows]
