"""What is wrong with a request to FMD's REST API."""

from __future__ import annotations

from otel_fmd.errors import OtelFmdError


class RequestError(OtelFmdError):
    """A request has a value that cannot be used; the message names it and what was expected.

    Args:
        message: shown to the caller.
        status: of the response.
    """

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message, message)
        self.status = status


def no_endpoint(endpoint_id: int) -> RequestError:
    """There is no endpoint with this id."""
    return RequestError(f"endpoint {endpoint_id}: there is no endpoint with this id", 404)
