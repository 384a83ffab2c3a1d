"""Why a login with a provider did not work: for the log, and for the page that says so."""

from __future__ import annotations

from otel_fmd.errors import OtelFmdError


class ProviderLoginError(OtelFmdError):
    """A login that did not work.

    Args:
        message: for the log.
        advice: for the page; names nothing that came from outside.
        status: of the response.
    """

    def __init__(self, message: str, advice: str, status: int) -> None:
        super().__init__(message, advice)
        self.status = status


class ProviderDownError(ProviderLoginError):
    """A provider does not answer, too slowly, or not as the protocol wants."""

    def __init__(self, message: str, label: str) -> None:
        advice = f"“{label}” does not work now: the provider cannot be reached. Try again later."
        super().__init__(message, advice, 503)


class UnverifiedError(ProviderLoginError):
    """An answer that is not what the provider may answer to this login: nothing in it counts."""

    def __init__(self, message: str, label: str) -> None:
        advice = f"“{label}”: the provider's answer could not be verified. The log says why."
        super().__init__(message, advice, 502)


class StaleLoginError(ProviderLoginError):
    """An answer to no login that this browser has under way."""

    def __init__(self, message: str) -> None:
        advice = (
            "This login was used already, took longer than ten minutes, or began in another "
            "browser. Try again."
        )
        super().__init__(message, advice, 400)


class RefusedError(ProviderLoginError):
    """The provider, or the role that it gives, does not let somebody in."""

    def __init__(self, message: str, advice: str, status: int = 403) -> None:
        super().__init__(message, advice, status)


class NoAccessError(RefusedError):
    """Somebody logged in at the provider, and has no role here.

    Args:
        provider: its name.
        label: of its button.
        who: as the provider names them.
        id_token: with which the provider knows whom to log out.
    """

    def __init__(self, provider: str, label: str, who: str, id_token: str) -> None:
        super().__init__(
            f"provider {provider}: {who!r} has no role here",
            f"“{label}” worked, but you have no access to this dashboard. Ask its administrator.",
        )
        self.who = who
        self.id_token = id_token
