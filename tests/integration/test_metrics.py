"""`/metrics` of started servers: scraped as Prometheus does, with and without tokens."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import requests
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_open
from prometheus_client.parser import text_string_to_metric_families as read_text

from tests.integration.test_tokens import command
from tests.support.people import log_in
from tests.support.serving import PASSWORD, Served
from tests.support.spans import Spans, body, flask_attributes
from tests.support.waiting import wait_for

PROTOBUF = {"Content-Type": "application/x-protobuf"}
OPEN = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"
HOSTILE = 'a"b\\c\nd{e="f"} 1'
SHARED = "a shared token"
RED = ("otel_fmd_http_server_requests", "otel_fmd_http_server_request_duration_seconds")


def bearing(token: str) -> dict[str, str]:
    """The header of a token; none without."""
    return {"Authorization": f"Bearer {token}"} if token else {}


def scrape(base: str, token: str = "", accept: str = "") -> requests.Response:
    """As Prometheus does."""
    headers = {**bearing(token), "Accept": accept, "Accept-Encoding": "gzip"}
    return requests.get(f"{base}/metrics", headers=headers, timeout=30)


def send(served: Served, token: str = "", seed: int = 1) -> None:
    """Three requests, one of them failed, of a service with a hostile name."""
    made = Spans(seed)
    spans = [
        made.span(flask_attributes("/a", **{"http.status_code": status}), duration_ms=duration)
        for status, duration in ((200, 20), (200, 30), (500, 3_000))
    ]
    headers = {**PROTOBUF, **bearing(token)}
    data = body(spans, service=HOSTILE)
    assert requests.post(served.traces, data, headers=headers, timeout=30).status_code == 200


def names_at(base: str, token: str = "") -> set[str]:
    """The names of all metrics of ours."""
    families = read_text(scrape(base, token).text)
    return {one.name for one in families if one.name.startswith("otel_fmd_")}


@pytest.fixture
def served(serve: Callable[..., Served], new_url: Callable[[str], str]) -> Iterator[Served]:
    """A server that asks nobody for a token."""
    return serve(new_url("sqlite"))


def test_a_plain_install_is_open_on_the_receiver(served: Served) -> None:
    """Both formats, packed; the numbers of what was sent."""
    send(served)
    for accept, read in (("", read_text), (OPEN, read_open)):
        answer = scrape(served.http, accept=accept)
        assert answer.status_code == 200
        assert answer.headers["Content-Encoding"] == "gzip"
        assert answer.headers["Content-Type"].startswith(accept[:27] or "text/plain; version=0.0.4")
        found = {
            (one.name, one.labels.get("status_class", one.labels.get("le", ""))): one.value
            for family in read(answer.text)
            for one in family.samples
            if one.labels.get("service") == HOSTILE and one.labels["endpoint"] == "GET /a"
        }
        requests_, duration = (f"{RED[0]}_total", f"{RED[1]}_bucket")
        assert found[requests_, "2xx"] == 2
        assert found[requests_, "5xx"] == 1
        assert (found[duration, "0.025"], found[duration, "0.05"]) == (1, 2)
        assert (found[duration, "2.5"], found[duration, "+Inf"]) == (2, 3)
        assert found[f"{RED[1]}_sum", ""] == pytest.approx(3.05)
    head = requests.head(f"{served.http}/metrics", timeout=30)
    assert (head.status_code, head.content) == (200, b"")


def test_receiver_and_dashboard_of_a_process_show_the_same(served: Served) -> None:
    """The dashboard to whoever may read: a token of the scope, or a session."""
    send(served)
    token = command(served, "add", "scraper", "--scope", "read")
    assert scrape(served.dashboard).status_code == 401
    assert names_at(served.dashboard, token) == names_at(served.http) >= set(RED)
    browser = requests.Session()
    log_in(browser, served.dashboard, PASSWORD)
    shown = browser.get(f"{served.dashboard}/metrics", timeout=30).text
    assert "otel_fmd_requests_stored_total 3.0" in shown


def test_a_dashboard_alone_tells_how_it_is(
    serve: Callable[..., Served], new_url: Callable[[str], str]
) -> None:
    """It stores nothing, so it counts nothing."""
    served = serve(new_url("sqlite"), "--no-receiver")
    token = command(served, "add", "scraper", "--scope", "read")
    assert names_at(served.dashboard, token) == {"otel_fmd_build_info", "otel_fmd_database_up"}


@pytest.mark.parametrize("way", ["required", "shared"])
def test_a_receiver_that_asks_for_tokens(
    serve: Callable[..., Served], new_url: Callable[[str], str], way: str
) -> None:
    """Reading needs the scope: what may only send sees nothing; a revoked token neither."""
    environment = (
        {"OTEL_FMD_REQUIRE_TOKEN": "true"} if way == "required" else {"OTEL_FMD_OTLP_TOKEN": SHARED}
    )
    served = serve(new_url("sqlite"), "--no-dashboard", **environment)
    sender = command(served, "add", "app", "--scope", "ingest")
    reader = command(served, "add", "scraper", "--scope", "read", "--days", "30")
    # Tokens are read together: the older one is known then, too.
    wait_for(lambda: scrape(served.http, reader).status_code == 200, 10, "the token is known")
    for wrong in ("", sender, reader[:-1], "ofmd_", "x"):
        answer = scrape(served.http, wrong)
        assert answer.status_code == 401, wrong
        assert answer.headers["WWW-Authenticate"] == "Bearer"
        assert "otel_fmd_" not in answer.text
    assert scrape(served.http, SHARED).status_code == (200 if way == "shared" else 401)
    send(served, sender)
    text = scrape(served.http, reader).text
    assert "otel_fmd_requests_stored_total 3.0" in text
    assert 'otel_fmd_otlp_refused_total{path="/metrics",reason="401",transport="http"}' in text
    # Probes have no token.
    assert requests.get(f"{served.http}/readyz", timeout=30).status_code == 200
    command(served, "revoke", "scraper")
    wait_for(lambda: scrape(served.http, reader).status_code == 401, 10, "it is refused")
