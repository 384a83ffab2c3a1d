"""Apps of the tests under the servers that people use, and what was stored of them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import requests

from otel_fmd.queries.counts import total
from otel_fmd.queries.selection import Selection
from otel_fmd.queries.snapshot import Reader
from otel_fmd.store.schema import revision_of
from otel_fmd.store.store import Store
from tests.support.waiting import free_port, wait_for

TOOLS = Path(sys.executable).parent


class RunningApp:
    """An app under its server, in processes of its own."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, log: Path) -> None:
        self._process = process
        self._log = log
        self.base = f"http://127.0.0.1:{port}"

    def stop(self) -> int:
        """End it with SIGTERM, within eight seconds; its exit code."""
        os.killpg(self._process.pid, signal.SIGTERM)
        return self._process.wait(8)

    def get(self, path: str) -> requests.Response:
        """Ask it, over a connection of its own."""
        return requests.get(self.base + path, timeout=20)

    def answers(self, path: str) -> bool:
        """Whether it is up; fails with its log when it has ended."""
        try:
            return self.get(path).ok
        except requests.ConnectionError:
            assert self._process.poll() is None, self._log.read_text()[-4000:]
            return False


@contextmanager
def running_app(
    command: Sequence[str], path: str, folder: Path, **environment: str
) -> Iterator[RunningApp]:
    """Run a program of this environment until its end; `{port}` in the command is a free one.

    Asked once for `path`, to see that it is up.
    """
    port, log = free_port(), folder / "log"
    parts = [part.format(port=port) for part in command]
    for place in range(2 if parts[0] == "opentelemetry-instrument" else 1):
        parts[place] = str(TOOLS / parts[place])
    variables: Mapping[str, str] = {**os.environ, "PYTHONPATH": str(folder), **environment}
    with log.open("wb") as output:
        process = subprocess.Popen(
            parts,
            cwd=folder,
            env=variables,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    app = RunningApp(process, port, log)
    try:
        wait_for(lambda: app.answers(path), 60, "the app answers")
        yield app
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(20)


def counted(url: str, prefix: str = "") -> int:
    """Requests in the figures of a database; -1 while there are no tables yet."""
    store = Store(url, prefix)
    try:
        with store.read() as connection:
            if revision_of(connection, prefix) is None:
                return -1
        with Reader(store).snapshot() as snapshot:
            return total(snapshot, Selection())
    finally:
        store.close()
