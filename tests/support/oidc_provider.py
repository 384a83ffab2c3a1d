"""A small OpenID Connect provider on a port of its own, built on Authlib's provider side.

It insists on PKCE and on registered addresses, and uses a code once. Tests have it answer wrongly,
slowly or not at all.
"""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode

import requests
from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749 import AuthorizationCodeGrant, ClientMixin
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oidc.core import AuthorizationCodeMixin, OpenIDCode
from flask import Flask, Response, jsonify, redirect, request
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, OctKey, RSAKey
from joserfc.jws import JWSRegistry
from werkzeug.serving import make_server

CLIENT, SECRET = "otel-fmd", "a secret of the client"
Claims = dict[str, Any]


class _Client(ClientMixin):  # type: ignore[misc]
    def __init__(self, provider: SmallProvider) -> None:
        self._provider = provider

    def get_client_id(self) -> str:
        return CLIENT

    def get_default_redirect_uri(self) -> str:
        return ""

    def get_allowed_scope(self, scope: str) -> str:
        return scope

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return redirect_uri in self._provider.redirect_uris

    def check_client_secret(self, client_secret: str) -> bool:
        return client_secret == self._provider.client_secret

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method == self._provider.method

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type == "authorization_code"


class _Code(AuthorizationCodeMixin):  # type: ignore[misc]
    def __init__(self, subject: str, values: dict[str, str]) -> None:
        self.subject = subject
        self.values = values
        self.code_challenge = values["code_challenge"]
        self.code_challenge_method = values["code_challenge_method"]

    def get_redirect_uri(self) -> str:
        return self.values["redirect_uri"]

    def get_scope(self) -> str:
        return self.values["scope"]

    def get_nonce(self) -> str | None:
        return self.values.get("nonce")

    def get_auth_time(self) -> int:
        return int(time.time())

    def get_acr(self) -> None:
        return None

    def get_amr(self) -> None:
        return None


class SmallProvider:
    """The provider, its people, and what it does wrong.

    Attributes:
        people: the claims of each subject, in the ID token.
        more: further claims of each subject, in userinfo only.
        redirect_uris: where it sends browsers back to.
        method: how the client has to send its secret.
        metadata: what its metadata have instead.
        alter: changes the claims of an ID token before it is signed.
        sign: signs them; None: with its newest key.
        answers: what an address answers instead: a status and a body, or where it redirects to.
        pause: the addresses that answer only once `go_on` is set.
        asked: the addresses that were asked for.
    """

    def __init__(self) -> None:
        self.people: dict[str, Claims] = {}
        self.more: dict[str, Claims] = {}
        self.redirect_uris = ["http://localhost/login/acme/callback"]
        self.client_secret, self.method = SECRET, "client_secret_basic"
        self.metadata: dict[str, Any] = {}
        self.first_key = RSAKey.generate_key(2048, auto_kid=True)
        self.keys: list[RSAKey | ECKey] = [self.first_key]
        self.alter: Callable[[Claims], Claims] = lambda claims: claims
        self.sign: Callable[[Claims], str] | None = None
        self.answers: dict[str, tuple[int, str]] = {}
        self.pause: set[str] = set()
        self.go_on = threading.Event()
        self.asked: list[str] = []
        self._codes: dict[str, _Code] = {}
        self._tokens: dict[str, str] = {}
        self._server = make_server("127.0.0.1", 0, self._app(), threaded=True)
        self.issuer = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    def start(self) -> None:
        """Answer from now on."""
        self._thread.start()

    def stop(self) -> None:
        """Be gone."""
        self.go_on.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def signed(self, claims: Claims, **header: Any) -> str:
        """A token with these claims, by its newest key."""
        key = self.keys[-1]
        algorithm = "ES256" if isinstance(key, ECKey) else "RS256"
        registry = JWSRegistry(algorithms=[algorithm], strict_check_header=False)
        registry.max_header_length = 100_000
        whole = {"alg": algorithm, "kid": key.kid, **header}
        return jwt.encode(whole, claims, key, registry=registry)

    def by_secret(self, claims: Claims) -> str:
        """One that is signed with the client's secret, which is no key pair."""
        return jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(self.client_secret * 2))

    def unsigned(self, claims: Claims) -> str:
        """One that nobody signed."""
        parts = [json.dumps(one).encode() for one in ({"alg": "none"}, claims)]
        return ".".join(base64.urlsafe_b64encode(one).rstrip(b"=").decode() for one in parts) + "."

    def logout_token(self, subject: str, **changes: Any) -> str:
        """What it sends when somebody logged out elsewhere."""
        claims = {
            "iss": self.issuer,
            "aud": CLIENT,
            "iat": int(time.time()),
            "exp": int(time.time()) + 120,
            "jti": str(time.time_ns()),
            "sub": subject,
            "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
            **changes,
        }
        return self.signed({k: v for k, v in claims.items() if v is not None}, typ="logout+jwt")

    def log_in(self, address: str, subject: str) -> str:
        """What somebody does there: the address to which their browser is sent back."""
        answer = requests.post(address, {"sub": subject}, allow_redirects=False, timeout=10)
        assert answer.status_code == 302, answer.text
        return answer.headers["Location"]

    def _app(self) -> Flask:
        app = Flask("small_provider")
        server = AuthorizationServer()
        server.init_app(
            app,
            query_client=lambda client_id: _Client(self) if client_id == CLIENT else None,
            save_token=self._save_token,
        )
        server.register_grant(
            self._grant(), [_openid(self)(require_nonce=True), CodeChallenge(required=True)]
        )

        @app.before_request
        def misbehave() -> Any:
            self.asked.append(request.path)
            if request.path in self.pause:
                self.go_on.wait(60)
            if request.path in self.answers:
                status, body = self.answers[request.path]
                headers = {"Location": body} if 300 <= status < 400 else {}
                return Response(body, status, headers, mimetype="application/json")

        @app.get("/.well-known/openid-configuration")
        def metadata() -> Any:
            found = {
                "issuer": self.issuer,
                "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token",
                "userinfo_endpoint": f"{self.issuer}/userinfo",
                "jwks_uri": f"{self.issuer}/keys",
                "end_session_endpoint": f"{self.issuer}/logout",
                "token_endpoint_auth_methods_supported": [self.method],
                **self.metadata,
            }
            return jsonify({k: v for k, v in found.items() if v is not None})

        @app.get("/keys")
        def keys() -> Any:
            return jsonify(KeySet(list(self.keys)).as_dict(private=False))

        @app.route("/authorize", methods=["GET", "POST"])
        def authorize() -> Any:
            if request.method == "GET":
                return "<form method=post><input name=sub><button>Continue</button></form>"
            if "error" in request.form:
                values = {"error": request.form["error"], "state": request.args["state"]}
                return redirect(f"{request.args['redirect_uri']}?{urlencode(values)}")
            return server.create_authorization_response(grant_user=request.form["sub"])

        @app.post("/token")
        def token() -> Any:
            return server.create_token_response()

        @app.get("/userinfo")
        def userinfo() -> Any:
            subject = self._tokens[request.headers["Authorization"].removeprefix("Bearer ")]
            return jsonify({"sub": subject, **self.people[subject], **self.more.get(subject, {})})

        return app

    def _save_token(self, token: dict[str, Any], asked: Any) -> None:
        self._tokens[token["access_token"]] = asked.user

    def _grant(self) -> type:
        codes = self._codes

        class Grant(AuthorizationCodeGrant):  # type: ignore[misc]
            TOKEN_ENDPOINT_AUTH_METHODS = ["client_secret_basic", "client_secret_post", "none"]

            def save_authorization_code(self, code: str, asked: Any) -> None:
                codes[code] = _Code(asked.user, dict(asked.payload.data))

            def query_authorization_code(self, code: str, client: Any) -> _Code | None:
                return codes.get(code)

            def delete_authorization_code(self, authorization_code: _Code) -> None:
                for code in [one for one, it in codes.items() if it is authorization_code]:
                    del codes[code]

            def authenticate_user(self, authorization_code: _Code) -> str:
                return authorization_code.subject

        return Grant


def _openid(provider: SmallProvider) -> type:
    class Code(OpenIDCode):  # type: ignore[misc]
        def exists_nonce(self, nonce: str, asked: Any) -> bool:
            return False

        def get_client_algorithm(self, client: Any) -> str:
            return "RS256"

        def get_client_claims(self, client: Any) -> Claims:
            return {"iss": provider.issuer}

        def resolve_client_private_key(self, client: Any) -> Any:
            return provider.first_key

        def generate_user_info(self, user: str, scope: str) -> Claims:
            return {"sub": user, **provider.people[user]}

        def encode_id_token(self, token: Any, asked: Any) -> str:
            right = super().encode_id_token(token, asked)
            body = right.split(".")[1]
            claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
            return (provider.sign or provider.signed)(provider.alter(claims))

    return Code


@contextmanager
def small_provider() -> Iterator[SmallProvider]:
    """A provider that stops at the end."""
    provider = SmallProvider()
    provider.start()
    try:
        yield provider
    finally:
        provider.stop()
