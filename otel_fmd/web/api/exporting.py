"""The route that streams requests."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator

from flask import Response

from otel_fmd.people.actor import Role
from otel_fmd.views.api.export import FORMATS, chunks
from otel_fmd.views.api.look import SELECTION
from otel_fmd.views.api.requests import REQUESTS_PAGE, Request
from otel_fmd.views.parameters import CURSOR, LIMIT, Parameter, one_of, one_schema
from otel_fmd.web.api.problems import ProblemError
from otel_fmd.web.api.reading import REQUEST
from otel_fmd.web.api.route import Call, Route

MOST_EXPORTS = 2
"""Exports at once in a process: each takes a thread of the server until it is read."""
_RETRY_S = 10
_EXPORT_FORMAT = Parameter(
    "format",
    "`csv`; `jsonl`, an object in each line; `parquet`, if pyarrow is installed on the server.",
    one_of(*FORMATS),
    "csv",
    schema=one_schema(*FORMATS),
)
_running: set[str] = set()
_lock = threading.Lock()


def _export(call: Call) -> Response:
    """All selected requests.

    Raises:
        ProblemError: too many exports are running.
    """
    name = call.look.value(_EXPORT_FORMAT)
    media, write = FORMATS[name]
    found = write(chunks(call.api.reader, call.look))
    response = Response(_Export(found, call.actor.name), mimetype=media)
    response.headers["Content-Disposition"] = f"attachment; filename=requests.{name}"
    return response


class _Export:
    """A stream that gives its place back at its end, and when its reader goes away.

    Args:
        parts: what is streamed.
        who: reads it; nobody has two places.

    Raises:
        ProblemError: too many exports are running.
    """

    def __init__(self, parts: Generator[bytes, None, None], who: str) -> None:
        with _lock:
            if who in _running or len(_running) >= MOST_EXPORTS:
                whose = "one of yours is" if who in _running else f"{len(_running)} are"
                words = f"{whose} running: try again when an export is done"
                raise ProblemError(429, words, retry_after_s=_RETRY_S)
            _running.add(who)
        self._parts, self._who = parts, who
        self._has_place = True

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        try:
            return next(self._parts)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Called by the server in any case."""
        if self._has_place:
            self._has_place = False
            with _lock:
                _running.discard(self._who)
            self._parts.close()


ROUTES: tuple[Route, ...] = (
    Route(
        "/requests/export",
        "GET",
        Role.GUEST,
        REQUEST,
        "Export requests",
        _export,
        "Streams every selected request, the newest first. A stream that breaks off ends without "
        "the last chunk of the response: check that your client reports it.",
        (
            *(one for one in REQUESTS_PAGE.parameters if one not in (CURSOR, LIMIT)),
            *SELECTION,
            _EXPORT_FORMAT,
        ),
        Request,
        media=tuple(media for media, _ in FORMATS.values()),
        views=(REQUESTS_PAGE,),
    ),
)
