"""Every way to log in that the settings allow, registered in the dashboard's application."""

from __future__ import annotations

from flask import Flask

from otel_fmd.config import Settings, login_providers
from otel_fmd.store.store import Store
from otel_fmd.web.entrance import Entrance
from otel_fmd.web.login import ProviderLogouts, login_blueprint
from otel_fmd.web.login_page import LoginPage, LoginWords
from otel_fmd.web.setup import setup_blueprint


def register_logins(
    app: Flask, store: Store, settings: Settings, entrance: Entrance, words: LoginWords
) -> None:
    """Register the login page, the set-up link and the OpenID Connect providers.

    Args:
        app: the dashboard's application.
        store: the database.
        settings: in force.
        entrance: lets users in.
        words: texts of the login page.

    Raises:
        ConfigurationError: the file of providers cannot be used, or nobody could log in.
    """
    providers = login_providers(settings)
    page = LoginPage(words, providers, passwords=settings.password_login)
    logouts: ProviderLogouts | None = None
    if providers:
        # Authlib is installed only where a provider is used.
        from otel_fmd.web.oidc.clients import ProviderClients
        from otel_fmd.web.oidc.routes import oidc_blueprint

        logouts = clients = ProviderClients(store, providers)
        app.register_blueprint(oidc_blueprint(store, clients, entrance, page))
    app.register_blueprint(login_blueprint(entrance, page, logouts))
    app.register_blueprint(setup_blueprint(store, entrance, page, settings.admin_username))
