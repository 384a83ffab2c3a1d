"""Errors as problem details, RFC 9457."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from http import HTTPStatus

from flask import Response, request
from pydantic import TypeAdapter
from werkzeug.exceptions import HTTPException

from otel_fmd.errors import (
    ConfigurationError,
    ConflictError,
    NotAllowedError,
    NotFoundError,
    OtelFmdError,
    TooManyAttemptsError,
)
from otel_fmd.web.failures import logged

_log = logging.getLogger(__name__)
MEDIA = "application/problem+json"
_RETRY_STORE_S = 5
_KEPT = ("allow", "www-authenticate", "retry-after")


@dataclass(slots=True)
class Mistake:
    """A value that cannot be used.

    Args:
        where: the parameter, or the field of the body.
        detail: what was given, and what was expected.
    """

    where: str
    detail: str


@dataclass(slots=True)
class Problem:
    """What went wrong (RFC 9457).

    Args:
        type: always `about:blank`: the status says what kind of problem it is.
        title: the status in words.
        status: the status.
        detail: what went wrong here.
        errors: each value that cannot be used.
    """

    type: str
    title: str
    status: int
    detail: str
    errors: list[Mistake] = field(default_factory=list)


PROBLEM = TypeAdapter(Problem)


class ProblemError(OtelFmdError):
    """A request that cannot be answered.

    Args:
        status: of the response.
        detail: what went wrong.
        mistakes: each value that cannot be used.
        retry_after_s: seconds after which another try makes sense; 0: none.
    """

    def __init__(
        self,
        status: int,
        detail: str,
        mistakes: Sequence[Mistake] = (),
        retry_after_s: int = 0,
    ) -> None:
        super().__init__(detail, detail)
        self.status = status
        self.mistakes = list(mistakes)
        self.retry_after_s = retry_after_s


def failed(error: Exception) -> Response:
    """The response to any exception of a route."""
    if isinstance(error, HTTPException):
        response = _response(error.code or 500, error.description or error.name)
        for name, value in error.get_headers():
            if name.lower() in _KEPT:
                response.headers[name] = value
        return response
    if isinstance(error, ProblemError):
        return _response(error.status, error.advice, error.mistakes, error.retry_after_s)
    if isinstance(error, TooManyAttemptsError):
        return _response(429, error.advice, retry_after_s=error.wait_s)
    for kind, status in ((NotFoundError, 404), (ConflictError, 409), (ConfigurationError, 422)):
        if isinstance(error, kind):
            return _response(status, str(error))
    if isinstance(error, NotAllowedError):
        return _response(403, error.advice)
    if isinstance(error, OtelFmdError):
        _log.warning("%s: %s", request.path, error)
        return _response(503, error.advice, retry_after_s=_RETRY_STORE_S)
    return _response(500, logged(f"{request.method} {request.path[:200]!r}", error))


def problem_json(status: int, detail: str, mistakes: Sequence[Mistake] = ()) -> bytes:
    """A problem as JSON."""
    title = HTTPStatus(status).phrase
    return PROBLEM.dump_json(Problem("about:blank", title, status, detail, list(mistakes)))


def _response(
    status: int, detail: str, mistakes: Sequence[Mistake] = (), retry_after_s: int = 0
) -> Response:
    response = Response(problem_json(status, detail, mistakes), status, mimetype=MEDIA)
    response.headers["Cache-Control"] = "no-store"
    if retry_after_s:
        response.headers["Retry-After"] = str(retry_after_s)
    return response
