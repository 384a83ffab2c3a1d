"""A real browser, and a server with the history of the demo."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, sync_playwright

from otel_fmd.store.space import checkpoint
from otel_fmd.store.store import Store
from tests.support.demo_signals import plant
from tests.support.recount import Recount
from tests.support.requirements import program
from tests.support.serving import Served
from tests.support.visitor import Visitor

CHROMIUM_OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Headless Chromium."""
    path = program("chromium", "chromium-browser", "google-chrome")
    with sync_playwright() as playwright:
        one = playwright.chromium.launch(executable_path=path, args=CHROMIUM_OPTIONS)
        yield one
        one.close()


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server that received the history of the demo, and metrics and logs beside it."""
    path: Path = tmp_path_factory.mktemp("demo") / "fmd.db"
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    _make_history(shared / "demo-history.db")
    shutil.copy(shared / "demo-history.db", path)
    served = Served(f"sqlite:///{path}")
    plant(served)
    yield served
    served.stop()


def _make_history(path: Path) -> None:
    """A database with the history of the demo, made once for all processes of a run."""
    with path.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if path.exists():
            return
        making = path.with_name("demo-making.db")
        served = Served(f"sqlite:///{making}", "--no-dashboard")
        subprocess.run(
            [sys.executable, "-m", "otel_fmd.demo.history", served.http],
            check=True,
            timeout=240,
            env=dict(os.environ),
            capture_output=True,
        )
        served.stop()
        store = Store(f"sqlite:///{making}")
        checkpoint(store)
        store.close()
        making.rename(path)


@pytest.fixture
def visit(browser: Browser) -> Iterator[Callable[..., Visitor]]:
    """Makes visitors, and checks that no console error was left."""
    contexts = []
    visitors: list[Visitor] = []

    def make(served: Served, *, width: int = 1400, height: int = 900, **options: Any) -> Visitor:
        context = browser.new_context(viewport={"width": width, "height": height}, **options)
        contexts.append(context)
        visitor = Visitor(context.new_page(), served.dashboard)
        visitor.served = served
        visitors.append(visitor)
        return visitor

    yield make
    problems = [problem for visitor in visitors for problem in visitor.problems]
    for context in contexts:
        context.close()
    assert problems == []


@pytest.fixture(scope="module")
def recount(demo: Served) -> Recount:
    """The demo's rows."""
    return Recount(demo)


@pytest.fixture(scope="session")
def logged_in(browser: Browser, demo: Served) -> Any:
    """The cookies of an admin of the demo: to log in takes seconds."""
    context = browser.new_context()
    Visitor(context.new_page(), demo.dashboard).log_in()
    state = context.storage_state()
    context.close()
    return state


@pytest.fixture
def visitor(visit: Callable[..., Visitor], demo: Served, logged_in: Any) -> Visitor:
    """A logged-in admin."""
    return visit(demo, storage_state=logged_in)
