"""A real browser, and a server with the history of the demo."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, sync_playwright

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
    """A server that received the history of the demo."""
    folder: Path = tmp_path_factory.mktemp("demo")
    served = Served(f"sqlite:///{folder / 'fmd.db'}")
    subprocess.run(
        [sys.executable, "-m", "otel_fmd.demo.history", served.http],
        check=True,
        timeout=240,
        env=dict(os.environ),
        capture_output=True,
    )
    yield served
    served.stop()


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
