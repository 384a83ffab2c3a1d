"""Runs an application from PyPI, with a middleware around all of it; nothing else of ours is there.

Arguments: the application, its port, and the file that gets a line of JSON for each request.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from flask import Flask
from werkzeug.serving import make_server


def make(name: str) -> Flask:
    """The application."""
    if name == "httpbin":
        from httpbin import app

        return app
    if name == "moto":
        from moto.moto_api._internal import mock_random
        from moto.moto_server.werkzeug_app import create_backend_app

        mock_random.seed(7)
        return create_backend_app("s3")
    from flask_admin import Admin
    from flask_admin.contrib.fileadmin import FileAdmin

    files = Path("files").absolute()
    shutil.rmtree(files, ignore_errors=True)
    (files / "inner").mkdir(parents=True)
    (files / "one.txt").write_text("one")
    made = Flask("files")
    made.secret_key = "not secret"
    Admin(made, name="Files").add_view(FileAdmin(str(files), "/files/", name="Files"))
    return made


class Truth:
    """The outermost middleware: what the server was answered, and how long it took."""

    def __init__(self, app: Flask, path: str) -> None:
        self._app = app
        self._log = Path(path).open("a")  # noqa: SIM115 - open as long as the process

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterator[bytes]:
        began = time.perf_counter_ns()
        seen: list[int] = []

        def started(status: str, headers: Any, error: Any = None) -> Any:
            seen.append(int(status.split()[0]))
            return (
                start_response(status, headers, error) if error else start_response(status, headers)
            )

        body = self._app(environ, started)
        try:
            yield from body
        finally:
            close = getattr(body, "close", None)
            if close is not None:
                close()
            ms = (time.perf_counter_ns() - began) / 1e6
            line = {"path": environ["PATH_INFO"], "status": seen[-1], "ms": ms}
            self._log.write(json.dumps(line) + "\n")
            self._log.flush()


def main() -> None:
    """Serve until the end."""
    name, port, path = sys.argv[1:]
    random.seed(7)
    app = make(name)
    if os.environ.get("INSTRUMENT"):
        import otel_fmd

        otel_fmd.instrument(app)
    make_server("127.0.0.1", int(port), Truth(app, path)).serve_forever()


if __name__ == "__main__":
    main()
