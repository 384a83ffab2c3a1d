"""Unexpected errors: logged under a reference that the user sees, and can pass on."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Mapping

from flask import Flask, Response, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException, InternalServerError

Answer = Callable[[Exception], Response]
"""Makes a response of an error."""
_log = logging.getLogger(__name__)
_ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"


def logged(what: str, error: BaseException) -> str:
    """Log an unexpected error with its traceback; a sentence for the user, with the reference."""
    reference = "".join(secrets.choice(_ALPHABET) for _ in range(8))
    _log.error("%s failed, reference %s", what, reference, exc_info=error)
    return f"An unexpected error occurred. The log of the server has it as {reference}."


def handle_failures(app: Flask, apis: Mapping[str, Answer]) -> None:
    """Answer an unexpected error of any route with 500 and its reference; HTTP errors as text.

    Args:
        app: the application.
        apis: what answers errors below a path instead, also where there is no route.
    """

    @app.errorhandler(Exception)
    def unexpected(error: Exception) -> ResponseReturnValue:
        for path, answer in apis.items():
            if request.path.startswith(f"{path}/"):
                return answer(error)
        if not isinstance(error, HTTPException):
            sentence = logged(f"{request.method} {request.path[:200]!r}", error)
            error = InternalServerError(sentence)
        if error.response is not None or (error.code or 500) < 400:
            return error
        text = f"{error.description}\n"
        headers = [one for one in error.get_headers() if one[0].lower() != "content-type"]
        return Response(text, error.code, headers, mimetype="text/plain")
