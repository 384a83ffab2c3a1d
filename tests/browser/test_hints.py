"""The empty dashboard says how the first requests get there: what it says is run as it stands."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import requests

from otel_fmd.actions.tokens import add_token
from otel_fmd.config import Settings
from otel_fmd.people.actor import OPERATOR
from otel_fmd.store.store import Store
from otel_fmd.views.hints import first_requests
from tests.browser.conftest import Visitor
from tests.support.apps import counted, running_app
from tests.support.serving import Served
from tests.support.waiting import wait_for

APP = """
from flask import Flask

app = Flask("shop")
app.add_url_rule("/", "index", lambda: "x")
"""
TOKEN = "s3cret+token/of=base64=="


def told(visitor: Visitor) -> list[str]:
    """The commands on the page."""
    visitor.log_in()
    text = visitor.page.locator(".commands pre").inner_text()
    return [one.strip() for one in text.removeprefix("$ ").split("\n$ ")]


@pytest.mark.parametrize("way", ["receiver", "token", "API token", "every address", "no receiver"])
def test_the_commands_of_an_empty_dashboard(
    visit: Callable[..., Visitor], tmp_path: Path, way: str
) -> None:
    """On whatever ports, with a token, without a receiver: five requests arrive."""
    url = f"sqlite:///{tmp_path / 'its database.db'}"
    environment = {
        "token": {"OTEL_FMD_OTLP_TOKEN": TOKEN},
        "API token": {"OTEL_FMD_REQUIRE_TOKEN": "true"},
    }.get(way, {})
    options = {
        "no receiver": ["--no-receiver", "--table-prefix", "my_"],
        "every address": ["--host", "0.0.0.0"],
    }
    served = Served(url, *options.get(way, []), **environment)
    try:
        served.addresses["dashboard"] = served.dashboard.replace("0.0.0.0", "127.0.0.1")
        if way == "API token":
            store = Store(url)
            environment["INGEST_TOKEN"] = add_token(OPERATOR, store, "apps", ["ingest"], None)
            store.close()
        install, run = told(visit(served))
        assert install.startswith("pip install ")
        words = shlex.split(run)
        place = words.index("opentelemetry-instrument")
        assert words[place:] == ["opentelemetry-instrument", "flask", "run"]
        # As a shell would: the names of variables in what the page cannot know are replaced.
        shell = f"{run[: run.index('opentelemetry-instrument')]} env -0"
        given = subprocess.run(
            ["bash", "-c", shell], env=environment, capture_output=True, text=True, check=True
        ).stdout
        variables = dict(one.split("=", 1) for one in given.split("\0") if "=" in one)
        variables = {k: v for k, v in variables.items() if k.startswith("OTEL_")}
        (tmp_path / "app.py").write_text(APP)
        command = [*words[place:], "--port", "{port}"]
        with running_app(command, "/", tmp_path, **variables) as app:
            for _ in range(4):
                assert requests.get(app.base, timeout=5).text == "x"
        prefix = "my_" if way == "no receiver" else ""
        wait_for(lambda: counted(url, prefix) == 5, 20, "five requests")
    finally:
        served.stop()


def test_a_mounted_dashboard_needs_no_command() -> None:
    """Its application is what it watches."""
    hint = first_requests(Settings(dashboard_path="/dashboard"), "localhost")
    assert not hint.commands
    assert "this application" in hint.words


@pytest.mark.parametrize("name", ["postgresql", "mariadb"])
def test_the_password_of_a_database_is_not_told(name: str) -> None:
    """Whoever may look need not know it; the extra is the database's."""
    settings = Settings(receiver=False, database_url=f"{name}://fmd:s3cret@db/fmd")
    hint = first_requests(settings, "localhost")
    assert "s3cret" not in str(hint)
    assert f"pip install 'otel-fmd[{name}]'" in hint.commands[0]
    assert "$OTEL_FMD_DATABASE_URL" in hint.commands[1]


def test_a_receiver_on_ipv6() -> None:
    """Its address stands in brackets."""
    hint = first_requests(Settings(host="::1", otlp_http_port=9999), "elsewhere")
    assert "OTEL_EXPORTER_OTLP_ENDPOINT=http://[::1]:9999 " in hint.commands[1]


def test_a_receiver_with_tls() -> None:
    """https; what clients need for it, in words."""
    settings = Settings(tls_cert="/server.pem", tls_client_ca="/ca.pem")
    hint = first_requests(settings, "localhost")
    assert "OTEL_EXPORTER_OTLP_ENDPOINT=https://127.0.0.1:4318 " in hint.commands[1]
    assert "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE" in hint.words
