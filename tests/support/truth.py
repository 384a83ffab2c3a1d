"""What the server answered, as a middleware outside of everything sees it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple


class Answered(NamedTuple):
    """One request: path, status (500 where the app raised), milliseconds until its body's end."""

    path: str
    status: int
    duration_ms: float


class Truth:
    """A WSGI middleware that writes down every answer.

    Args:
        app: what it stands around.
    """

    def __init__(self, app: Callable[..., Any]) -> None:
        self._app = app
        self.answered: list[Answered] = []

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        began, path, seen = time.perf_counter(), environ["PATH_INFO"], [500]

        def note(status: str, headers: Any, exc_info: Any = None) -> Any:
            seen[0] = int(status[:3])
            return start_response(status, headers, exc_info)

        def done() -> None:
            spent = (time.perf_counter() - began) * 1e3
            self.answered.append(Answered(path, seen[0], spent))

        try:
            body = self._app(environ, note)
        except Exception:
            seen[0] = 500
            done()
            raise
        return _Body(body, done)


class _Body:
    def __init__(self, body: Any, done: Callable[[], None]) -> None:
        self._body, self._iterator = body, iter(body)
        self._done = done

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        return next(self._iterator)

    def close(self) -> None:
        """The end of the answer."""
        if hasattr(self._body, "close"):
            self._body.close()
        self._done()
