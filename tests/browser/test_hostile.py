"""Names, lines of code and headers that are markup: shown as they stand, on every page."""

from __future__ import annotations

import csv
import json
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.trace import SpanKind

from dash_app.pages import PAGES
from otel_fmd.requests.profile import Profile, ProfileLine, profile_attributes
from tests.support.logs import log, logs_body
from tests.support.points import gauge, histogram, metrics_body
from tests.support.serving import Served
from tests.support.visitor import Visitor

EVIL = (
    '<b>x</b><i>&lt;%{y}</i><img src=x onerror="window.hacked=1"><script>window.hacked=2</script>'
    '<a href="https://evil.example">y</a>'
)
MARKUP = "<b>x</b><i>&lt;%{y}"
"""How it begins; columns and labels may end before the rest."""
FORMULA = '=HYPERLINK("https://evil.example")'
ALIKE = [f"GET /api/v1/organizations/<organization>/projects/{n}/members" for n in "ab"]


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server that got such requests from a real SDK, some with an outlier and a profile."""
    folder: Path = tmp_path_factory.mktemp("hostile")
    served = Served(f"sqlite:///{folder / 'fmd.db'}", OTEL_FMD_MONITOR_LEVEL="3")
    for version in (f"1{EVIL[:60]}", f"1{EVIL[:59]}?"):
        send(served, version)
    send_more(served)
    yield served
    served.stop()


def send_more(served: Served) -> None:
    """Metrics and logs with markup in every text."""
    at_ns, short = time.time_ns() - 120_000_000_000, EVIL[:45]
    metrics = [
        gauge(
            name, 1.5, at_ns=at_ns, unit=short, attributes=[(short, short), ("http.route", short)]
        )
        for name in (EVIL, "process.memory.usage")
    ]
    duration = histogram(
        "http.server.duration", [5.0], [1, 1], temporality=1, at_ns=at_ns, total=9.0,
        attributes=[("http.route", short), ("http.method", "GET")],
    )  # fmt: skip
    body = metrics_body(*metrics, duration, **{"service.name": short, "service.instance.id": short})
    for metric in body.resource_metrics[0].scope_metrics[0].metrics:
        metric.description = EVIL
    records = logs_body(log(EVIL, 17, at_ns=at_ns, evil=EVIL), scope=EVIL)
    for name, data in (("metrics", body), ("logs", records)):
        requests.post(
            f"{served.http}/v1/{name}",
            data.SerializeToString(),
            headers={"Content-Type": "application/x-protobuf"},
            timeout=10,
        ).raise_for_status()


def send(served: Served, version: str) -> None:
    """Requests whose every text is markup; two endpoints differ in the middle of long names."""
    resource = Resource({"service.name": EVIL[:60], "service.version": version})
    provider = TracerProvider(resource=resource)
    provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter(served.traces)))
    tracer = provider.get_tracer("test")
    attributes = {
        "http.method": "GET",
        "http.status_code": 200,
        "enduser.id": EVIL[:90],
        "client.address": EVIL[:40],
        "http.host": EVIL,
        "http.target": f"/{EVIL}",
        "http.user_agent": EVIL,
    }
    line = ProfileLine(EVIL, 1, EVIL, EVIL, 0, 30_000, 10_000)
    profile = Profile([line, line._replace(indent=1, wall_us=20_000)], 3, 0, False)
    outlier = dict.fromkeys(("headers", "environment", "url", "memory", "stack"), EVIL)
    stack = f'Traceback:\n  File "{EVIL}", line 7, in {EVIL}\n    {EVIL}\n{EVIL}: {EVIL}\n'
    raised = {
        "exception.type": EVIL,
        "exception.message": EVIL,
        "exception.stacktrace": stack.replace("Traceback:", "Traceback (most recent call last):"),
        "fmd.exception.files": [EVIL],
        "fmd.exception.functions": [EVIL],
        "fmd.exception.lines": [7],
        "fmd.exception.starts": [5],
        "fmd.exception.sources": [f"{EVIL}\n{EVIL}\n{EVIL}\n"],
        "fmd.exception.variables": [json.dumps({EVIL: EVIL})],
    }
    now = time.time_ns()
    for endpoint in (EVIL, *ALIKE, FORMULA):
        for number in range(3):
            start = now - (number + 2) * 1_000_000_000
            span = tracer.start_span("GET", kind=SpanKind.SERVER, start_time=start)
            span.set_attributes({**attributes, "flask.endpoint": endpoint})
            if number:
                span.set_attribute("fmd.monitor_level", 3)
                span.add_event("fmd.profile", profile_attributes(profile))
                span.add_event("fmd.outlier", {f"fmd.outlier.{k}": v for k, v in outlier.items()})
                span.add_event("exception", raised)
            span.end(start + 30_000_000 * (number + 1))
    provider.shutdown()


def addresses(one: Visitor) -> list[str]:
    """Every page, of the endpoint and of a request too."""
    one.open("/requests")
    link = one.page.locator("a[href*='/request/']").first.get_attribute("href") or ""
    (request,) = re.findall(r"/request/([^?]+)", link)
    numbers = {"endpoint": "1", "request": request, "group": "1", "metric": "1"}
    return [re.sub(r"<(\w+)>", lambda m: numbers[m[1]], page.path) for page in PAGES]


def test_markup_is_shown_and_never_taken(visit: Callable[..., Visitor], hostile: Served) -> None:
    """No element of it, no script of it, nothing asked from its address."""
    one = visit(hostile)
    one.log_in()
    shown = set()
    for path in addresses(one):
        one.open(path, "#content .card, #content .ag-row, #content form, #content table")
        one.page.wait_for_load_state("networkidle")
        assert one.page.evaluate("window.hacked") is None, path
        taken = one.page.evaluate(
            """() => Array.from(document.querySelectorAll('#content *, nav *, .hoverlayer *'))
                .filter((e) => /evil|window.hacked/.test(
                    Array.from(e.attributes).filter((a) => /href|src|^on/.test(a.name))
                        .map((a) => a.value).join()) ||
                    (e.tagName === 'SCRIPT' && /hacked/.test(e.textContent)) ||
                    (/^(B|I|tspan)$/.test(e.tagName) && /^(x|<)$/.test(e.textContent)))
                .map((e) => e.outerHTML)"""
        )
        assert taken == [], path
        if MARKUP in one.page.locator("body").evaluate("e => e.textContent"):
            shown.add(path)
    graphs = {"/versions", "/performance", "/daily"}
    exceptions = {"/exceptions", "/exception/1", "/endpoint/1/exceptions"}
    signals = {"/explore-metrics", "/explore-metrics/1", "/logs", "/runtime", "/measured"}
    assert {"/", "/requests", *graphs, *exceptions, *signals} <= shown


def test_hover_texts_show_it_too(visit: Callable[..., Visitor], hostile: Served) -> None:
    """The text beside the pointer is the name, the tags in it included."""
    one = visit(hostile)
    one.log_in()
    one.open("/daily")
    one.figure("daily")
    bar = one.page.locator("[id*='\"daily\"'] .bars .point path").first
    bar.hover(force=True)
    label = one.page.locator(".hoverlayer .hovertext")
    label.wait_for()
    names = [MARKUP, FORMULA, *ALIKE]
    assert any(name in label.evaluate("e => e.textContent") for name in names)


def test_long_names_that_are_alike_stay_apart(
    visit: Callable[..., Visitor], hostile: Served
) -> None:
    """A row each, and a click opens the right one."""
    one = visit(hostile)
    one.log_in()
    one.open("/versions")
    figure = one.figure("multi-version")["data"][0]
    assert len(set(figure["y"])) == len(figure["y"]) == 4
    assert len(set(figure["x"])) == len(figure["x"]) == 2
    one.open("/performance")
    boxes = [t for t in one.figure("api-performance")["data"] if t["type"] == "box"]
    assert len({box["name"] for box in boxes}) == 4


@pytest.mark.parametrize(
    ("path", "button"),
    [("/", "Download Endpoints as CSV"), ("/daily", "Download Daily API utilization as CSV")],
)
def test_no_spreadsheet_runs_it(
    visit: Callable[..., Visitor], hostile: Served, path: str, button: str
) -> None:
    """A cell that begins like a formula is a text, in rows and in headers."""
    one = visit(hostile)
    one.log_in()
    one.open(path)
    with one.page.expect_download() as caught:
        one.page.get_by_role("button", name=button).click()
    text = Path(caught.value.path()).read_text()
    cells = [cell for row in csv.reader(text.splitlines()) for cell in row]
    assert f"'{FORMULA}" in cells
    assert FORMULA not in cells
