"""A real Prometheus scrapes a real server as `docs/metrics.md` says; queries and alerts work."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from tests.integration.test_metrics import send
from tests.integration.test_tokens import command
from tests.support.requirements import ROOT, program
from tests.support.serving import Served
from tests.support.waiting import free_port, wait_for

DOCS = (ROOT / "docs" / "metrics.md").read_text()
SCRAPE, ALERTS = (yaml.safe_load(one) for one in re.findall(r"```yaml\n(.*?)```", DOCS, re.DOTALL))
RATE, ERRORS, P95 = re.findall(r"```promql\n(.*?)```", DOCS, re.DOTALL)


class Prometheus:
    """Prometheus, in a folder of its own.

    Args:
        folder: of its files.
        configuration: what it scrapes, and its rules.
    """

    def __init__(self, folder: Path, configuration: dict[str, Any]) -> None:
        path = folder / "prometheus.yml"
        path.write_text(yaml.safe_dump(configuration))
        self.url = f"http://127.0.0.1:{free_port()}"
        listen = self.url.removeprefix("http://")
        options = (f"--web.listen-address={listen}", f"--storage.tsdb.path={folder / 'data'}")
        self._log = (folder / "log").open("w")
        self._process = subprocess.Popen(
            [program("prometheus"), f"--config.file={path}", *options],
            cwd=folder,
            stdout=self._log,
            stderr=self._log,
        )

    def get(self, path: str, **query: str) -> Any:
        """The data of an answer; None while there is none."""
        try:
            answer = requests.get(f"{self.url}/api/v1/{path}", query, timeout=10)
        except requests.ConnectionError:
            assert self._process.poll() is None, Path(self._log.name).read_text()
            return None
        return answer.json().get("data")

    def values(self, query: str) -> dict[str, float]:
        """The values of a query, by endpoint."""
        found = self.get("query", query=query)
        return {
            one["metric"].get("endpoint", ""): float(one["value"][1]) for one in found["result"]
        }

    def stop(self) -> None:
        """Stop it."""
        self._process.terminate()
        self._process.wait(30)
        self._log.close()


@pytest.fixture
def served(serve: Callable[..., Served], new_url: Callable[[str], str]) -> Served:
    """A receiver that asks for tokens."""
    return serve(new_url("sqlite"), "--no-dashboard", OTEL_FMD_REQUIRE_TOKEN="true")


@pytest.fixture
def prometheus(served: Served, tmp_path: Path) -> Iterator[Prometheus]:
    """One with the documented configuration: the target and the token's file are ours, and time."""
    (job,) = SCRAPE["scrape_configs"]
    token = tmp_path / "token"
    token.write_text(f"{command(served, 'add', 'prometheus', '--scope', 'read')}\n")
    rules = tmp_path / "rules.yml"
    rules.write_text(yaml.safe_dump(ALERTS))
    mine = {
        **job,
        "scheme": "http",
        "scrape_interval": "1s",
        "authorization": {**job["authorization"], "credentials_file": str(token)},
        "static_configs": [{"targets": [served.http.removeprefix("http://")]}],
    }
    one = Prometheus(tmp_path, {"scrape_configs": [mine], "rule_files": [str(rules)]})
    yield one
    one.stop()


def test_promtool_finds_nothing(tmp_path: Path) -> None:
    """In the scrape and in the alerts, as they are printed."""
    for kind, found in (("config", SCRAPE), ("rules", ALERTS)):
        path = tmp_path / kind
        path.write_text(yaml.safe_dump(found))
        options = ["--syntax-only"] if kind == "config" else []
        words = [program("promtool"), "check", kind, *options, str(path)]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_a_scrape_with_a_token_and_the_queries(served: Served, prometheus: Prometheus) -> None:
    """Rates, the share of errors and a percentile are those of what was sent."""
    sender = command(served, "add", "app", "--scope", "ingest")
    wait_for(lambda: prometheus.get("targets"), 60, "Prometheus answers")

    def target() -> Any:
        (one,) = prometheus.get("targets")["activeTargets"] or [{}]
        return one.get("health") == "up" and one

    assert wait_for(target, 30, "a scrape")["lastError"] == ""
    # A rate needs a counter to rise between two scrapes of it.
    send(served, sender, seed=1)
    wait_for(lambda: prometheus.values("otel_fmd_http_server_requests_total"), 30, "the counter")
    began = time.monotonic()
    for seed in range(2, 12):
        send(served, sender, seed=seed)
    total = "sum(otel_fmd_http_server_requests_total)"
    wait_for(lambda: prometheus.values(total).get("") == 33, 30, "the last batch")
    wait_for(lambda: prometheus.values(RATE).get("GET /a", 0) > 0, 30, "a rate")
    assert time.monotonic() - began < 60
    assert prometheus.values(ERRORS)["GET /a"] == pytest.approx(1 / 3)
    assert 2.5 < prometheus.values(P95)["GET /a"] <= 5
    assert prometheus.values("otel_fmd_database_up") == {"": 1}
    rules = [rule for group in prometheus.get("rules")["groups"] for rule in group["rules"]]
    assert len(rules) == len(ALERTS["groups"][0]["rules"])
    assert not [rule for rule in rules if rule["state"] == "firing" or rule.get("lastError")]
