"""The addresses of a login with a provider: its beginning, the way back, a logout from there."""

from __future__ import annotations

import logging
import time

from flask import Blueprint, Response, abort, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.utils import redirect
from werkzeug.wrappers import Response as BaseResponse

from otel_fmd.actions.identities import admit, end_sessions, shut_out
from otel_fmd.errors import OtelFmdError
from otel_fmd.people.identities import Identity
from otel_fmd.people.users import User
from otel_fmd.store.store import Store
from otel_fmd.web.cookies import HINT, set_cookie
from otel_fmd.web.entrance import Entrance
from otel_fmd.web.failures import logged
from otel_fmd.web.login import safe_next
from otel_fmd.web.login_page import LoginPage
from otel_fmd.web.oidc import transactions
from otel_fmd.web.oidc.client import Person, ProviderClient
from otel_fmd.web.oidc.clients import ProviderClients
from otel_fmd.web.oidc.errors import NoAccessError, ProviderLoginError, StaleLoginError
from otel_fmd.web.oidc.tokens import logout_subject
from otel_fmd.web.oidc.transactions import Transaction
from otel_fmd.web.security import address

_log = logging.getLogger(__name__)
_MOST_LOGOUT_TOKEN = 64 * 1024


def oidc_blueprint(
    store: Store, clients: ProviderClients, entrance: Entrance, page: LoginPage
) -> Blueprint:
    """The blueprint `fmd_oidc`: `/login/<name>`, and `callback` and `backchannel` below it.

    Args:
        store: the database.
        clients: the providers.
        entrance: lets users in.
        page: the login page, which says why a login did not work.
    """
    blueprint = Blueprint("fmd_oidc", __name__)

    @blueprint.route("/login/<name>")
    def start(name: str) -> ResponseReturnValue:
        client = _client(clients, name)
        begun = transactions.begin(name, request.args.get("next", ""))
        try:
            response = redirect(client.authorization_url(begun, _callback(name)))
        except Exception as error:
            return _failed(page, error, begun.next)
        transactions.keep(response, begun)
        return response

    @blueprint.route("/login/<name>/callback")
    def callback(name: str) -> ResponseReturnValue:
        client = _client(clients, name)
        begun = transactions.find(name, request.args.get("state", ""))
        if begun is None:
            stale = StaleLoginError(f"provider {name}: an answer to no login under way")
            entrance.refuse(name, "", str(stale))
            return _failed(page, stale, "")
        response = _answered(client, begun)
        transactions.finish(response, begun)
        return response

    def _answered(client: ProviderClient, begun: Transaction) -> BaseResponse:
        """The response to an answer of the provider, which is used by this."""
        name = client.provider.name
        try:
            person = client.person(request.args, begun, _callback(name))
            user = _admitted(store, client, person)
        except Exception as error:
            way_out, who = "", ""
            if isinstance(error, NoAccessError):
                back_to = url_for("fmd_login.login", _external=True)
                way_out = clients.logout_url(client.provider, back_to, error.id_token)
                who = error.who
            entrance.refuse(name, who, "no role here" if who else str(error))
            return _failed(page, error, begun.next, way_out)
        response = entrance.enter(user, safe_next(begun.next), by=name)
        set_cookie(response, HINT, person.id_token)
        return response

    @blueprint.route("/login/<name>/backchannel", methods=["POST"])
    def backchannel(name: str) -> ResponseReturnValue:
        client = _client(clients, name)
        token = request.form.get("logout_token", "")[:_MOST_LOGOUT_TOKEN]
        try:
            provider = client.provider
            subject = logout_subject(token, provider, client.discovery, time.time())
        except ProviderLoginError as error:
            _log.warning("back-channel logout: %s", error)
            return Response("invalid_request\n", 400, {"Cache-Control": "no-store"})
        end_sessions(store, name, Identity(provider.issuer, subject), address())
        return Response("", 200, {"Cache-Control": "no-store"})

    return blueprint


def _client(clients: ProviderClients, name: str) -> ProviderClient:
    client = clients.get(name)
    if client is None:
        abort(404, "there is no such provider")
    return client


def _callback(name: str) -> str:
    """Where the provider sends the browser back to; registered there."""
    return url_for("fmd_oidc.callback", name=name, _external=True)


def _admitted(store: Store, client: ProviderClient, person: Person) -> User:
    """The user of somebody for whom the provider vouches.

    Raises:
        NoAccessError: their claims give them no role here; older sessions of theirs have ended.
    """
    provider = client.provider
    if person.role is None:
        shut_out(store, provider.name, person.identity, address())
        raise NoAccessError(provider.name, provider.label, person.name, person.id_token)
    return admit(store, provider.name, person.identity, person.name, person.role, address())


def _failed(page: LoginPage, error: Exception, next_: str, way_out: str = "") -> Response:
    """The login page with the reason, or the reference of an error that nobody expected."""
    if isinstance(error, ProviderLoginError):
        _log.warning("login: %s", error)
        return page.show(error.advice, error.status, next_=next_, way_out=way_out)
    if isinstance(error, OtelFmdError):
        raise error
    return page.show(logged("a login with a provider", error), 502, next_=next_)
