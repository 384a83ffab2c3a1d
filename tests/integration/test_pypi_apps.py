"""Applications from PyPI, bare and in each of the three ways.

They answer the same, byte for byte, and what is stored is what an outermost middleware saw.
"""

from __future__ import annotations

import json
import re
import shutil
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from sqlalchemy import select

from otel_fmd.store.store import Store
from tests.support.bare import BareEnvironment, wheel_folder
from tests.support.serving import Served
from tests.support.waiting import free_port, wait_for

RUN = Path(__file__).parents[1] / "support" / "pypi_app.py"
OURS = "'otel-fmd[sqlite]' opentelemetry-distro opentelemetry-exporter-otlp-proto-http"
CHANGING = re.compile(rb"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?Z?")
"""Times of now in bodies: a listing of files, or of objects."""
CHANGING_HEADERS = re.compile("date|last-modified|x-amz.*-id.*|x-amzn-requestid", re.IGNORECASE)
SIGNED = re.compile(r"\.[\w-]{6}\.[\w-]{27}(?=;)")
"""Time and signature of a Flask session."""
ONLY_TRACES = {
    "OTEL_METRICS_EXPORTER": "none",
    "OTEL_LOGS_EXPORTER": "none",
    "OTEL_SERVICE_NAME": "theirs",
    "OTEL_TRACES_SAMPLER": "always_on",
}


class Asked(NamedTuple):
    """A request."""

    method: str
    path: str
    body: bytes = b""
    headers: dict[str, str] = {}


FORM = {"Content-Type": "application/x-www-form-urlencoded"}
APPS: dict[str, tuple[tuple[str, ...], list[Asked]]] = {
    "httpbin": (
        ("greenlet==2.0.2", "httpbin==0.10.4"),
        [
            Asked("GET", "/get?a=1&b=%C3%A9"),
            Asked("GET", "/headers", headers={"X-Own": "x"}),
            Asked("GET", "/ip"),
            Asked("GET", "/status/418"),
            Asked("GET", "/status/500"),
            Asked("GET", "/bytes/500?seed=1"),
            Asked("GET", "/stream-bytes/5000?seed=2&chunk_size=100"),
            Asked("GET", "/stream/5"),
            Asked("GET", "/range/100?duration=0", headers={"Range": "bytes=10-19"}),
            Asked("GET", "/drip?duration=0.05&numbytes=5&delay=0"),
            Asked("GET", "/gzip"),
            Asked("GET", "/brotli"),
            Asked("GET", "/html"),
            Asked("GET", "/image/png"),
            Asked("GET", "/links/3/0"),
            Asked("GET", "/redirect/2"),
            Asked("GET", "/cookies/set?a=1"),
            Asked("GET", "/cookies", headers={"Cookie": "a=1; b=2"}),
            Asked("GET", "/basic-auth/u/p"),
            Asked("GET", "/basic-auth/u/p", headers={"Authorization": "Basic dTpw"}),
            Asked("GET", "/etag/abc", headers={"If-None-Match": "abc"}),
            Asked("HEAD", "/get"),
            Asked("OPTIONS", "/get"),
            Asked("POST", "/post?x=1", b"a=1&a=2", FORM),
            Asked("PUT", "/put", b"\x00\xff" * 5000, {"Content-Type": "application/octet-stream"}),
            Asked("DELETE", "/delete"),
            Asked("POST", "/get"),
            Asked("GET", "/nothing/here"),
            Asked("GET", "/base64/aGVsbG8="),
            Asked("GET", "/forms/post"),
        ],
    ),
    "flask-admin": (
        ("flask-admin==2.2.1",),
        [
            Asked("GET", "/admin/"),
            Asked("GET", "/admin"),
            Asked("GET", "/admin/fileadmin/"),
            Asked("GET", "/admin/fileadmin/b/inner"),
            Asked("GET", "/admin/fileadmin/b/none"),
            Asked("GET", "/admin/fileadmin/download/one.txt"),
            Asked("GET", "/admin/fileadmin/download/../run.py"),
            Asked("POST", "/admin/fileadmin/mkdir/", b"name=made", FORM),
            Asked("GET", "/admin/fileadmin/b/made"),
            Asked("POST", "/admin/fileadmin/delete/", b"path=one.txt", FORM),
            Asked("GET", "/admin/fileadmin/download/one.txt"),
            Asked("GET", "/admin/static/admin/js/helpers.js"),
            Asked("GET", "/admin/static/admin/js/none.js"),
            Asked("GET", "/none"),
            Asked("POST", "/admin/"),
        ],
    ),
    "moto": (
        ("moto==5.2.5", "flask-cors==6.0.5", "python-dateutil==2.9.0.post0"),
        [
            Asked("PUT", "/bucket"),
            Asked("PUT", "/bucket/a%20key", b"x" * 2000, {"Content-Type": "text/plain"}),
            Asked("GET", "/bucket/a%20key"),
            Asked("HEAD", "/bucket/a%20key"),
            Asked("GET", "/bucket/a%20key", headers={"Range": "bytes=0-9"}),
            Asked("GET", "/bucket?list-type=2"),
            Asked("GET", "/bucket/none"),
            Asked("GET", "/nobucket/a"),
            Asked("DELETE", "/bucket/a%20key"),
            Asked("GET", "/"),
            Asked("DELETE", "/bucket"),
        ],
    ),
}


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with our wheel."""
    return wheel_folder(tmp_path_factory.mktemp("wheels"))


@pytest.fixture(scope="module", params=sorted(APPS))
def installed(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, wheels: Path
) -> tuple[str, BareEnvironment, list[Any]]:
    """An application in an environment of its own, and what it answers without us."""
    name = request.param
    pins, asked = APPS[name]
    bare = BareEnvironment(tmp_path_factory.mktemp("pypi") / name, wheels, *pins)
    bare.run(f"pip install {OURS}")
    shutil.copy(RUN, bare.folder / "run.py")
    # One port for all runs: apps answer with their own addresses.
    port = free_port()
    answers, _ = run(bare, name, port, "python", {})
    assert len(answers) == len(asked)
    return name, bare, [port, answers]


def run(
    bare: BareEnvironment, name: str, port: int, python: str, environment: dict[str, str]
) -> tuple[list[Any], list[dict[str, Any]]]:
    """All requests one after another: what was answered, and what the middleware saw."""
    truth = bare.folder / "truth.jsonl"
    truth.unlink(missing_ok=True)
    command = f"{python} run.py {name} {port} {truth}"
    process = bare.start(command, {"PYTHONHASHSEED": "0", **environment})
    try:
        wait_for(lambda: is_up(port, process), 60, "the app is up")
        answers = [answer(port, one) for one in APPS[name][1]]
        # A client has its answer before the middleware has seen its end.
        number = len(answers) + 1
        wait_for(lambda: truth.read_text().count("\n") == number, 10, "the middleware saw all")
    finally:
        process.stop()
    return answers, [json.loads(line) for line in truth.read_text().splitlines()]


def is_up(port: int, process: Any) -> bool:
    """Whether somebody answers; one request more."""
    assert not process.has_ended, process.log
    try:
        answer(port, Asked("GET", "/are-you-up"))
    except ConnectionError:
        return False
    return True


def answer(port: int, asked: Asked) -> tuple[int, str, list[tuple[str, str]], bytes]:
    """Status, reason, headers and body, as they came, without times and random ids."""
    connection = HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request(asked.method, asked.path, asked.body or None, asked.headers)
        found = connection.getresponse()
        body = found.read()
        if body[:2] == b"\x1f\x8b":
            body = body[:4] + bytes(4) + body[8:]  # when it was compressed
        headers = [
            (key, "*" if CHANGING_HEADERS.fullmatch(key) else SIGNED.sub("*", value))
            for key, value in found.getheaders()
        ]
        return found.status, found.reason, headers, CHANGING.sub(b"*", body)
    finally:
        connection.close()


@pytest.mark.parametrize("way", ["exporter", "otlp", "two lines", "two lines, level 3"])
def test_an_application_from_pypi(
    installed: tuple[str, BareEnvironment, list[Any]], way: str, tmp_path: Path
) -> None:
    """The same bytes, and a row for each request: its status, and how long it took."""
    name, bare, (port, without) = installed
    url = f"sqlite:///{tmp_path / 'fmd.db'}"
    served = None
    environment = {"OTEL_FMD_DATABASE_URL": url, **ONLY_TRACES}
    python = "opentelemetry-instrument python"
    if way == "exporter":
        environment["OTEL_TRACES_EXPORTER"] = "fmd"
    elif way == "otlp":
        served = Served(url, "--no-dashboard")
        environment["OTEL_EXPORTER_OTLP_ENDPOINT"] = served.http
        environment["OTEL_EXPORTER_OTLP_PROTOCOL"] = "http/protobuf"
    else:
        python = "python"
        environment["INSTRUMENT"] = "1"
        environment["OTEL_FMD_MONITOR_LEVEL"] = "3" if way.endswith("3") else "2"
    try:
        answers, truth = run(bare, name, port, python, environment)
    finally:
        if served is not None:
            served.stop()
    for asked, mine, theirs in zip(APPS[name][1], answers, without, strict=True):
        assert mine == theirs, asked
    store = Store(url)
    with store.read() as connection:
        request = store.tables.request.c
        rows = connection.execute(
            select(request.status_code, request.duration).order_by(request.id)
        ).all()
    store.close()
    assert [row.status_code for row in rows] == [one["status"] for one in truth]
    for row, one in zip(rows, truth, strict=True):
        # The middleware is around us; a busy machine may stop between its clock and ours.
        assert row.duration <= one["ms"] + 1, one
        assert row.duration > one["ms"] - 100, one
