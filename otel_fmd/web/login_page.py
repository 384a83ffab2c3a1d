"""The login page: a form, a button for each provider, and why a login did not work."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from flask import Response, render_template, request

from otel_fmd.config import Provider
from otel_fmd.web.proxy import prefix


class LoginWords(NamedTuple):
    """Texts of the login page: its title, name and text above the form, footer below it."""

    title: str
    name: str
    text: str
    footer: str


class LoginPage:
    """The login page of a dashboard.

    Args:
        words: its texts.
        providers: which have a button.
        passwords: whether it has a form.
    """

    def __init__(
        self, words: LoginWords, providers: Sequence[Provider] = (), *, passwords: bool = True
    ) -> None:
        self.words = words
        self.passwords = passwords
        self._providers = providers

    def show(
        self,
        error: str = "",
        status: int = 200,
        wait_s: int = 0,
        *,
        next_: str | None = None,
        way_out: str = "",
    ) -> Response:
        """The page.

        Args:
            error: why the last attempt did not work; '' if there was none.
            status: of the response.
            wait_s: seconds until the next attempt may be made.
            next_: where to go after a login; None: what the address says.
            way_out: where somebody logs out at their provider, to log in as somebody else; ''
                if that would not help.
        """
        text = render_template(
            "login.html",
            words=self.words,
            error=error,
            prefix=prefix(),
            providers=self._providers,
            passwords=self.passwords,
            way_out=way_out,
            next=(request.args.get("next", "") if next_ is None else next_) or None,
        )
        headers = {"Retry-After": str(wait_s)} if wait_s else {}
        return Response(text, status, headers, mimetype="text/html")

    def show_way_out(self, url: str, label: str) -> Response:
        """The page after a logout here, which goes on to that of a provider.

        A redirect would do, if the logout were no form: the policy of the dashboard's pages has
        browsers follow forms to no other host.
        """
        text = render_template(
            "logout.html", words=self.words, prefix=prefix(), url=url, label=label
        )
        return Response(text, mimetype="text/html")
